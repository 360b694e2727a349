// Programs that start programs. Every started program is this one again, so each is recorded on its own.
//
//   launching vfork | spawn | system     starts `launching end` and then leaks 3 blocks of 1,999,993 bytes
//   launching exec                       leaks 2 blocks of 2,500,009 bytes and becomes `launching again`
//   launching again                      leaks 4 blocks of 2,600,011 bytes and becomes `launching end`
//   launching end                        leaks 5 blocks of 2,999,999 bytes and exits with 11
//   launching failing                    vfork whose exec fails, then leaks 3 blocks of 1,999,993 bytes
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

extern char** environ;

static void plant_many(int count, size_t bytes) {
  for (int i = 0; i < count; i++) plant(bytes);
}

static void become(const char* program, const char* role) {
  char* const arguments[] = {const_cast<char*>(program), const_cast<char*>(role), nullptr};
  execv(program, arguments);
}

static int launch(const char* program, const char* how) {
  pid_t pid = 0;
  if (is(how, "spawn")) {
    char* const arguments[] = {const_cast<char*>(program), const_cast<char*>("end"), nullptr};
    if (posix_spawn(&pid, program, nullptr, nullptr, arguments, environ) != 0) return -1;
  } else {
    pid = vfork();
    if (pid == 0) {
      become(is(how, "failing") ? "/nonexistent/program" : program, "end");
      _exit(11);
    }
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}

int main(int, char** argv) {
  const char* role = argv[1];
  checkpoint("start");
  if (is(role, "end")) {
    plant_many(5, 2'999'999);
    return 11;
  }
  if (is(role, "exec")) {
    plant_many(2, 2'500'009);
    become(argv[0], "again");
    return 1;
  }
  if (is(role, "again")) {
    plant_many(4, 2'600'011);
    become(argv[0], "end");
    return 1;
  }
  int code = is(role, "system") ? WEXITSTATUS(std::system("exit 11")) : launch(argv[0], role);
  std::printf("the started program exited with %d\n", code);
  plant_many(3, 1'999'993);
  return 0;
}
