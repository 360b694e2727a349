// Three blocks of each of a few sizes, which are freed or leaked.
#include "victim.h"

template <size_t bytes>
NOINLINE static void make(bool leak) {
  for (int count = 0; count < 3; count++) {
    void* block = malloc(bytes);
    keep(block);
    if (!leak) free(block);
  }
}

int main(int, char** arguments) {
  bool leak = is(arguments[1], "leak");
  make<1000>(leak);
  make<20000>(leak);
  make<300000>(leak);
  make<5000000>(leak);
  return 0;
}
