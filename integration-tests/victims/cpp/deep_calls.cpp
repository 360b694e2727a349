// Leaks one block at the end of so many nested calls, once for each argument.
//
//   deep_calls DEPTH...      a block of 1,000,000 + DEPTH bytes below DEPTH + 1 frames of `deep`
#include "victim.h"

NOINLINE static void deep(unsigned left, unsigned depth) {
  volatile char frame = 1;
  if (left == 0)
    plant(1'000'000 + depth);
  else
    deep(left - 1, depth);
  frame = 2;
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    unsigned depth = std::strtoul(argv[i], nullptr, 10);
    deep(depth, depth);
  }
  std::puts("ok");
}
