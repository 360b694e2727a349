/*
 * For libraries that hand out objects from pools of their own: tells HackLeak about each object,
 * so that one that is never given back is reported with the stack that took it.
 *
 * The functions are weak. Without HackLeak they are null pointers and the macros do nothing:
 *
 *     void *take(struct pool *pool) {
 *         void *object = ...;
 *         HACKLEAK_ALLOC(object, pool->size);
 *         return object;
 *     }
 *
 * Objects must lie at multiples of eight bytes. Any thread may call.
 */
#ifndef HACKLEAK_H
#define HACKLEAK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An object of `size` bytes was handed out. */
__attribute__((weak)) void hackleak_alloc(const void *object, size_t size);
/* An object was given back; unknown objects are ignored. */
__attribute__((weak)) void hackleak_free(const void *object);
/* Takes a checkpoint; returns its epoch, or 0 in a process that is not recorded. */
__attribute__((weak)) unsigned hackleak_checkpoint(const char *label);

#ifdef __cplusplus
}
#endif

#define HACKLEAK_ALLOC(object, size) ((void)(hackleak_alloc ? hackleak_alloc(object, size) : (void)0))
#define HACKLEAK_FREE(object) ((void)(hackleak_free ? hackleak_free(object) : (void)0))

#endif
