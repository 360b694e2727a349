// Blocks whose only address lies in memory that the program has mapped for itself, one sort of mapping each. The
// numbers of bytes tell the sorts apart. With an argument the program forgets where the mappings are.
#include <sys/mman.h>
#include <sys/shm.h>
#include <ucontext.h>
#include <unistd.h>

#include "victim.h"

constexpr size_t page = 4096;
constexpr size_t pages = 16;
constexpr int readable = PROT_READ | PROT_WRITE;
constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

struct Mappings {
  char* behind_guard;
  char* cut_by_rights;
  char* cut_by_lock;
  char* cut_by_advice;
  char* frozen;
  char* low;
  char* wanted;
  char* executable;
  char* shared;
  char* memory_file;
  char* segment;
  char* copy;
  ucontext_t* fiber;
};
static Mappings all;
static ucontext_t back;

static char* map(int rights = readable, int flags = anonymous, void* wish = nullptr, int file = -1) {
  void* at = mmap(wish, pages * page, rights, flags, file, 0);
  if (at == MAP_FAILED) abort();
  return static_cast<char*>(at);
}

// One block in each page.
NOINLINE static char* fill(char* at, size_t bytes) {
  for (size_t index = 0; index < pages; index++) {
    *reinterpret_cast<void**>(at + index * page + 64) = calloc(1, bytes);
  }
  return at;
}

// Waits in the middle of its work, with a block that only its stack has.
static void work() {
  char* volatile mine = static_cast<char*>(calloc(1, 2011));
  swapcontext(all.fiber, &back);
  free(mine);
}

NOINLINE static void make_fiber() {
  char* stack = map();
  mprotect(stack, page, PROT_NONE);
  all.fiber = new ucontext_t;
  getcontext(all.fiber);
  all.fiber->uc_stack.ss_sp = stack + page;
  all.fiber->uc_stack.ss_size = (pages - 1) * page;
  all.fiber->uc_link = &back;
  makecontext(all.fiber, work, 0);
  swapcontext(&back, all.fiber);
}

NOINLINE static void make_all() {
  char* reserved = static_cast<char*>(mmap(nullptr, (pages + 1) * page, PROT_NONE, anonymous, -1, 0));
  mprotect(reserved + page, pages * page, readable);
  all.behind_guard = fill(reserved + page, 2001);
  all.cut_by_rights = fill(map(), 2002);
  mprotect(all.cut_by_rights + 5 * page, page, PROT_READ);
  all.cut_by_lock = fill(map(), 2003);
  mlock(all.cut_by_lock + 5 * page, page);
  all.cut_by_advice = fill(map(), 2004);
  madvise(all.cut_by_advice + 5 * page, page, MADV_DONTFORK);
  all.frozen = fill(map(), 2005);
  mprotect(all.frozen, pages * page, PROT_READ);
  all.low = fill(map(readable, anonymous | MAP_32BIT), 2006);
  all.wanted = fill(map(readable, anonymous, reinterpret_cast<void*>(0x100000000000)), 2007);
  all.executable = fill(map(readable | PROT_EXEC), 2008);
  all.shared = fill(map(readable, MAP_SHARED | MAP_ANONYMOUS), 2009);
  int file = memfd_create("kept", MFD_CLOEXEC);
  if (ftruncate(file, pages * page)) abort();
  all.memory_file = fill(map(readable, MAP_SHARED, nullptr, file), 2010);
  close(file);
  int id = shmget(IPC_PRIVATE, pages * page, IPC_CREAT | 0600);
  all.segment = fill(static_cast<char*>(shmat(id, nullptr, 0)), 2012);
  shmctl(id, IPC_RMID, nullptr);
  char name[] = "/tmp/hackleak-victim-XXXXXX";
  file = mkstemp(name);
  if (ftruncate(file, pages * page)) abort();
  all.copy = fill(map(readable, MAP_PRIVATE, nullptr, file), 2013);
  close(file);
  unlink(name);
  make_fiber();
}

int main(int count, char**) {
  make_all();
  if (count > 1) all = {};
  back = {};
  keep(&all);
  return 0;
}
