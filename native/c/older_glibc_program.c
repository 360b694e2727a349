/*
 * What only a program needs so that it starts on glibc 2.28; see older_glibc.h. The recorder
 * defines `pthread_create`, `pthread_detach` and `pthread_join` itself.
 */
#include "older_glibc.h"

/* libdl until 2.34; the recorder has one of its own. */
OLDER(dlsym, "GLIBC_2.2.5");

/* Takes constructors from the caller before 2.34; a start file of 2.34 passes none, and Rust programs have none. */
OLDER(__libc_start_main, "GLIBC_2.2.5");

/* libpthread until 2.34, pthread_getattr_np until 2.32 */
OLDER(pthread_create, "GLIBC_2.2.5");
OLDER(pthread_detach, "GLIBC_2.2.5");
OLDER(pthread_join, "GLIBC_2.2.5");
OLDER(pthread_getattr_np, "GLIBC_2.2.5");
OLDER(pthread_attr_getguardsize, "GLIBC_2.2.5");
OLDER(pthread_attr_getstack, "GLIBC_2.2.5");
OLDER(pthread_sigmask, "GLIBC_2.2.5");

/* libm; 2.29 has one that does not set `errno` in its own way. For progress bars. */
OLDER(pow, "GLIBC_2.2.5");
