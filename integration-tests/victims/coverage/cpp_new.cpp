// Leaks with `operator new`; with OWN through an operator of its own, with PROTECTED through a protected one.
#include <cstdlib>
#include <new>

#ifdef PROTECTED
asm(".protected _Znwm");
#endif
#ifdef OWN
void* operator new(std::size_t size) { return std::malloc(size); }
void operator delete(void* block) noexcept { std::free(block); }
#endif

static void* volatile kept;

extern "C" void leak() {
  kept = ::operator new(1999993);
  kept = nullptr;
}
