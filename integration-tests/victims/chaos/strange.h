// Code without frame pointers whose rbp holds anything, with unwind tables and without them.
#pragma once
#include "control.h"
#include "garbage.h"

namespace strange {

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
