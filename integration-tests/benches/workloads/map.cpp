// map NODES REPEATS: ns of processor time for each node of a std::map that is filled and destroyed.
#include <cstdlib>
#include <map>

#include "workload.h"

NOINLINE static void fill(std::map<uint64_t, uint64_t>& map, int nodes) {
  uint64_t key = 1;
  for (int i = 0; i < nodes; i++) {
    key = key * 6364136223846793005u + 1442695040888963407u;
    map[key] = i;
  }
}

int main(int, char** argv) {
  int nodes = atoi(argv[1]), repeats = atoi(argv[2]);
  for (int i = 0; i < repeats; i++) {
    double start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    {
      std::map<uint64_t, uint64_t> map;
      fill(map, nodes);
    }
    result("node", (nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) / nodes);
  }
}
