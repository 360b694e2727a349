// Every function of the malloc family once, each with a size of its own.
//
//   malloc_family leak|clean
#include <malloc.h>
#include <unistd.h>

#include <cerrno>

#include "victim.h"

static constexpr int count = 11;
static void* blocks[count];

NOINLINE static void allocate() {
  static char text[1'000'100];
  std::memset(text, 'x', sizeof text - 1);
  int n = 0;
  blocks[n++] = std::malloc(1'000'001);
  blocks[n++] = std::calloc(1, 1'000'002);
  blocks[n++] = std::realloc(std::malloc(50), 1'000'003);
  blocks[n++] = reallocarray(nullptr, 1'000'004, 1);
  if (posix_memalign(&blocks[n++], 64, 1'000'005) != 0) std::abort();
  blocks[n++] = aligned_alloc(64, 1'000'064);
  blocks[n++] = memalign(128, 1'000'007);
  blocks[n++] = valloc(1'000'008);
  blocks[n++] = pvalloc(1'000'009);
  blocks[n++] = strdup(text);
  blocks[n++] = strndup(text, 1'000'010);
  keep(blocks);
}

// Functions of the C library whose result is to be freed.
NOINLINE static void borrow(const char* what) {
  static char line[2'000'002];
  std::memset(line, 'y', sizeof line - 2);
  line[sizeof line - 2] = '\n';
  FILE* file = std::tmpfile();
  std::fwrite(line, 1, sizeof line - 1, file);
  std::rewind(file);
  char* text = nullptr;
  if (asprintf(&text, "%.2000003s%s", line, "some") < 0) std::abort();
  char* read = nullptr;
  size_t size = 0;
  if (getline(&read, &size, file) < 0) std::abort();
  char* path = realpath("/proc/self/..", nullptr);
  char* folder = getcwd(nullptr, 2'000'005);
  std::fclose(file);
  keep(text);
  keep(path);
  if (is(what, "clean")) {
    std::free(text);
    std::free(read);
    std::free(path);
    std::free(folder);
  }
}

// The C library allocates for itself: the text of an error, until it is asked for the next one.
NOINLINE static void runtime_allocates() { keep(strerror(1'000'000)); }

int main(int, char** arguments) {
  errno = 77;
  void* first = std::malloc(1);
  keep(first);
  std::printf("errno %d\n", errno);
  std::free(first);
  checkpoint("start");
  allocate();
  borrow(arguments[1]);
  runtime_allocates();
  // A failed realloc leaves the block as it was; one to nothing frees it.
  void* block = std::malloc(1'000'011);
  keep(block);
  void* none = std::realloc(block, SIZE_MAX / 2);
  std::printf("failed realloc %s\n", none == nullptr ? "gave nothing" : "gave something");
  void* nothing = std::realloc(std::malloc(1'000'012), 0);
  keep(nothing);
  if (is(arguments[1], "clean")) {
    for (void* each : blocks) std::free(each);
    std::free(block);
  }
}
