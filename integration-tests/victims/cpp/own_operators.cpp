// A program with operators of its own: the loader prefers them to any preloaded ones, and so the recorder is blind.
// The program must not notice the recorder.
#include <new>

#include "victim.h"

static long count;

void* operator new(size_t bytes) {
  ++count;
  void* p = std::malloc(bytes ? bytes : 1);
  if (!p) throw std::bad_alloc();
  return p;
}
void operator delete(void* p) noexcept {
  --count;
  std::free(p);
}
void operator delete(void* p, size_t) noexcept { operator delete(p); }

int main() {
  int* value = new int(4);
  keep(value);
  long during = count;
  delete value;
  std::printf("%ld during, %ld after\n", during, count);
  return 0;
}
