// A library that hands out objects from a pool of its own and says so through native/include/hackleak.h.
//
//   pools leak|clean
#include "../../../native/include/hackleak.h"
#include "victim.h"

static char* pool = new char[1'000'000];

NOINLINE static void* take(size_t index) {
  void* object = pool + index * 4096;
  HACKLEAK_ALLOC(object, 4093);
  return object;
}

int main(int, char** arguments) {
  checkpoint("start");
  for (size_t i = 0; i < 10; i++) {
    void* object = take(i);
    if (is(arguments[1], "clean") || i >= 3) HACKLEAK_FREE(object);
  }
  char after[1];
  HACKLEAK_FREE(after);
  delete[] pool;
}
