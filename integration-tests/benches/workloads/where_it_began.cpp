// Where HackLeak began: a preloaded library that writes each C++ new and delete to stderr, and with
// HACK_TRACE set the native stack of each new. Written for the bench from a description of the
// first tool.

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <execinfo.h>
#include <new>
#include <unistd.h>

namespace {

using Allocate = void* (*)(size_t);
using Free = void (*)(void*);

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// What the C library does for a line or a stack may use new itself.
thread_local bool busy = false;
bool traces = false;

__attribute__((constructor)) void begin() {
  traces = std::getenv("HACK_TRACE") != nullptr;
}

// The empty line keeps this one on a line of its own, whatever was written before.
void say(const char* what, void* address, size_t size) {
  char line[96];
  const int length = std::snprintf(line, sizeof line, "\n%s %p %zu\n", what, address, size);
  if (write(STDERR_FILENO, line, length) < 0) {
    std::abort();
  }
}

void* allocated(void* address, size_t size) {
  if (!busy) {
    busy = true;
    say("HACK_NEW", address, size);
    if (traces) {
      void* frames[100];
      backtrace_symbols_fd(frames, backtrace(frames, 100), STDERR_FILENO);
    }
    busy = false;
  }
  return address;
}

void released(void* address) {
  if (!busy && address != nullptr) {
    busy = true;
    say("HACK_DELETE", address, 0);
    busy = false;
  }
}

}  // namespace

void* operator new(size_t size) {
  static const auto real = next<Allocate>("_Znwm");
  return allocated(real(size), size);
}

void* operator new[](size_t size) {
  static const auto real = next<Allocate>("_Znam");
  return allocated(real(size), size);
}

void operator delete(void* address) noexcept {
  static const auto real = next<Free>("_ZdlPv");
  released(address);
  real(address);
}

void operator delete[](void* address) noexcept {
  static const auto real = next<Free>("_ZdaPv");
  released(address);
  real(address);
}

void operator delete(void* address, size_t) noexcept { operator delete(address); }

void operator delete[](void* address, size_t) noexcept { operator delete[](address); }
