// Memory that the allocator keeps, and memory that leaks.
//
//   retention MIB free|leak|mapped [say]   allocates MIB MiB in blocks of 1,000 bytes, then one more block that lies
//                                          behind them. `free` frees all but that one, so that the allocator cannot
//                                          give anything back. `leak` forgets them. `mapped` allocates and forgets
//                                          blocks of 1 MiB instead. With `say` it prints "ready" then, and waits
//                                          to be killed.
//   retention MIB forked                   a forked child does as with `free`, and both return from main
//   retention MIB threads                  8 threads allocate MIB MiB together and free them all but for one block
//                                          each, and live to the end
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "victim.h"

static const size_t small = 1000;

// Blocks, each with the address of the one before; the whole is touched.
NOINLINE static void* chain(size_t bytes, size_t each) {
  void* last = nullptr;
  for (size_t made = 0; made < bytes; made += each) {
    char* block = new char[each];
    std::memset(block, 1, each);
    *reinterpret_cast<void**>(block) = last;
    last = block;
  }
  return last;
}

NOINLINE static void give_back(void* last) {
  while (last) {
    char* block = static_cast<char*>(last);
    last = *reinterpret_cast<void**>(block);
    delete[] block;
  }
}

NOINLINE static void retain(size_t bytes) {
  void* blocks = chain(bytes, small);
  plant(small);
  give_back(blocks);
}

static pthread_barrier_t done;

int main(int argc, char** argv) {
  size_t bytes = std::strtoul(argv[1], nullptr, 10) << 20;
  const char* what = argv[2];
  if (is(what, "free")) retain(bytes);
  if (is(what, "leak")) keep(chain(bytes, small));
  if (is(what, "mapped")) keep(chain(bytes, 1 << 20));
  if (is(what, "forked")) {
    pid_t child = fork();
    if (child == 0) retain(bytes);
    if (child > 0) waitpid(child, nullptr, 0);
  }
  if (is(what, "threads")) {
    const unsigned count = 8;
    pthread_barrier_init(&done, nullptr, count + 1);
    for (unsigned i = 0; i < count; i++) {
      std::thread([bytes] {
        retain(bytes / count);
        pthread_barrier_wait(&done);
        pause();
      }).detach();
    }
    pthread_barrier_wait(&done);
  }
  if (argc > 3 && is(argv[3], "say")) {
    std::puts("ready");
    std::fflush(stdout);
    pause();
  }
  return 0;
}
