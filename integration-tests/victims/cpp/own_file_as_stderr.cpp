// Closes standard error and gets its number for a file of its own; then allocates, and prints the file.
#include <fcntl.h>
#include <unistd.h>

#include "victim.h"

int main() {
  close(2);
  int file = open("own", O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file != 2 || write(file, "mine\n", 5) != 5) return 1;
  for (int i = 0; i < 2000; i++) {
    char* block = new char[1 + i % 700];
    keep(block);
    delete[] block;
  }
  char text[4096];
  ssize_t length = pread(file, text, sizeof text, 0);
  std::printf("%.*s", static_cast<int>(length), text);
}
