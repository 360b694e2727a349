// Stacks that swapcontext switches between, in the middle of a walk. A coroutine's memory is unmapped when it ends, and
// the next one is mapped at the same address with another size: what was remembered there is not only wrong but may not
// even be readable.
//
//   stacks_coroutines SEED ALLOCATIONS THREADS
#include <sys/mman.h>
#include <ucontext.h>

#include <thread>

#include "stack_walk.h"

struct Coroutine {
  ucontext_t context{};
  char* memory = nullptr;
  size_t bytes = 0;
  uint64_t seed = 0;
  long allocations = 0;
  bool finished = true;
  walk::State* state = nullptr;
};

static constexpr int count = 6;
static constexpr size_t largest = 1 << 20;

struct Scheduler {
  ucontext_t back{};
  Coroutine all[count];
  Coroutine* running = nullptr;
  char* arena = nullptr;  // address space for the stacks; each coroutine owns a fixed part of it
};

NOINLINE static Scheduler*& scheduler() {
  static thread_local Scheduler* it = nullptr;
  asm volatile("");
  return it;
}

static void yield() {
  Coroutine* self = scheduler()->running;
  self->state = walk::current();
  swapcontext(&self->context, &scheduler()->back);
  walk::current() = self->state;
}

static void body() {
  Coroutine* self = scheduler()->running;
  walk::run(self->seed, self->allocations, yield);
  self->finished = true;
  swapcontext(&self->context, &scheduler()->back);
  std::abort();
}

// Takes a stack away, but keeps its place: what others map meanwhile must not come to lie there.
static void drop(Coroutine& c) {
  if (!c.memory) return;
  void* got = mmap(c.memory, c.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (got != c.memory) std::abort();
  c.memory = nullptr;
}

// Another size from the same start: the top of the stack, where frames live, moves.
static void restart(Coroutine& c, int index, Random& random) {
  drop(c);
  c.bytes = (1 + random.below(4)) * (largest / 4);
  char* address = scheduler()->arena + static_cast<size_t>(index) * largest;
  // Half of the stacks keep their top and half keep their start.
  if (random.one_in(2)) address += largest - c.bytes;
  void* got = mmap(address, c.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (got != address) std::abort();
  c.memory = address;
  c.seed = random.next();
  c.allocations = 50 + random.below(800);
  c.finished = false;
  getcontext(&c.context);
  c.context.uc_stack.ss_sp = c.memory;
  c.context.uc_stack.ss_size = c.bytes;
  c.context.uc_link = nullptr;
  makecontext(&c.context, body, 0);
}

static void drive(uint64_t seed, long allocations) {
  Scheduler here;
  scheduler() = &here;
  // PROT_NONE below and between: whoever reads a stack that is gone is found out at once.
  here.arena = static_cast<char*>(
      mmap(nullptr, count * largest, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  Random random{seed};
  for (long made = 0; made < allocations;) {
    int index = static_cast<int>(random.below(count));
    Coroutine& c = here.all[index];
    if (c.finished) {
      made += c.allocations;
      restart(c, index, random);
    }
    here.running = &c;
    swapcontext(&here.back, &c.context);
    if (c.finished) drop(c);
    if (random.one_in(4)) walk::run(random.next(), 30);
  }
  // Coroutines that have not finished are dropped in the middle; their walks' blocks leak, which nobody asserts on.
  for (Coroutine& c : here.all) drop(c);
  walk::run(random.next(), 1000);
  munmap(here.arena, count * largest);
}

int main(int, char** argv) {
  uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  long allocations = std::atol(argv[2]);
  int threads = std::atoi(argv[3]);
  std::vector<std::thread> drivers;
  for (int i = 1; i < threads; i++) {
    drivers.emplace_back(drive, seed * 31 + static_cast<uint64_t>(i), allocations / threads);
  }
  drive(seed, allocations / threads);
  for (std::thread& driver : drivers) driver.join();
  return 0;
}
