// Leaks with an allocator of its own, called NAME and with VISIBILITY.
#include <stddef.h>

static char arena[1 << 22];
static size_t used;
static void* volatile kept;

extern "C" __attribute__((visibility(VISIBILITY))) void* NAME(size_t size) {
  void* block = arena + used;
  used += (size + 15) & ~size_t(15);
  return block;
}

extern "C" void leak() {
  kept = NAME(1999993);
  kept = nullptr;
}
