/*
 * Binding to symbol versions that glibc 2.28 has.
 *
 * A linker binds an unversioned reference to the newest version that the C library of the build
 * machine has, and the artefact then refuses to load on an older system. OLDER(name, version)
 * defines a hidden function of that name in this object, so that references end here, and jumps on
 * to the older version of the same function. glibc keeps the old versions for good, with the same
 * behaviour for every function that is listed.
 */
#define JUMPS(name, code, version)                       \
  __asm__(".section .text." #name ",\"ax\",@progbits\n"  \
          ".globl " #name "\n"                           \
          ".hidden " #name "\n"                          \
          ".type " #name ", @function\n" #name ":\n"     \
          code                                           \
          ".size " #name ", . - " #name "\n"             \
          ".symver older_" #name ", " #name "@" version "\n" \
          ".text\n")

#if defined(__x86_64__)
#define OLDER(name, version) JUMPS(name, "  jmp *older_" #name "@GOTPCREL(%rip)\n", version)
#elif defined(__aarch64__)
/* The first glibc for this architecture is newer than every version that is asked for. */
#define OLDER(name, version)                             \
  JUMPS(name,                                            \
        "  adrp x16, :got:older_" #name "\n"             \
        "  ldr x16, [x16, #:got_lo12:older_" #name "]\n" \
        "  br x16\n",                                    \
        "GLIBC_2.17")
#else
#error "the oldest symbol versions of this architecture are not listed yet"
#endif
