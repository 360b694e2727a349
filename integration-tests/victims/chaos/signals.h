// Signals: handlers on alternate stacks of any size, raised where no allocator is at work; and timers that interrupt the
// allocator itself, which needs one that may be interrupted (safe_malloc.cpp).
#pragma once
#include <sys/auxv.h>
#include <sys/time.h>

#include <csetjmp>
#include <csignal>
#include <ctime>

#include "chaos.h"

namespace signals {

inline Step* current;
inline sigjmp_buf back;
inline volatile sig_atomic_t jumps;

inline void handle(int) {
  void* block = std::malloc(46);
  keep(block);
  leave_one(*current);
  std::free(block);
  if (jumps) siglongjmp(back, 1);
}

inline void install(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(signal, &action, nullptr);
}

NOINLINE inline void raise_below(int depth, Random& random) {
  volatile char frame[64];
  frame[0] = 1;
  if (depth > 0) {
    raise_below(depth - 1, random);
  } else {
    pair(random, 200);
    raise(SIGUSR1);
  }
  keep(frame);
}

// A handler on an alternate stack; returns or jumps out of it.
NOINLINE inline uint64_t piece_altstack(Step& step) {
  Random random = step.random();
  current = &step;
  jumps = step.is("leave-by", "jump");
  auto size = static_cast<size_t>(step.number("size"));
  // What the kernel puts there is the processor's business; the allocator needs some more.
  size_t least = (getauxval(AT_MINSIGSTKSZ) + 2 * 4096) & ~size_t{4095};
  if (size < least) size = least;
  void* place = mmap(nullptr, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* stack = static_cast<char*>(place) + 4096;
  mprotect(stack, size, PROT_READ | PROT_WRITE);
  stack_t alternate{}, before{};
  alternate.ss_sp = stack;
  alternate.ss_size = size;
  if (sigaltstack(&alternate, &before) != 0) give_up("set an alternate stack");
  install(SIGUSR1, handle, SA_ONSTACK | SA_NODEFER);
  for (volatile long i = 0; i < step.number("rounds"); i = i + 1) {
    if (sigsetjmp(back, 1) == 0) raise_below(static_cast<int>(random.below(30)), random);
  }
  jumps = 0;
  sigaltstack(&before, nullptr);
  install(SIGUSR1, SIG_DFL, 0);
  munmap(place, size + 8192);
  leave_rest(step);
  return random.next();
}

inline std::atomic<long> storms;
inline timer_t timer;
inline bool timer_is_posix;

inline void in_storm(int) {
  Random random{static_cast<uint64_t>(storms.fetch_add(1))};
  for (int i = 0; i < 3; i++) pair(random, 300);
}

// A timer whose handler allocates at any instruction, the allocator's and the recorder's too, until the end.
NOINLINE inline uint64_t piece_storm(Step& step) {
  warms = step.is("warm", "yes");
  install(SIGALRM, in_storm, SA_RESTART | SA_ONSTACK);
  long period = step.number("us");
  timer_is_posix = step.is("how", "timer_create");
  if (timer_is_posix) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) give_up("create a timer");
    itimerspec every{{0, period * 1000}, {0, period * 1000}};
    timer_settime(timer, 0, &every, nullptr);
  } else {
    itimerval every{{0, period}, {0, period}};
    setitimer(ITIMER_REAL, &every, nullptr);
  }
  Random random = step.random();
  uint64_t sum = 0;
  for (int i = 0; i < step.number("rounds"); i++) {
    sum += churn(random, 50);
    if (i % 10 == 0) leave_one(step);
  }
  leave_rest(step);
  return sum;
}

inline void end_storm() {
  itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  if (timer_is_posix) timer_delete(timer);
  timer_is_posix = false;
  install(SIGALRM, SIG_IGN, 0);
}

}  // namespace signals
