// Opens libnuma and leaks a mask that it makes; `clean` after the program's name: gives it back.
#include "victim.h"

int main(int argc, char** argv) {
  void* library = dlopen("libnuma.so.1", RTLD_NOW);
  if (!library) return 77;
  struct bitmask;
  auto make = reinterpret_cast<bitmask* (*)(unsigned)>(dlsym(library, "numa_bitmask_alloc"));
  auto give_back = reinterpret_cast<void (*)(bitmask*)>(dlsym(library, "numa_bitmask_free"));
  // A bit each: 80,008 bytes and the structure that names them.
  bitmask* mask = make(640'064);
  keep(mask);
  if (argc > 1 && is(argv[1], "clean")) give_back(mask);
}
