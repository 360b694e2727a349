// Takes the address of malloc where that is the program's own jump to it: not position independent.
#include <cstdlib>

#include "victim.h"

int main() {
  void* (*volatile allocate)(size_t) = malloc;
  keep(allocate(1'999'993));
  keep(nullptr);
  return 10;
}
