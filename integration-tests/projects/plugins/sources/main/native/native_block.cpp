#include <jni.h>

extern "C" JNIEXPORT jlong JNICALL Java_example_NativeBlock_allocate(JNIEnv *, jclass, jint bytes) {
  return reinterpret_cast<jlong>(new char[bytes]);
}

extern "C" JNIEXPORT void JNICALL Java_example_NativeBlock_release(JNIEnv *, jclass, jlong address) {
  delete[] reinterpret_cast<char *>(address);
}
