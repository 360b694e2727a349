// Control flow that leaves stacks in unusual ways: exceptions, longjmp, coroutines, recursion, frames of strange code.
#pragma once
#include <ucontext.h>

#include <csetjmp>
#include <exception>
#include <stdexcept>

#include "chaos.h"

namespace control {

struct Held {
  char* block;
  explicit Held(size_t bytes) : block(new char[bytes]) { keep(block); }
  Held(const Held&) = delete;
  ~Held() { delete[] block; }
};

struct Odd : std::runtime_error {
  using std::runtime_error::runtime_error;
};

NOINLINE inline uint64_t throw_below(Step& step, Random& random, int depth) {
  Held held(even(random, 300));
  if (depth == 0) {
    leave_one(step);
    if (random.one_in(3)) throw Odd("odd");
    throw 17;
  }
  try {
    return 1 + throw_below(step, random, depth - 1);
  } catch (const Odd&) {
    Held other(even(random, 300));
    if (random.one_in(2)) throw;
    return 5;
  }
}

NOINLINE inline uint64_t piece_exceptions(Step& step) {
  Random random = step.random();
  uint64_t sum = 0;
  for (long i = 0; i < step.number("rounds"); i++) {
    try {
      sum += throw_below(step, random, static_cast<int>(random.below(static_cast<unsigned>(step.number("depth")) + 1)));
    } catch (...) {
      std::exception_ptr kept = std::current_exception();
      sum = sum * 7 + pair(random, 500);
    }
  }
  leave_rest(step);
  return sum;
}

NOINLINE inline void jump_below(Step& step, Random& random, int depth, jmp_buf& target) {
  volatile char frame[48];
  frame[0] = 1;
  if (depth > 0) jump_below(step, random, depth - 1, target);
  leave_one(step);
  pair(random, 100);
  if (frame[0] == 1) longjmp(target, 1);
  keep(frame);
}

NOINLINE inline uint64_t piece_longjmp(Step& step) {
  static thread_local jmp_buf target;
  Random random = step.random();
  for (volatile long i = 0; i < step.number("rounds"); i = i + 1) {
    if (setjmp(target) == 0) {
      jump_below(step, random, static_cast<int>(random.below(static_cast<unsigned>(step.number("depth")) + 1)), target);
    }
    // The same stack again, with another path below it.
    pair(random, 200);
  }
  leave_rest(step);
  return random.next();
}

NOINLINE inline uint64_t down(Step& step, Random& random, int depth) {
  volatile char frame[32];
  frame[0] = static_cast<char>(depth);
  uint64_t sum = 0;
  if (depth > 0) sum = down(step, random, depth - 1);
  if (depth == 0) leave_one(step);
  if (depth % 64 == 0) sum += pair(random, 200);
  keep(frame);
  return sum + 1;
}

NOINLINE inline uint64_t piece_recursion(Step& step) {
  Random random = step.random();
  auto most = static_cast<unsigned>(step.number("depth"));
  uint64_t sum = 0;
  for (long i = 0; i < step.number("rounds"); i++) sum += down(step, random, static_cast<int>(1 + random.below(most)));
  leave_rest(step);
  return sum;
}

struct Coroutine {
  ucontext_t own, caller;
  void* stack;
  size_t size;
  Step* step;
  Random random;
  bool done;
};

inline thread_local Coroutine* entering;

NOINLINE inline void yield_below(Coroutine& self, int depth) {
  Held held(even(self.random, 200));
  if (depth > 0) return yield_below(self, depth - 1);
  swapcontext(&self.own, &self.caller);
  leave_one(*self.step);
}

inline void coroutine() {
  Coroutine& self = *entering;
  for (int i = 0; i < 4; i++) yield_below(self, static_cast<int>(self.random.below(20)));
  self.done = true;
}

// Coroutines in turn; a stack that is done is unmapped and the next one often gets its place.
NOINLINE inline uint64_t piece_coroutines(Step& step) {
  Random random = step.random();
  // Not thread-local: that would take as much of the smallest stacks.
  void* place = mmap(nullptr, 8 * sizeof(Coroutine), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) give_up("map memory");
  auto* all = static_cast<Coroutine*>(place);
  auto size = static_cast<size_t>(step.number("size"));
  long made = 0, count = step.number("n");
  for (long live = 0; made < count || live > 0;) {
    Coroutine& each = all[random.below(8)];
    if (!each.stack) {
      if (made >= count) continue;
      each.stack = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (each.stack == MAP_FAILED) give_up("map a stack");
      each.size = size;
      each.step = &step;
      each.random = {random.next()};
      each.done = false;
      getcontext(&each.own);
      each.own.uc_stack.ss_sp = each.stack;
      each.own.uc_stack.ss_size = size;
      each.own.uc_link = &each.caller;
      makecontext(&each.own, coroutine, 0);
      made++, live++;
    }
    entering = &each;
    swapcontext(&each.caller, &each.own);
    pair(random, 100);
    if (each.done) {
      munmap(each.stack, each.size);
      each.stack = nullptr;
      live--;
    }
  }
  munmap(place, 8 * sizeof(Coroutine));
  leave_rest(step);
  return random.next();
}

}  // namespace control
