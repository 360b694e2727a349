// What the standard promises about operator new when memory is short, and at its edges. Prints what it saw; the
// recorded run must print exactly what the bare run prints.
#include <sys/resource.h>

#include <cerrno>
#include <new>
#include <set>
#include <typeinfo>

#include "victim.h"

static volatile size_t huge = size_t{1} << 62;
static volatile size_t greatest = ~size_t{0} - 4096;
static int calls;
static constexpr std::align_val_t wide{256};

static void give_up_at_the_third_call() {
  if (++calls == 3) std::set_new_handler(nullptr);
}

static void throw_at_once() {
  ++calls;
  throw std::bad_alloc();
}

static void lift_the_limit() {
  ++calls;
  rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_AS, &limit);
}

template <class Request>
static void attempt(const char* name, std::new_handler handler, Request request) {
  calls = 0;
  std::set_new_handler(handler);
  try {
    void* p = request();
    std::printf("%s: %s, handler called %d times\n", name, p ? "a block" : "null", calls);
  } catch (std::bad_alloc& e) {
    std::printf("%s: %s (%s), handler called %d times\n", name, typeid(e).name(), e.what(), calls);
  }
  std::set_new_handler(nullptr);
}

static void exhausted() {
  for (auto handler : {std::new_handler{nullptr}, std::new_handler{give_up_at_the_third_call}}) {
    attempt("new", handler, [] { return operator new(huge); });
    attempt("new[]", handler, [] { return operator new[](huge); });
    attempt("new nothrow", handler, [] { return operator new(huge, std::nothrow); });
    attempt("new[] nothrow", handler, [] { return operator new[](huge, std::nothrow); });
    attempt("new aligned", handler, [] { return operator new(huge, wide); });
    attempt("new[] aligned", handler, [] { return operator new[](huge, wide); });
    attempt("new aligned nothrow", handler, [] { return operator new(huge, wide, std::nothrow); });
    attempt("new[] aligned nothrow", handler, [] { return operator new[](huge, wide, std::nothrow); });
  }
  attempt("handler throws", throw_at_once, [] { return operator new(huge); });
  attempt("handler throws, nothrow", throw_at_once, [] { return operator new(huge, std::nothrow); });
  attempt("new-expression", nullptr, [] { return static_cast<void*>(new char[huge]); });
  attempt("almost all addresses", nullptr, [] { return operator new(greatest); });
  attempt("almost all addresses, aligned", nullptr, [] { return operator new(greatest, wide); });
}

// The handler frees address space and the same request then succeeds.
static void relieved() {
  std::FILE* statm = std::fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (!statm || std::fscanf(statm, "%lu", &pages) != 1) std::abort();
  std::fclose(statm);
  rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * 4096 + (rlim_t{64} << 20);
  setrlimit(RLIMIT_AS, &limit);
  attempt("relieved by the handler", lift_the_limit, [] { return operator new(256 << 20); });
}

static void aligned() {
  for (size_t alignment = 1; alignment <= size_t{2} << 20; alignment *= 2) {
    for (size_t bytes : {0, 1, 24, 4097}) {
      void* p = operator new(bytes, std::align_val_t{alignment});
      if (reinterpret_cast<uintptr_t>(p) % alignment) std::printf("misaligned to %zu\n", alignment);
      std::memset(p, 1, bytes);
      operator delete(p, std::align_val_t{alignment});
    }
  }
  // libstdc++ refuses what is no power of two.
  attempt("aligned to 3", nullptr, [] { return operator new(16, std::align_val_t{3}); });
  attempt("aligned to 3, nothrow", nullptr, [] { return operator new(16, std::align_val_t{3}, std::nothrow); });
}

static void empty() {
  std::set<void*> blocks;
  for (int i = 0; i < 100; i++) {
    blocks.insert(operator new(0));
    blocks.insert(new char[0]);
    blocks.insert(operator new(0, std::nothrow));
    blocks.insert(operator new(0, wide));
  }
  std::printf("%zu different blocks of no bytes, null among them: %zu\n", blocks.size(), blocks.count(nullptr));
}

static void edges() {
  operator delete(nullptr);
  operator delete[](nullptr);
  operator delete(nullptr, wide);
  char* p = new char[64];
  errno = 77;
  delete[] p;
  std::printf("errno after delete: %d\n", errno);
  p = new char[64];
  keep(p);
  std::printf("errno after new: %d\n", errno);
  delete[] p;
}

int main() {
  exhausted();
  aligned();
  empty();
  edges();
  relieved();
  return 0;
}
