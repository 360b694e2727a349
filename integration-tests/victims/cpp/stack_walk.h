// The frames of the randomised stack tests: functions of every shape that unwinding finds hard, which call each other
// at random and allocate on the way. Included by each victim so that it can be compiled with many options.
//
// What each shape is for:
//   plain<N>      frames of different and, on different paths, equal sizes: one stack pointer, several histories
//   variable      alloca: the CFA follows rbp
//   realigned     alignas(64): the CFA is read from memory (DW_OP_deref)
//   both          alloca in a realigned frame
//   registers     callee-saved registers, rbp among them, hold numbers that are no frame pointers
//   throwing      exceptions thrown across frames, whose destructors allocate; also rethrown
//   jumping       longjmp across frames
//   setting       setjmp that is never jumped to
//   functional    std::function and lambdas
//   looping       the same frame again and again, at other places in it
#pragma once
#include <alloca.h>

#include <csetjmp>
#include <functional>
#include <string>
#include <vector>

#include "victim.h"

namespace walk {

struct State {
  Random random{0};
  long budget = 0;
  int depth = 0;  // C++ frames of the walk on this stack
  char* pool[256] = {};
  jmp_buf* target = nullptr;
  void (*visit)() = nullptr;  // called now and then at any depth: a signal, a coroutine switch

  // What is left over at the end is freed, so a walk is balanced.
  ~State() {
    for (char* block : pool) delete[] block;
  }
};

// Never inlined, and always asked again: a coroutine's state differs from its thread's.
NOINLINE State*& current() {
  static thread_local State* state = nullptr;
  asm volatile("");
  return state;
}

NOINLINE inline void allocate() {
  State& s = *current();
  char*& slot = s.pool[s.random.below(256)];
  delete[] slot;
  slot = nullptr;
  slot = new char[1 + s.random.below(120)];
  s.budget--;
}

NOINLINE static void go(int depth);

template <int N>
NOINLINE void plain(int depth) {
  volatile char frame[24 * N + 1];
  frame[0] = static_cast<char>(depth);
  if (current()->random.one_in(2)) allocate();
  go(depth);
  keep(frame);
}

NOINLINE inline void variable(int depth) {
  char* frame = static_cast<char*>(alloca(16 + current()->random.below(1000)));
  keep(*frame);
  allocate();
  go(depth);
  keep(*frame);
}

NOINLINE inline void realigned(int depth) {
  alignas(64) char frame[256];
  keep(frame);
  allocate();
  go(depth);
  keep(frame);
}

NOINLINE inline void both(int depth) {
  alignas(128) char frame[128];
  char* more = static_cast<char*>(alloca(16 + current()->random.below(500)));
  keep(frame);
  keep(*more);
  allocate();
  go(depth);
  keep(frame);
}

NOINLINE inline void registers(int depth) {
  Random& r = current()->random;
  uint64_t a = r.next(), b = r.next(), c = r.next(), d = r.next(), e = r.next(), f = r.next();
  allocate();
  go(depth);
  asm volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f));
}

struct Cleanup {
  ~Cleanup() { allocate(); }
};

NOINLINE inline void thrower(int depth) {
  Cleanup cleanup;
  if (depth > 0) {
    thrower(depth - 1);
  } else {
    throw depth;
  }
  keep(cleanup);
}

NOINLINE inline void throwing(int depth) {
  State& s = *current();
  try {
    allocate();
    go(depth);
    if (s.random.one_in(8)) thrower(static_cast<int>(s.random.below(6)));
  } catch (int) {
    allocate();
    if (s.depth > 1 && s.target == nullptr && s.random.one_in(2)) throw;
  }
}

// A frame that catches what `throwing` throws again; the walk's start has one too.
NOINLINE inline void catching(int depth) {
  int before = current()->depth;
  try {
    go(depth);
  } catch (int) {
    current()->depth = before;
    allocate();
  }
}

NOINLINE inline void jumper(int depth) {
  volatile char frame[40];
  frame[0] = 1;
  allocate();
  if (depth > 0) jumper(depth - 1);
  if (depth == 0) longjmp(*current()->target, 1);
  keep(frame);
}

NOINLINE inline void jumping(int depth) {
  State& s = *current();
  jmp_buf here;
  jmp_buf* outer = s.target;
  if (setjmp(here) == 0) {
    allocate();
    current()->target = &here;
    jumper(static_cast<int>(current()->random.below(6)));
  }
  current()->target = outer;
  allocate();
  go(depth);
}

NOINLINE inline void setting(int depth) {
  jmp_buf here;
  if (setjmp(here) == 0) go(depth);
  keep(here);
  allocate();
}

NOINLINE inline void functional(int depth) {
  std::string text(20 + current()->random.below(60), 'x');
  std::function<void(int)> inner = [text](int d) {
    allocate();
    go(d);
    keep(text);
  };
  auto outer = [&](auto f, int d) { f(d); };
  outer(inner, depth);
  current()->budget -= 3;
}

NOINLINE inline void looping(int depth) {
  for (int i = 0; i < 3; i++) {
    allocate();
    if (i == 1) go(depth - 1);
  }
  std::vector<int> numbers;
  for (int i = 0; i < 5; i++) numbers.push_back(i);
  current()->budget -= 4;
}

using Shape = void (*)(int);
inline const Shape shapes[] = {
    plain<0>, plain<1>, plain<2>, plain<3>,  variable, realigned,  both,    registers,
    throwing, catching, jumping,  setting,   functional, looping,  looping, plain<5>,
};

NOINLINE static void go(int depth) {
  State& s = *current();
  if (depth <= 0 || s.budget <= 0) return;
  unsigned calls = 1 + s.random.below(2);
  for (unsigned i = 0; i < calls; i++) {
    if (s.visit && s.random.one_in(16)) s.visit();
    s.depth++;
    shapes[s.random.below(sizeof shapes / sizeof *shapes)](depth - 1);
    s.depth--;
  }
}

// Walks until `allocations` have been made. `visit` may be null.
NOINLINE inline void run(uint64_t seed, long allocations, void (*visit)() = nullptr) {
  State state;
  state.random.state = seed;
  state.budget = allocations;
  state.visit = visit;
  current() = &state;
  while (state.budget > 0) {
    state.depth = 0;
    catching(3 + static_cast<int>(state.random.below(25)));
  }
  current() = nullptr;
}

}  // namespace walk
