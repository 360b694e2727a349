// Loads a copy of a library, lets its file vanish before anything is looked up in it, and lets it leak once.
//
//   vanishing HOW LIBRARY [OTHER]
//
// HOW: kept      the file goes when the function has been found
//      linked    the same, of a file that was loaded by a link to it
//      unlinked  the file is taken away
//      memory    the file lies in memory alone, and a pipe gets the number of its descriptor
//      replaced  OTHER takes the file's name
//      older     the same as unlinked, of LIBRARY itself
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "victim.h"

static void copy(const char* from, int to) {
  int file = open(from, O_RDONLY);
  char buffer[4096];
  for (ssize_t count; (count = read(file, buffer, sizeof buffer)) > 0;) {
    if (write(to, buffer, count) != count) abort();
  }
  close(file);
}

static std::string copy(const char* from, const char* name) {
  std::string path = std::string(getcwd(nullptr, 0)) + "/" + name;
  int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0755);
  copy(from, file);
  close(file);
  return path;
}

int main(int, char** arguments) {
  const char* how = arguments[1];
  std::string path;
  int memory = -1;
  if (is(how, "memory")) {
    memory = memfd_create("unpacked", 0);
    copy(arguments[2], memory);
    path = "/proc/self/fd/" + std::to_string(memory);
  } else {
    path = is(how, "older") ? arguments[2] : copy(arguments[2], "unpacked.so");
  }
  std::string file = path;
  bool later = is(how, "kept") || is(how, "linked");
  if (is(how, "linked")) {
    path = file + ".1";
    if (symlink("unpacked.so", path.c_str()) != 0) return 2;
  }
  checkpoint("start");
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    puts(dlerror());
    return 1;
  }
  if (is(how, "memory")) {
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[0], memory) != memory) return 2;
  } else if (is(how, "replaced")) {
    if (rename(copy(arguments[3], "other.so").c_str(), path.c_str()) != 0) return 2;
  } else if (!later) {
    unlink(path.c_str());
  }
  auto leak = reinterpret_cast<void (*)()>(dlsym(library, "leak_of_the_vanished"));
  leak();
  if (later) unlink(file.c_str());
}
