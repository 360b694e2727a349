// memory BLOCKS: bytes of resident memory for each live block of 24 bytes, and ns of processor time
// to allocate it.
#include <cstdlib>
#include <cstring>

#include "workload.h"

struct Block {
  Block* next;
  long value[2];
};
static Block* kept;

// All memory of the process, with the pages of mapped files that it has touched.
static double resident() {
  FILE* status = fopen("/proc/self/status", "r");
  char line[256];
  double kib = 0;
  while (fgets(line, sizeof line, status)) {
    if (strncmp(line, "VmRSS:", 6) == 0) kib = atof(line + 6);
  }
  fclose(status);
  return kib * 1024;
}

NOINLINE static void keep(long blocks) {
  for (long i = 0; i < blocks; i++) kept = new Block{kept, {i, i}};
}

int main(int, char** argv) {
  long blocks = atol(argv[1]);
  double before = resident();
  double start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  keep(blocks);
  double end = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  result("bytes", (resident() - before) / blocks);
  result("allocation", (end - start) / blocks);
}
