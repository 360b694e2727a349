// Blocks that thread-local variables hold, and such that they have let go of:
// `thread_locals INITIAL DYNAMIC DESCRIBED` with three builds of a library that has one variable. The threads never
// allocate themselves. Most are older than the libraries; some spin at the end and never enter the kernel again.
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "thread_locals.h"

using Keep = void (*)(uintptr_t);

struct Worker {
  sem_t begin;
  sem_t done;
  Keep keep;
  uintptr_t disguised;
  bool drops;
  bool spins;
};

static thread_local char *volatile own;

NOINLINE static void keep_own(uintptr_t disguised) { keep_in(&own, disguised); }

static void *work(void *argument) {
  auto *worker = static_cast<Worker *>(argument);
  sem_wait(&worker->begin);
  worker->keep(worker->disguised);
  if (worker->drops) worker->keep(0);
  bool spins = worker->spins;
  sem_post(&worker->done);
  while (spins) asm volatile("nop");
  for (;;) pause();
}

static Worker workers[64];

static void start(Worker &worker) {
  sem_init(&worker.begin, 0, 0);
  sem_init(&worker.done, 0, 0);
  pthread_t thread;
  pthread_create(&thread, nullptr, work, &worker);
}

template <int BYTES>
NOINLINE static uintptr_t made() {
  return reinterpret_cast<uintptr_t>(new char[BYTES]()) ^ DISGUISE;
}

static void run(Worker &worker, Keep keep, uintptr_t disguised, bool drops, bool spins) {
  worker.keep = keep;
  worker.disguised = disguised;
  worker.drops = drops;
  worker.spins = spins;
  sem_post(&worker.begin);
  sem_wait(&worker.done);
  worker.disguised = 0;
}

static Worker *next = workers;

// Three older threads and one that is younger.
template <int FIRST>
static void all_fates(Keep keep) {
  run(*next++, keep, made<FIRST>(), false, false);
  run(*next++, keep, made<FIRST + 1>(), false, true);
  run(*next++, keep, made<FIRST + 2>(), true, true);
  Worker &young = workers[32 + FIRST / 100 % 10];
  start(young);
  run(young, keep, made<FIRST + 3>(), false, true);
}

static Keep loaded(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    puts(dlerror());
    exit(1);
  }
  return reinterpret_cast<Keep>(dlsym(library, "keep_local"));
}

int main(int, char **arguments) {
  for (int number = 0; number < 12; ++number) start(workers[number]);
  Keep initial = loaded(arguments[1]);
  Keep dynamic = loaded(arguments[2]);
  Keep described = loaded(arguments[3]);
  all_fates<5000>(keep_own);
  all_fates<5100>(initial);
  all_fates<5200>(dynamic);
  all_fates<5300>(described);
  return 0;
}
