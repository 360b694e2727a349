// Signals at any instruction: a timer interrupts functions that only compute, in their prologues and epilogues too, and
// the handler allocates. Only there the unwind tables must be right at every instruction, not just at calls.
//
//   stacks_interrupted SEED MILLISECONDS
//
// The handler allocates only while `computing` is set, so it never meets an allocator or the recorder half-way.
#include <sys/time.h>

#include <csignal>
#include <ctime>

#include "stack_walk.h"

static volatile sig_atomic_t computing;
static volatile uint64_t sink;
static walk::State state;
static uint64_t taken;

// One shot, set again when the handler is done: a handler that is slower than a period would leave no time to compute.
static void set_timer(suseconds_t microseconds) {
  itimerval timer{{0, 0}, {0, microseconds}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

static void handle(int) {
  if (!computing) {
    set_timer(50);
    return;
  }
  taken++;
  for (int i = 0; i < 10; i++) {
    char* block = new char[32];
    keep(block);
    delete[] block;
  }
  walk::State* outer = walk::current();
  walk::run(taken, 40);
  walk::current() = outer;
  set_timer(static_cast<suseconds_t>(20 + taken % 37));
}

NOINLINE static uint64_t leaf(uint64_t x) {
  asm volatile("");
  return x * 6364136223846793005ull + 1442695040888963407ull;
}

NOINLINE static uint64_t pushes(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t d = leaf(a), e = leaf(b), f = leaf(c), g = leaf(d ^ e);
  return d + e + f + g + leaf(a ^ g);
}

NOINLINE static uint64_t realigned(uint64_t a) {
  alignas(64) uint64_t frame[8];
  for (uint64_t i = 0; i < 8; i++) frame[i] = leaf(a + i);
  keep(frame);
  return frame[a % 8];
}

NOINLINE static uint64_t variable(uint64_t a) {
  auto* frame = static_cast<uint64_t*>(alloca(16 + (a % 64) * 8));
  frame[0] = pushes(a, a + 1, a + 2);
  keep(*frame);
  return frame[0] + realigned(a);
}

NOINLINE static uint64_t recursive(int depth, uint64_t a) {
  if (depth == 0) return variable(a);
  uint64_t result = recursive(depth - 1, a + 1);
  asm volatile("" : "+r"(result));
  return result + leaf(a);
}

int main(int, char** argv) {
  state.random.state = std::strtoull(argv[1], nullptr, 10);
  long milliseconds = std::atol(argv[2]);
  struct sigaction action {};
  action.sa_handler = handle;
  sigaction(SIGALRM, &action, nullptr);
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  long end = now.tv_sec * 1000 + now.tv_nsec / 1'000'000 + milliseconds;
  set_timer(50);
  do {
    computing = 1;
    for (int i = 0; i < 2000; i++) sink = sink + recursive(static_cast<int>(state.random.below(12)), sink);
    computing = 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec * 1000 + now.tv_nsec / 1'000'000 < end);
  set_timer(0);
  std::printf("interrupted: %s\n", taken > 100 ? "often" : "hardly");
  return 0;
}
