// One block of 1,999,993 bytes below DEPTH frames of `deeper`.
//
//   deep DEPTH
//
// The test compiles it without unwind tables too, with frame pointers and without.
#include "victim.h"

NOINLINE static int deeper(int depth) {
  if (depth == 0) {
    plant(1'999'993);
    return 0;
  }
  int result = deeper(depth - 1);
  asm volatile("" : "+r"(result));
  return result + 1;
}

int main(int, char** argv) {
  int depth = std::atoi(argv[1]);
  checkpoint("start");
  return deeper(depth) == depth ? 0 : 1;
}
