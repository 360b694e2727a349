// Processes that end in every way there is, after leaking 3 blocks of 1,999,993 bytes.
//
//   endings return | exit | _exit | quick_exit | abort | segv | thread    (`thread`: main leaves by pthread_exit)
//   endings busy      says "ready" and works on 4 threads until it is killed
#include <pthread.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "victim.h"

static volatile int* volatile nowhere = nullptr;

NOINLINE static void planted() {
  for (int i = 0; i < 3; i++) plant(1'999'993);
}

[[noreturn]] static void busy() {
  auto churn = [](uint64_t seed) {
    Random random{seed};
    char* pool[1000] = {};
    for (;;) {
      char*& slot = pool[random.below(1000)];
      delete[] slot;
      slot = new char[random.below(500)];
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < 3; i++) threads.emplace_back(churn, i);
  std::puts("ready");
  std::fflush(stdout);
  churn(3);
  std::abort();
}

int main(int, char** argv) {
  checkpoint("start");
  planted();
  const char* how = argv[1];
  if (is(how, "busy")) busy();
  if (is(how, "exit")) std::exit(5);
  if (is(how, "_exit")) _exit(5);
  if (is(how, "quick_exit")) std::quick_exit(5);
  if (is(how, "abort")) std::abort();
  if (is(how, "segv")) *nowhere = 1;
  if (is(how, "thread")) {
    std::thread([] {
      usleep(50'000);
      plant(1'999'993);
    }).detach();
    pthread_exit(nullptr);
  }
  return 5;
}
