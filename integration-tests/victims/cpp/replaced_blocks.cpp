// A body that leaks blocks and frees as many, or more, older ones of the same size: totals alone look balanced.
//
//   replaced_blocks LEAKED FREED      blocks of 1,999,993 bytes; five are allocated before the checkpoint
#include "victim.h"

static constexpr size_t bytes = 1'999'993;
static char* older[5];

NOINLINE static void before() {
  for (char*& block : older) block = new char[bytes];
}

NOINLINE static void body(int leaked, int freed) {
  for (int i = 0; i < leaked; i++) plant(bytes);  // here: planted
  for (int i = 0; i < freed; i++) delete[] older[i];
}

int main(int, char** argv) {
  before();
  keep(older);
  checkpoint("body");
  body(std::atoi(argv[1]), std::atoi(argv[2]));
  return 0;
}
