// Native half of Matrix.java. It is linked without any library, so that it binds to any C library.
#include <jni.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// `operator new(size_t)` and `operator delete(void*)`.
void* _Znwm(unsigned long bytes);
void _ZdlPv(void* block);

void* global_block;

static void a_while(void) {
  struct timespec pause = {0, 200000};
  nanosleep(&pause, NULL);
}

__attribute__((noinline)) static void litter(void* mine) {
  void* volatile words[4096];
  for (int i = 0; i < 4096; i++) words[i] = mine;
}

JNIEXPORT jlong JNICALL Java_Matrix_make(JNIEnv* env, jclass type, jint bytes) {
  return (jlong)malloc((size_t)bytes);
}

JNIEXPORT void JNICALL Java_Matrix_free(JNIEnv* env, jclass type, jlong block) {
  free((void*)block);
}

JNIEXPORT jlong JNICALL Java_Matrix_makeNew(JNIEnv* env, jclass type, jint bytes) {
  return (jlong)_Znwm((unsigned long)bytes);
}

JNIEXPORT void JNICALL Java_Matrix_freeNew(JNIEnv* env, jclass type, jlong block) {
  _ZdlPv((void*)block);
}

JNIEXPORT jlong JNICALL Java_MatrixUnloadable_make(JNIEnv* env, jclass type, jint bytes) {
  return (jlong)malloc((size_t)bytes);
}

JNIEXPORT void JNICALL Java_MatrixUnloadable_free(JNIEnv* env, jclass type, jlong block) {
  free((void*)block);
}

// The collector may ask for a stop before the block is made, and after.
JNIEXPORT jlong JNICALL
Java_Matrix_critical(JNIEnv* env, jclass type, jbyteArray array, jint bytes) {
  void* elements = (*env)->GetPrimitiveArrayCritical(env, array, NULL);
  a_while();
  jlong block = (jlong)malloc((size_t)bytes);
  a_while();
  (*env)->ReleasePrimitiveArrayCritical(env, array, elements, 0);
  return block;
}

JNIEXPORT jlong JNICALL Java_Matrix_reference(JNIEnv* env, jclass type, jobject object) {
  return (jlong)(*env)->NewGlobalRef(env, object);
}

JNIEXPORT void JNICALL Java_Matrix_dropReference(JNIEnv* env, jclass type, jlong reference) {
  (*env)->DeleteGlobalRef(env, (jobject)reference);
}

JNIEXPORT void JNICALL Java_Matrix_inGlobal(JNIEnv* env, jclass type, jlong block) {
  global_block = (void*)block;
}

// The end to read from in the lower half, the other one in the upper half.
JNIEXPORT jlong JNICALL Java_Matrix_pipe(JNIEnv* env, jclass type) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  return (jlong)ends[1] << 32 | ends[0];
}

JNIEXPORT void JNICALL Java_Matrix_wake(JNIEnv* env, jclass type, jlong pipe) {
  if (write((int)(pipe >> 32), "x", 1) != 1) abort();
  close((int)(pipe >> 32));
  close((int)pipe);
}

// Leaves the block's address all over the free part of the stack; gives it with all bits turned.
JNIEXPORT jlong JNICALL Java_Matrix_makeAndLitter(JNIEnv* env, jclass type, jint bytes) {
  // The frames of Java code come first.
  volatile char frames[2048] = {0};
  void* mine = malloc((size_t)bytes);
  litter(mine);
  if (frames[0] != 0) abort();
  return ~(jlong)mine;
}

JNIEXPORT void JNICALL Java_Matrix_freeTurned(JNIEnv* env, jclass type, jlong turned) {
  free((void*)~turned);
}

JNIEXPORT void JNICALL Java_Matrix_terminate(JNIEnv* env, jclass type) { kill(getpid(), SIGTERM); }
