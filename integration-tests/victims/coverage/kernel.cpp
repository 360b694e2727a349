// Leaks memory that it asks the kernel for.
#include <sys/mman.h>

extern "C" void leak() { mmap(nullptr, 1999993, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
