// Code without frame pointers whose rbp holds anything, with unwind tables and without them.
#pragma once
#include "control.h"

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

struct Call {
  Step* step;
  Random* random;
  int depth;
};

NOINLINE inline void called(void* argument) {
  auto& call = *static_cast<Call*>(argument);
  pair(*call.random, 200);
  if (call.depth > 0) {
    call.depth--;
    uint64_t value = garbage(*call.random);
    auto function = call.random->one_in(2) ? strange_call : strange_call_untold;
    function(called, argument, value);
  } else {
    leave_one(*call.step);
  }
  asm volatile("");
}

NOINLINE inline uint64_t piece_strange(Step& step) {
  Random random = step.random();
  for (long i = 0; i < step.number("rounds"); i++) {
    Call call{&step, &random, static_cast<int>(random.below(static_cast<unsigned>(step.number("depth")) + 1))};
    called(&call);
  }
  leave_rest(step);
  // How often garbage was drawn does not depend on where the stack lies.
  return random.next();
}

}  // namespace strange
