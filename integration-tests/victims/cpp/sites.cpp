// Sites that grow at different rates, until somebody ends it.
//
//   sites [ROUNDS]     per round of 20 ms, fast() leaks 10 blocks of 100,003 bytes and slow() one of 1,003; large() leaks
//                      one of 50,000,017 at the start; a checkpoint every ten rounds; prints `growing` in the first round
#include <unistd.h>

#include "victim.h"

NOINLINE static void fast() {
  for (int i = 0; i < 10; i++) plant(100'003);
}

NOINLINE static void slow() { plant(1'003); }

NOINLINE static void large() { plant(50'000'017); }

int main(int argc, char** argv) {
  long rounds = argc > 1 ? std::atol(argv[1]) : 100'000;
  large();
  for (long round = 0; round < rounds; round++) {
    if (round % 10 == 0) {
      char label[32];
      std::snprintf(label, sizeof label, "round %ld", round);
      checkpoint(label);
    }
    fast();
    slow();
    if (round == 0) {
      std::puts("growing");
      std::fflush(stdout);
    }
    usleep(20'000);
  }
  return 0;
}
