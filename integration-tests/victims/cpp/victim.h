// What every victim needs: values the optimiser must not touch, the checkpoint call, a reproducible random source.
#pragma once
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define NOINLINE __attribute__((noinline))

// Makes the compiler believe that `value` is used and that memory changed.
template <class T>
inline __attribute__((always_inline)) void keep(T const& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// Leaks one block: nothing keeps its address.
inline __attribute__((always_inline)) void plant(size_t bytes) {
  char* block = new char[bytes];
  keep(block);
}

// The recorder exports this for programs without Java; a bare run has no recorder and gets 0.
inline uint32_t checkpoint(const char* label) {
  using Function = uint32_t (*)(const char*);
  auto function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "hackleak_checkpoint"));
  return function ? function(label) : 0;
}

// splitmix64 (Steele, Lea, Flood 2014): any seed is a good seed.
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  unsigned below(unsigned n) { return static_cast<unsigned>((next() >> 33) % n); }
  bool one_in(unsigned n) { return below(n) == 0; }
};

inline bool is(const char* argument, const char* value) { return std::strcmp(argument, value) == 0; }
