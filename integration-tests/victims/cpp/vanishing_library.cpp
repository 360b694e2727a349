// A library whose function leaks 1,999,993 bytes; with OWN_MALLOC from an allocator that nobody outside can see. With
// OTHER its functions have other names.
#include <cstddef>

#define NOINLINE __attribute__((noinline))

#ifdef OWN_MALLOC
static char pool[4 << 20];
extern "C" __attribute__((visibility("hidden"))) void* malloc(size_t) { return pool; }
#else
extern "C" void* malloc(size_t);
#endif

static void* volatile last;

NOINLINE static void inner() {
  last = malloc(1'999'993);
  last = nullptr;
}

#ifdef OTHER
extern "C" void wrong_before() { inner(); }
extern "C" void wrong() { wrong_before(); }
#else
extern "C" void leak_of_the_vanished() {
  inner();
  asm volatile("");
}
#endif
