// native_planted COUNT NEW MALLOC STEP: the same leaks without Java.
#include "planted.h"

int main(int, char** argv) {
  int count = atoi(argv[1]), by_new = atoi(argv[2]), by_malloc = atoi(argv[3]), step = atoi(argv[4]);
  for (int i = 0; i < count; i++) {
    planted_new(by_new + i * step);
    planted_malloc(by_malloc + i * step);
    for (int twin = 0; twin < 10; twin++) freed_twin(by_new + i * step);
  }
}
