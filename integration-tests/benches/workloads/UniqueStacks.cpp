// Native half of UniqueStacks.java: two functions that call each other along a random path of 24
// steps.
#include <jni.h>

#include "workload.h"

NOINLINE static long left(uint64_t path, int steps);
NOINLINE static long right(uint64_t path, int steps);

static inline long step(uint64_t path, int steps) {
  if (steps == 0) {
    char* block = new char[16 + (path & 127)];
    KEEP(block);
    delete[] block;
    return 1;
  }
  long sum = path & 1 ? left(path >> 1, steps - 1) : right(path >> 1, steps - 1);
  KEEP(sum);
  return sum;
}

NOINLINE static long left(uint64_t path, int steps) { return step(path, steps) + 1; }

NOINLINE static long right(uint64_t path, int steps) { return step(path, steps) - 1; }

extern "C" JNIEXPORT jdouble JNICALL Java_UniqueStacks_pairs(JNIEnv*, jclass, jint pairs) {
  static uint64_t random = 1;
  double start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  for (jint i = 0; i < pairs; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    long sum = left(random >> 32, 24);
    KEEP(sum);
  }
  return (nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) / pairs;
}
