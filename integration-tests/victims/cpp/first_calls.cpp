// Many threads call each allocating function for the first time at one moment; says which call failed.
#include <malloc.h>
#include <pthread.h>

#include <atomic>
#include <new>

#include "victim.h"

constexpr int THREADS = 8;
static std::atomic<int> waiting{0};
static std::atomic<int> failed{0};

static void* allocate(int which) {
  void* block = nullptr;
  switch (which) {
    case 0: return posix_memalign(&block, 64, 100) == 0 ? block : nullptr;
    case 1: return aligned_alloc(64, 128);
    case 2: return memalign(64, 100);
    case 3: return valloc(100);
    case 4: return pvalloc(100);
    case 5: return operator new(100, std::align_val_t{64}, std::nothrow);
    case 6: return realloc(malloc(10), 4000);
    default: return calloc(10, 10);
  }
}

static void* run(void*) {
  for (int which = 0; which < 8; which++) {
    waiting++;
    while (waiting < (which + 1) * THREADS) {
    }
    void* block = allocate(which);
    if (!block) failed |= 1 << which;
    free(block);
  }
  return nullptr;
}

int main() {
  pthread_t threads[THREADS];
  for (auto& thread : threads) pthread_create(&thread, nullptr, run, nullptr);
  for (auto& thread : threads) pthread_join(thread, nullptr);
  std::printf("%x\n", failed.load());
}
