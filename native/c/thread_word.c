/*
 * The one thread-local word of the recorder.
 *
 * Initial-exec: reading it is a load relative to the thread pointer and can never allocate, which
 * a call of __tls_get_addr can. Stable Rust cannot ask for that model. The block is eight bytes,
 * so that it always fits in what the loader keeps back for libraries that are loaded late, and it
 * has no destructor.
 */
__attribute__((visibility("hidden"), tls_model("initial-exec"))) __thread void *hackleak_thread_word;
