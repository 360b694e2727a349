// Leaks with `malloc`.
#include <stdlib.h>

static void* volatile kept;

extern "C" void leak() {
  kept = malloc(1999993);
  kept = nullptr;
}
