// A child that outlives the command, and allocates nothing before it has.
#include "victim.h"

#include <unistd.h>

NOINLINE static void plant() { keep(new char[1999993]); }

int main() {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return 1;
  if (child != 0) return 0;
  while (getppid() == parent) usleep(1000);
  // By then the command's end has been seen, too.
  usleep(500000);
  plant();
  return 0;
}
