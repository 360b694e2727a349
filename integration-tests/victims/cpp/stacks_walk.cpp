// Random walks over frames of every shape: see stack_walk.h.
//
//   stacks_walk SEED ALLOCATIONS THREADS
#include "stack_walk.h"

#include <thread>

int main(int, char** argv) {
  uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  long allocations = std::atol(argv[2]);
  int threads = std::atoi(argv[3]);
  if (threads == 1) {
    walk::run(seed, allocations);
    return 0;
  }
  std::vector<std::thread> walkers;
  for (int i = 0; i < threads; i++) {
    walkers.emplace_back([=] { walk::run(seed * 31 + static_cast<uint64_t>(i), allocations / threads); });
  }
  for (std::thread& walker : walkers) walker.join();
  return 0;
}
