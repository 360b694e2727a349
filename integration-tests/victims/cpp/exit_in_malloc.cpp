// A signal handler ends the process by `exit`, while the thread that it interrupted is inside of `malloc` or `free`.
//
//   exit_in_malloc one|two     `two`: with another thread, so that the allocator takes its locks
//   exit_in_malloc stuck       another thread is stuck in a handler that interrupted it there; main returns
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "victim.h"

static std::atomic<int> rounds{0};
static std::atomic<bool> is_stuck{false};
static volatile bool inside;

static void leave(int) {
  if (inside) std::exit(5);
}

static void stay(int) {
  if (!inside) return;
  is_stuck = true;
  for (;;) pause();
}

// Large enough for the thread's own cache to have none, small enough for the heap.
[[noreturn]] static void churn() {
  void* kept[64] = {};
  Random random{1};
  for (;;) {
    void*& slot = kept[random.below(64)];
    inside = true;
    std::free(slot);
    slot = std::malloc(2000 + random.below(40'000));
    inside = false;
    rounds++;
  }
}

static void every_millisecond(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigaction(SIGALRM, &action, nullptr);
  itimerval timer = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

int main(int, char** argv) {
  if (is(argv[1], "two")) {
    std::thread([] {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);
      for (;;) pause();
    }).detach();
  }
  if (is(argv[1], "stuck")) {
    std::thread(churn).detach();
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
    every_millisecond(stay);
    while (!is_stuck) usleep(1000);
    return 5;
  }
  every_millisecond(leave);
  churn();
}
