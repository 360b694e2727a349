// A child that outlives the command, and allocates nothing before it has: it waits until its parent is gone.
#include <unistd.h>

int main() {
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) return 1;
  if (child != 0) return 0;
  // Whoever adopts it has another number.
  while (getppid() == parent) usleep(1000);
  // By then the command's end has been seen, too.
  usleep(500'000);
  char *lost = new char[1'999'993];
  lost[0] = 1;
  lost = nullptr;
  return 0;
}
