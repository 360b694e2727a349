// Native half of Calls.java.
#include <jni.h>

#include "workload.h"

extern "C" JNIEXPORT jint JNICALL Java_Calls_pair(JNIEnv*, jclass, jint size) {
  char* block = new char[size];
  KEEP(block);
  delete[] block;
  return size;
}

extern "C" JNIEXPORT jint JNICALL Java_Calls_nothing(JNIEnv*, jclass, jint value) { return value; }

extern "C" JNIEXPORT jlong JNICALL Java_Calls_create(JNIEnv*, jclass, jint size) {
  char* block = new char[size];
  KEEP(block);
  return reinterpret_cast<jlong>(block);
}

extern "C" JNIEXPORT void JNICALL Java_Calls_destroy(JNIEnv*, jclass, jlong handle) {
  delete[] reinterpret_cast<char*>(handle);
}
