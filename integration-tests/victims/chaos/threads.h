// Threads: many, detached, ended in every way, with small stacks, freeing what others allocated.
#pragma once
#include <semaphore.h>

#include "chaos.h"

namespace threads {

struct Work {
  Step* step;
  uint64_t seed;
  int rounds;
  const char* end;
  std::atomic<int>* running;
  uint64_t sum;
};

inline void release(void* block) { std::free(block); }

NOINLINE inline void end_by(const char* how, Random& random) {
  if (is(how, "exit")) {
    void* block = std::malloc(even(random, 500));
    pthread_cleanup_push(release, block);
    pthread_exit(nullptr);
    pthread_cleanup_pop(1);
  }
  if (is(how, "cancel")) {
    void* block = std::malloc(even(random, 500));
    pthread_cleanup_push(release, block);
    for (;;) pause();
    pthread_cleanup_pop(1);
  }
}

inline void* run(void* argument) {
  begin_thread();
  auto& work = *static_cast<Work*>(argument);
  Random random{work.seed};
  work.sum = churn(random, work.rounds);
  leave_one(*work.step);
  work.sum += churn(random, work.rounds / 2);
  work.running->fetch_sub(1);
  end_by(work.end, random);
  return nullptr;
}

// Many threads at once; detached ones are waited for until their work is done, not until they are gone.
NOINLINE inline uint64_t piece_threads(Step& step) {
  Random random = step.random();
  int count = static_cast<int>(step.number("n"));
  const char* end = step.text("end");
  bool detached = step.is("join", "no");
  // Detached threads may still look at it when this function has returned.
  static Work works[64];
  static std::atomic<int> running;
  running = count;
  Thread all[64];
  auto stack = static_cast<size_t>(step.number("stack"));
  for (int i = 0; i < count; i++) {
    works[i] = {&step, random.next(), static_cast<int>(step.number("rounds")), end, &running, 0};
    all[i].start(run, &works[i], stack);
    if (detached) pthread_detach(all[i].handle);
  }
  if (is(end, "cancel") && !detached) {
    for (int i = 0; i < count; i++) pthread_cancel(all[i].handle);
  }
  if (detached) {
    while (running.load() > 0) usleep(200);
    leave_rest(step);
    return static_cast<uint64_t>(count);
  }
  uint64_t sum = 0;
  for (int i = 0; i < count; i++) {
    all[i].join();
    // A cancelled thread may have ended before its work.
    if (!is(end, "cancel")) sum = sum * 31 + works[i].sum;
  }
  leave_rest(step);
  return sum;
}

struct Handing {
  std::atomic<void*> places[64];
  std::atomic<bool> done;
};

inline void* take(void* argument) {
  begin_thread();
  auto& handing = *static_cast<Handing*>(argument);
  for (bool last = false; !last;) {
    last = handing.done.load();
    for (auto& place : handing.places) std::free(place.exchange(nullptr));
    if (!last) sched_yield();
  }
  return nullptr;
}

// Blocks are freed and reallocated by other threads than those that allocated them.
NOINLINE inline uint64_t piece_handing(Step& step) {
  static Handing handing;
  handing.done = false;
  Random random = step.random();
  int count = static_cast<int>(step.number("n"));
  Thread all[16];
  for (int i = 0; i < count; i++) all[i].start(take, &handing);
  long rounds = step.number("rounds");
  for (long i = 0; i < rounds; i++) {
    auto& place = handing.places[random.below(64)];
    void* block = std::malloc(even(random, 900));
    if (random.one_in(4)) block = std::realloc(block, even(random, 3000));
    std::free(place.exchange(block));
    if (i % (rounds / 8 + 1) == 0) leave_one(step);
  }
  handing.done = true;
  for (int i = 0; i < count; i++) all[i].join();
  leave_rest(step);
  return random.next();
}

inline std::atomic<bool> background_stops;
inline Thread background[8];
inline int background_count;

inline void* churn_on(void* seed) {
  begin_thread();
  Random random{reinterpret_cast<uintptr_t>(seed)};
  while (!background_stops.load()) churn(random, 40);
  return nullptr;
}

// Threads that allocate beside all that follows.
NOINLINE inline uint64_t piece_background(Step& step) {
  long count = step.number("n");
  Random random = step.random();
  for (long i = 0; i < count && background_count < 8; i++) {
    background[background_count++].start(churn_on, reinterpret_cast<void*>(random.next()));
  }
  leave_rest(step);
  return static_cast<uint64_t>(count);
}

inline void end_background() {
  background_stops = true;
  for (int i = 0; i < background_count; i++) background[i].join();
  background_count = 0;
}

}  // namespace threads
