// Native half of Settled.java.
#include <jni.h>

extern "C" JNIEXPORT jlong JNICALL Java_Settled_allocate(JNIEnv*, jclass, jint bytes) {
  return reinterpret_cast<jlong>(new char[static_cast<size_t>(bytes)]);
}

extern "C" JNIEXPORT void JNICALL Java_Settled_free(JNIEnv*, jclass, jlong block) {
  delete[] reinterpret_cast<char*>(block);
}

extern "C" JNIEXPORT jobject JNICALL Java_Settled_buffer(JNIEnv* env, jclass, jlong block, jint bytes) {
  return env->NewDirectByteBuffer(reinterpret_cast<void*>(block), bytes);
}
