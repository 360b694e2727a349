// Says `ready`, waits until who started it has ended, and loses a block only then.
#include "victim.h"

#include <unistd.h>

NOINLINE static void plant() { keep(new char[1999993]); }

int main() {
  keep(new char[17]);
  const pid_t parent = getppid();
  puts("ready");
  fflush(stdout);
  while (getppid() == parent) usleep(10000);
  usleep(200000);
  plant();
  return 0;
}
