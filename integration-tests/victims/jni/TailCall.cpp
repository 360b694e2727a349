// Native half of TailCall.java: -O2 makes the call a jump, which the test checks in the machine code.
#include <jni.h>

#include <new>

extern "C" JNIEXPORT jlong JNICALL Java_TailCall_allocate(JNIEnv*, jclass, jlong bytes) {
  return reinterpret_cast<jlong>(operator new(static_cast<size_t>(bytes)));
}
