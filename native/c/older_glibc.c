/*
 * What both the recorder and the command need so that they load on glibc 2.28; see older_glibc.h.
 *
 * Difficult: functions that moved or changed their form after 2.28 without an old version of that
 * name (the stat family), and functions that the Rust library refers to weakly. A weak reference
 * does not make the loader accept a missing version, so each of those ends here, too.
 */
#define _GNU_SOURCE
#include "older_glibc.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libdl until 2.34 */
OLDER(dlvsym, "GLIBC_2.2.5");
OLDER(dladdr, "GLIBC_2.2.5");

/* libpthread until 2.34 */
OLDER(pthread_key_create, "GLIBC_2.2.5");
OLDER(pthread_key_delete, "GLIBC_2.2.5");
OLDER(pthread_getspecific, "GLIBC_2.2.5");
OLDER(pthread_setspecific, "GLIBC_2.2.5");
OLDER(pthread_attr_setstacksize, "GLIBC_2.2.5");
OLDER(pthread_setname_np, "GLIBC_2.12");

#define HIDDEN __attribute__((visibility("hidden")))

/* Inline functions of the C library's headers until 2.33. The kernel's struct is the C library's. */
#if defined(SYS_stat)
HIDDEN int stat(const char *path, void *to) { return (int)syscall(SYS_stat, path, to); }
HIDDEN int stat64(const char *path, void *to) { return (int)syscall(SYS_stat, path, to); }
HIDDEN int lstat(const char *path, void *to) { return (int)syscall(SYS_lstat, path, to); }
HIDDEN int lstat64(const char *path, void *to) { return (int)syscall(SYS_lstat, path, to); }
#else
static int at_path(const char *path, void *to, int flags) {
  return (int)syscall(SYS_newfstatat, AT_FDCWD, path, to, flags);
}
HIDDEN int stat(const char *path, void *to) { return at_path(path, to, 0); }
HIDDEN int stat64(const char *path, void *to) { return at_path(path, to, 0); }
HIDDEN int lstat(const char *path, void *to) { return at_path(path, to, AT_SYMLINK_NOFOLLOW); }
HIDDEN int lstat64(const char *path, void *to) { return at_path(path, to, AT_SYMLINK_NOFOLLOW); }
#endif
HIDDEN int fstat(int file, void *to) { return (int)syscall(SYS_fstat, file, to); }
HIDDEN int fstat64(int file, void *to) { return (int)syscall(SYS_fstat, file, to); }
HIDDEN int fstatat(int folder, const char *path, void *to, int flags) {
  return (int)syscall(SYS_newfstatat, folder, path, to, flags);
}
HIDDEN int fstatat64(int folder, const char *path, void *to, int flags) {
  return (int)syscall(SYS_newfstatat, folder, path, to, flags);
}

/* Since 2.30. */
HIDDEN pid_t gettid(void) { return (pid_t)syscall(SYS_gettid); }

/* Since 2.29, asked for weakly: said to be missing, and Rust's library then forks instead. */
__asm__(".globl posix_spawn_file_actions_addchdir_np\n"
        ".hidden posix_spawn_file_actions_addchdir_np\n"
        ".set posix_spawn_file_actions_addchdir_np, 0\n");
