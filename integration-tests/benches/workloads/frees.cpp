// frees BLOCKS REPEATS: ns of processor time for the free of a block that malloc gave out, and for
// that malloc.
#include <cstdlib>
#include <vector>

#include "workload.h"

int main(int, char** argv) {
  int count = atoi(argv[1]), repeats = atoi(argv[2]);
  void** blocks = new void*[count]();
  // The first round brings the heap's pages in.
  for (int round = -1; round < repeats; round++) {
    double start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < count; i++) blocks[i] = malloc(40);
    double middle = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < count; i++) free(blocks[i]);
    double end = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    if (round < 0) continue;
    result("malloc", (middle - start) / count);
    result("free", (end - middle) / count);
  }
  delete[] blocks;
}
