// Calls with garbage in rbp, from code with unwind tables and from code without them.
#pragma once
#include "../cpp/victim.h"

// void strange_call(void (*function)(void*), void* argument, uint64_t rbp): calls with that value in rbp.
extern "C" void strange_call(void (*function)(void*), void* argument, uint64_t value);
extern "C" void strange_call_untold(void (*function)(void*), void* argument, uint64_t value);
asm(R"(
  .text
  .type strange_call, @function
strange_call:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset rbp, -16
  mov %rdx, %rbp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  pop %rbp
  .cfi_def_cfa_offset 8
  .cfi_restore rbp
  ret
  .cfi_endproc
  .size strange_call, .-strange_call

  .type strange_call_untold, @function
strange_call_untold:
  push %rbp
  mov %rdx, %rbp
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  pop %rbp
  ret
  .size strange_call_untold, .-strange_call_untold
)");

namespace strange {

// Values that a frame pointer must not be believed for: nothing, odd, unmapped, not canonical, and places on this stack
// and beside it.
inline uint64_t garbage(Random& random) {
  auto here = reinterpret_cast<uint64_t>(__builtin_frame_address(0));
  switch (random.below(12)) {
    case 0: return 0;
    case 1: return random.below(4096);
    case 2: return ~uint64_t{0} - random.below(64);
    case 3: return random.next();
    case 4: return 0x7fff'ffff'f000 - 8 * random.below(4);
    case 5: return here + 8 * random.below(200);
    case 6: return here - 8 * random.below(200);
    case 7: return here + 1 + random.below(1000);
    case 8: return here + (uint64_t{1} << 21) * random.below(8);
    case 9: return here - (uint64_t{1} << 21) * random.below(8);
    case 10: return (here & ~uint64_t{4095}) - 8;
    default: return uint64_t{1} << random.below(64);
  }
}

}  // namespace strange
