// Invalid frees, each with a size of its own; `right` does as much without a mistake.
//
//   invalid_frees mismatch|twice|inside|size|sized|right
#include <unistd.h>

#include "victim.h"

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

template <class T>
NOINLINE static T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

NOINLINE static char* make(size_t bytes) { return opaque(new char[bytes]); }

NOINLINE static void mismatch() {
  std::free(opaque(operator new(1'000'001)));
  operator delete(opaque(make(1'000'002)));
  operator delete(opaque(std::malloc(1'000'003)));
}

NOINLINE static void twice() {
  void* block = opaque(std::malloc(1'000'004));
  std::free(block);
  std::free(opaque(block));
  keep(block);  // so that the free is no tail call
}

NOINLINE static void inside() { operator delete[](opaque(make(1'000'005)) + 48); }

NOINLINE static void size() { operator delete(opaque(operator new(1'000'006)), 77); }

// C23's. Where the C library has none, a program that asks for them finds the recorder's.
static void free_sized_as(void* block, size_t size) {
  auto function = reinterpret_cast<void (*)(void*, size_t)>(dlsym(RTLD_DEFAULT, "free_sized"));
  function(block, size);
}

static void free_aligned_sized_as(void* block, size_t alignment, size_t size) {
  auto function = reinterpret_cast<void (*)(void*, size_t, size_t)>(dlsym(RTLD_DEFAULT, "free_aligned_sized"));
  function(block, alignment, size);
}

NOINLINE static void sized() {
  free_sized_as(opaque(std::malloc(1'000'007)), 78);
  free_aligned_sized_as(opaque(std::aligned_alloc(64, 1'000'064)), 64, 79);
  free_sized_as(opaque(operator new(1'000'008)), 1'000'008);
}

// Addresses that come and go between all families, recorded or not, must raise no alarm.
NOINLINE static void right() {
  for (size_t i = 0; i < 200'000; i++) {
    char* array = make(16 + i % 300);
    void* block = opaque(std::malloc(16 + i % 300));
    delete[] array;
    block = opaque(std::realloc(block, 200 + i % 99));
    std::free(block);
    operator delete(opaque(operator new(64 + i % 64)));
    std::free(opaque(strdup("text")));
    free_sized_as(opaque(std::calloc(3, 16 + i % 300)), 3 * (16 + i % 300));
    free_sized_as(opaque(std::realloc(opaque(std::malloc(9)), 99)), 99);
    free_sized_as(nullptr, 5);
    free_aligned_sized_as(opaque(std::aligned_alloc(64, 128)), 64, 128);
    if (i % 1000 == 0) std::fclose(std::fopen("/dev/null", "r"));
  }
}

int main(int, char** arguments) {
  checkpoint("start");
  const char* what = arguments[1];
  if (is(what, "mismatch")) mismatch();
  if (is(what, "twice")) twice();
  if (is(what, "inside")) inside();
  if (is(what, "size")) size();
  if (is(what, "sized")) sized();
  if (is(what, "right")) right();
}
