// Memory that goes up and down, over threads that allocate and others that free, to be seen in the timeline.
//
// Four threads allocate 16 blocks of 1,000,003 bytes each and end; a fifth frees all but three of these.
#include <unistd.h>

#include <thread>
#include <vector>

#include "victim.h"

int main() {
  checkpoint("before");
  char* blocks[64];
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&blocks, i] {
      for (int at = 16 * i; at < 16 * (i + 1); at++) {
        blocks[at] = new char[1'000'003];
        keep(blocks[at]);
        usleep(2'000);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  checkpoint("full");
  std::thread([&blocks] {
    for (int at = 3; at < 64; at++) {
      delete[] blocks[at];
      usleep(1'000);
    }
  }).join();
  checkpoint("after");
  return 0;
}
