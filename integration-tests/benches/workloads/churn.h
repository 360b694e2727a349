// Pairs of an allocation and its free at a given native depth.
#pragma once
#include <cstdlib>

#include "workload.h"

enum class Through { NEW, MALLOC };

template <Through through>
NOINLINE static long pairs_here(int pairs) {
  long sum = 0;
  for (int i = 0; i < pairs; i++) {
    size_t size = 16 + (i & 255);
    if constexpr (through == Through::NEW) {
      char* block = new char[size];
      KEEP(block);
      sum += reinterpret_cast<intptr_t>(block) & 15;
      delete[] block;
    } else {
      void* block = malloc(size);
      KEEP(block);
      sum += reinterpret_cast<intptr_t>(block) & 15;
      free(block);
    }
  }
  return sum;
}

// `depth` counts every frame of this file down to the one that allocates.
template <Through through>
NOINLINE static long pairs_at(int pairs, int depth) {
  if (depth <= 2) {
    long sum = pairs_here<through>(pairs);
    KEEP(sum);
    return sum;
  }
  long sum = pairs_at<through>(pairs, depth - 1);
  KEEP(sum);
  return sum + 1;
}

// ns of the thread's own processor time for one pair.
template <Through through>
static double pair_cost(int pairs, int depth) {
  double start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  long sum = pairs_at<through>(pairs, depth);
  KEEP(sum);
  return (nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) / pairs;
}
