#include <jni.h>

#include <cstdlib>

extern "C" {

JNIEXPORT jlong JNICALL Java_Unsettled_make(JNIEnv *, jclass, jint size) {
  return reinterpret_cast<jlong>(malloc(static_cast<size_t>(size)));
}

JNIEXPORT void JNICALL Java_Unsettled_release(JNIEnv *, jclass, jlong block) {
  free(reinterpret_cast<void *>(block));
}
}
