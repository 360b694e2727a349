// libstdc++ keeps a pool for exceptions from its initialiser on. Blocks that are as large as the pool are lost here.
//
//   exception_pool alone|LIBRARY     as a program: throws, loses three blocks, and opens the library, this one's twin
#include <stdexcept>

#include "victim.h"

NOINLINE static void throw_and_catch(int number) {
  try {
    if (number > 0) throw std::runtime_error("thrown");
  } catch (const std::exception& caught) {
    keep(caught);
  }
}

#ifdef LIBRARY
extern "C" void throw_and_catch_inside(int number) { throw_and_catch(number); }
#else
NOINLINE static void lose(size_t bytes) {
  void* block = std::malloc(bytes);
  keep(block);
}

int main(int count, char** arguments) {
  throw_and_catch(count);
  if (!is(arguments[1], "alone")) {
    void* library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return 3;
    reinterpret_cast<void (*)(int)>(dlsym(library, "throw_and_catch_inside"))(count);
  }
  lose(73'728);
  lose(1'999'993);
  void* block = std::malloc(72'704);
  keep(block);
}
#endif
