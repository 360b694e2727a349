// A live set that grows without end in sight, with many different stacks: makes the image grow.
//
//   growing BLOCKS [FILE]     half-way FILE (if given) is filled until its disk is full; exits with 7
#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "victim.h"

using Step = void (*)(std::vector<char*>&, Random&, int);
extern const Step steps[4];

template <int N>
NOINLINE static void step(std::vector<char*>& blocks, Random& random, int depth) {
  volatile char frame[16 * N + 8];
  frame[0] = 0;
  if (depth == 0) {
    blocks.push_back(new char[random.below(2000)]);
  } else {
    steps[random.below(4)](blocks, random, depth - 1);
  }
  keep(frame);
}

const Step steps[4] = {step<0>, step<1>, step<2>, step<3>};

static void fill(const char* path) {
  int file = open(path, O_CREAT | O_WRONLY, 0600);
  static char zeros[4096];
  while (write(file, zeros, sizeof zeros) > 0) {
  }
  close(file);
}

int main(int argc, char** argv) {
  long count = std::atol(argv[1]);
  std::vector<char*> blocks;
  Random random{1};
  for (long i = 0; i < count; i++) {
    if (argc > 2 && i == count / 2) fill(argv[2]);
    steps[random.below(4)](blocks, random, 8);
  }
  uint64_t sum = 0;
  for (char* block : blocks) sum += block != nullptr;
  std::printf("%lu blocks\n", static_cast<unsigned long>(sum));
  for (char* block : blocks) delete[] block;
  return 7;
}
