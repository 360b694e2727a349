// File descriptors, by every function that hands one out.
//
//   descriptors each|clean|closed|streams|over|message|fork|vfork|wrong
#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "victim.h"

static const char* const file = "/proc/self/maps";
static int opened[64];
static int count;

static void have(int number) {
  if (number < 0) {
    std::perror("no descriptor");
    std::exit(3);
  }
  opened[count++] = number;
}

NOINLINE static void from_a_path() {
  have(open(file, O_RDONLY));
  have(open64(file, O_RDONLY));
  have(openat(AT_FDCWD, file, O_RDONLY));
  have(openat64(AT_FDCWD, file, O_RDONLY));
  char name[] = "/tmp/descriptors-XXXXXX", other[] = "/tmp/descriptors-XXXXXX.txt";
  have(mkstemp(name));
  have(mkstemps(other, 4));
  have(creat(name, 0600));
  unlink(name);
  unlink(other);
}

NOINLINE static void from_the_kernel() {
  int pair[2];
  have(socket(AF_UNIX, SOCK_STREAM, 0));
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) std::abort();
  have(pair[0]);
  have(pair[1]);
  if (pipe(pair) != 0) std::abort();
  have(pair[0]);
  have(pair[1]);
  if (pipe2(pair, O_CLOEXEC) != 0) std::abort();
  have(pair[0]);
  have(pair[1]);
  have(epoll_create1(0));
  have(eventfd(0, 0));
  have(timerfd_create(CLOCK_MONOTONIC, 0));
  have(inotify_init1(0));
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR2);
  int signal = signalfd(-1, &signals, 0);
  have(signal);
  // This one is only changed.
  if (signalfd(signal, &signals, 0) != signal) std::abort();
  have(memfd_create("descriptors", 0));
}

NOINLINE static void from_another() {
  int first = open(file, O_RDONLY);
  have(first);
  have(dup(first));
  have(dup2(first, 901));
  have(dup3(first, 902, O_CLOEXEC));
  have(fcntl(first, F_DUPFD, 910));
  have(fcntl(first, F_DUPFD_CLOEXEC, 920));
  if (fcntl(first, F_SETFD, 0) != 0) std::abort();
}

NOINLINE static void accepted() {
  int listening = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path + 1, 64, "descriptors-%d", getpid());
  auto* place = reinterpret_cast<sockaddr*>(&address);
  if (bind(listening, place, sizeof address) != 0 || listen(listening, 4) != 0) std::abort();
  int client = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(client, place, sizeof address) != 0) std::abort();
  if (connect(other, place, sizeof address) != 0) std::abort();
  have(accept(listening, nullptr, nullptr));
  have(accept4(listening, nullptr, nullptr, 0));
  close(client);
  close(other);
  close(listening);
}

static void each() {
  from_a_path();
  from_the_kernel();
  from_another();
  accepted();
}

static void close_all() {
  for (int i = 0; i < count; i++) close(opened[i]);
  count = 0;
}

// What a stream or a folder has made its own is closed with it.
NOINLINE static void streams(bool leak) {
  for (int i = 0; i < 5; i++) {
    FILE* stream = fdopen(open(file, O_RDONLY), "r");
    FILE* named = fopen(file, "r");
    DIR* folder = fdopendir(open("/proc/self", O_RDONLY | O_DIRECTORY));
    DIR* other = opendir("/proc/self");
    if (!stream || !named || !folder || !other) std::abort();
    if (leak) continue;
    fclose(stream);
    fclose(named);
    closedir(folder);
    closedir(other);
  }
}

// Sends `number` over a pair of sockets; what arrives is another descriptor of the same file.
NOINLINE static int sent(int number) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) std::abort();
  char byte = 'x';
  iovec data{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof number)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof number);
  std::memcpy(CMSG_DATA(part), &number, sizeof number);
  if (sendmsg(pair[0], &message, 0) != 1) std::abort();
  message.msg_controllen = sizeof space;
  if (recvmsg(pair[1], &message, 0) != 1) std::abort();
  part = CMSG_FIRSTHDR(&message);
  std::memcpy(&number, CMSG_DATA(part), sizeof number);
  close(pair[0]);
  close(pair[1]);
  return number;
}

int main(int, char** arguments) {
  const char* mode = arguments[1];
  checkpoint("start");
  if (is(mode, "each")) {
    each();
  } else if (is(mode, "clean")) {
    for (int i = 0; i < 100; i++) {
      each();
      close_all();
    }
    streams(false);
  } else if (is(mode, "closed")) {
    // In every way but one by one.
    each();
    closefrom(900);
    close_range(3, 20, 0);
    // The recorder's own file is among these: nothing else may be closed without a look.
    for (int i = 0; i < count; i++) {
      if (opened[i] > 20 && opened[i] < 900) syscall(SYS_close, opened[i]);
    }
  } else if (is(mode, "streams")) {
    streams(true);
  } else if (is(mode, "over")) {
    int first = open(file, O_RDONLY);
    // The standard input was open before.
    for (int i = 0; i < 3; i++) dup2(first, 0);
    for (int i = 0; i < 3; i++) dup2(first, 700);
    dup2(first, first);
    close(first);
  } else if (is(mode, "message")) {
    for (int i = 0; i < 4; i++) {
      int first = open(file, O_RDONLY);
      sent(first);
      close(first);
    }
  } else if (is(mode, "fork")) {
    for (int i = 0; i < 3; i++) have(open(file, O_RDONLY));
    pid_t child = fork();
    if (child == 0) {
      close_all();
      for (int i = 0; i < 5; i++) have(open("/proc/self/status", O_RDONLY));
      return 0;
    }
    waitpid(child, nullptr, 0);
  } else if (is(mode, "vfork")) {
    for (int i = 0; i < 4; i++) have(open(file, O_RDONLY));
    pid_t child = vfork();
    if (child == 0) {
      for (int i = 0; i < 4; i++) close(opened[i]);
      if (open("/proc/self/status", O_RDONLY) < 0) _exit(1);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  } else if (is(mode, "numbers")) {
    // What a program gets that counts on the lowest free ones.
    for (int i = 3; i < 400; i++) close(i);
    for (int i = 0; i < 3; i++) {
      int number = open(file, O_RDONLY);
      have(number);
      dprintf(STDOUT_FILENO, "%d ", number);
    }
    close_all();
  } else if (is(mode, "errors")) {
    // What a call answers, and what stands in errno after one that succeeded.
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    char byte;
    iovec to{&byte, 1};
    msghdr message{};
    message.msg_iov = &to;
    message.msg_iovlen = 1;
    ssize_t received = recvmsg(pair[0], &message, 0);
    int error = errno;
    errno = E2BIG;
    dup2(pair[0], 77);
    dprintf(STDOUT_FILENO, "%zd %d %d", received, error == EAGAIN, errno == E2BIG);
    close(77);
    close(pair[0]);
    close(pair[1]);
  } else if (is(mode, "wrong")) {
    int first = open(file, O_RDONLY);
    close(first);
    close(first);
    close(-1);
    close(801);
  }
  return 0;
}
