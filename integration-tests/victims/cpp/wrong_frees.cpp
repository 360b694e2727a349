// Wrong frees, each with a size of its own; `right` does as much without a mistake.
//
//   wrong_frees mismatch|twice|inside|size|right
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
  if (is(what, "right")) right();
}
