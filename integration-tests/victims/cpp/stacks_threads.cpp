// Threads that come and go while others walk: a new thread's stack often lies where an ended one's was. Thread-local
// destructors allocate on the way out.
//
//   stacks_threads SEED ALLOCATIONS
#include <pthread.h>

#include <thread>

#include "stack_walk.h"

struct Farewell {
  ~Farewell() { walk::run(seed, 20); }
  uint64_t seed = 0;
};

static thread_local Farewell farewell;

// Stacks of different sizes, so that the same address holds frames at other depths.
static void* body(void* argument) {
  uint64_t seed = *static_cast<uint64_t*>(argument);
  farewell.seed = seed;
  walk::run(seed, 200);
  return nullptr;
}

static void spawn(uint64_t seed, long allocations) {
  Random random{seed};
  for (long made = 0; made < allocations; made += 220) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (1 + random.below(4)) << 18);
    uint64_t argument = random.next();
    pthread_t thread;
    if (pthread_create(&thread, &attributes, body, &argument) != 0) std::abort();
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
  }
}

int main(int, char** argv) {
  uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  long allocations = std::atol(argv[2]);
  std::thread other(spawn, seed, allocations / 2);
  spawn(seed + 1, allocations / 2);
  other.join();
  return 0;
}
