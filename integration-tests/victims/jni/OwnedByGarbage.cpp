// Native half of OwnedByGarbage.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT jlong JNICALL Java_OwnedByGarbage_allocate(JNIEnv*, jclass, jint bytes) {
  return reinterpret_cast<jlong>(new char[static_cast<size_t>(bytes)]);
}

extern "C" JNIEXPORT void JNICALL Java_OwnedByGarbage_free(JNIEnv*, jclass, jlong block) {
  delete[] reinterpret_cast<char*>(block);
}
