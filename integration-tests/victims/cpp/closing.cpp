// A program that closes every descriptor it did not open, as daemons do, and uses their numbers for files of its own.
//
//   closing FILE     FILE must hold `mine` at the end; leaks one block of 1,999,993 bytes before and one after
#include <fcntl.h>
#include <unistd.h>

#include "victim.h"

int main(int, char** argv) {
  plant(1'999'993);
  for (int descriptor = 3; descriptor < 2000; descriptor++) close(descriptor);
  int own = open(argv[1], O_CREAT | O_TRUNC | O_WRONLY, 0600);
  // Every number that a log may have had is the program's own now.
  for (int descriptor = 3; descriptor < 2000; descriptor++) dup2(own, descriptor);
  plant(1'999'993);
  for (int i = 0; i < 100; i++) {
    char* block = new char[40];
    keep(block);
    delete[] block;
  }
  return write(own, "mine", 4) == 4 ? 0 : 1;
}
