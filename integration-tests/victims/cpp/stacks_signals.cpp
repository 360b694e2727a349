// Stacks through signal frames: a walk that raises signals at safe points, whose handlers walk in turn, on the same
// stack or on an alternate one.
//
//   stacks_signals SEED ALLOCATIONS THREADS same|alternate
#include <pthread.h>
#include <sys/mman.h>

#include <csignal>
#include <thread>

#include "stack_walk.h"

static void handle(int) {
  walk::State* outer = walk::current();
  if (outer == nullptr) return;
  uint64_t seed = outer->random.next();
  walk::run(seed, 8 + static_cast<long>(seed % 40));
  walk::current() = outer;
}

// Both ways to a signal on this very thread; `raise` has frames of libc in between.
static void visit() {
  if (walk::current()->random.one_in(2)) {
    raise(SIGUSR1);
  } else {
    pthread_kill(pthread_self(), SIGUSR1);
  }
}

static void work(uint64_t seed, long allocations, bool alternate) {
  static constexpr size_t bytes = 1 << 20;
  stack_t stack{};
  if (alternate) {
    stack.ss_sp = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack.ss_size = bytes;
    sigaltstack(&stack, nullptr);
  }
  walk::run(seed, allocations, visit);
  if (alternate) {
    void* memory = stack.ss_sp;
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, nullptr);
    munmap(memory, bytes);
    // The alternate stack is gone, and a remembered stack must not be looked for there.
    walk::run(seed + 1, allocations / 10);
  }
}

int main(int, char** argv) {
  uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  long allocations = std::atol(argv[2]);
  int threads = std::atoi(argv[3]);
  bool alternate = is(argv[4], "alternate");
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = alternate ? SA_ONSTACK : 0;
  sigaction(SIGUSR1, &action, nullptr);
  std::vector<std::thread> workers;
  for (int i = 1; i < threads; i++) {
    workers.emplace_back(work, seed * 31 + static_cast<uint64_t>(i), allocations / threads, alternate);
  }
  work(seed, allocations / threads, alternate);
  for (std::thread& worker : workers) worker.join();
  return 0;
}
