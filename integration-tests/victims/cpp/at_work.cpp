// The process ends while three threads make and drop strings, lists and maps in a loop. One block is lost before.
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "victim.h"

static std::atomic<int> at_work;

static void work() {
  for (int i = 0;; i++) {
    std::string text(41 + i % 100, 'x');
    std::vector<std::string> list(3, text);
    std::map<int, std::string> map{{1, text}, {2, list[1]}};
    if (i == 100) at_work++;
  }
}

int main() {
  plant(1'999'993);
  for (int i = 0; i < 3; i++) std::thread(work).detach();
  while (at_work < 3) std::this_thread::yield();
}
