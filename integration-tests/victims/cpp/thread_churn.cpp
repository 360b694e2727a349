// Many short threads: whatever the recorder keeps for a thread must be reused or the process grows without bound.
//
//   thread_churn THREADS      every 1,000th thread leaks one block of 1,000,003 bytes
//
// Thread-local and pthread-key destructors allocate and free too, after and before the recorder's own.
#include <pthread.h>

#include <thread>

#include "victim.h"

static pthread_key_t key;

struct AtExit {
  char* block = new char[100];
  ~AtExit() {
    delete[] block;
    block = new char[200];
    keep(block);
    delete[] block;
  }
};

static thread_local AtExit at_exit;

// Runs again as long as a value is set: up to PTHREAD_DESTRUCTOR_ITERATIONS times.
static void destroy(void* value) {
  auto* counter = static_cast<int*>(value);
  if (++*counter < 3) {
    pthread_setspecific(key, counter);
  } else {
    delete counter;
  }
}

static long resident_pages() {
  std::FILE* statm = std::fopen("/proc/self/statm", "r");
  long all = 0, resident = 0;
  if (!statm || std::fscanf(statm, "%ld %ld", &all, &resident) != 2) std::abort();
  std::fclose(statm);
  return resident;
}

static void body(long number) {
  pthread_setspecific(key, new int(0));
  keep(at_exit.block);
  for (int i = 0; i < 20; i++) {
    char* block = new char[static_cast<size_t>(i) * 10];
    keep(block);
    delete[] block;
  }
  if (number % 1000 == 0) plant(1'000'003);
}

int main(int, char** argv) {
  long count = std::atol(argv[1]);
  pthread_key_create(&key, destroy);
  checkpoint("start");
  long early = 0;
  for (long i = 1; i <= count; i++) {
    std::thread(body, i).join();
    if (i == count / 10) early = resident_pages();
  }
  std::fprintf(stderr, "grown by %ld pages\n", resident_pages() - early);
  return 0;
}
