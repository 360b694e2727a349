// A library to be preloaded that has a malloc of its own, as allocators and other tools do.
#include <cstddef>

extern "C" void* __libc_malloc(size_t size);

extern "C" void* malloc(size_t size) { return __libc_malloc(size); }
