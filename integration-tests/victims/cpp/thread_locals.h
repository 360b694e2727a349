// How a thread keeps a block so that nothing but the variable has its address.
#pragma once
#include <cstdint>

#include "victim.h"

constexpr uintptr_t DISGUISE = 0x5555555555555555;

// The place is known first: to find it may call the loader, and then nothing is on the stack yet.
inline __attribute__((always_inline)) void keep_in(char *volatile *place, uintptr_t disguised) {
  asm volatile("" : "+r"(place) : : "memory");
  *place = disguised == 0 ? nullptr : reinterpret_cast<char *>(disguised ^ DISGUISE);
}
