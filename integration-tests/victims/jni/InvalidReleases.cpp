// Native half of InvalidReleases.java.
#include <jni.h>

#include <cstdlib>

#define METHOD(result, name) extern "C" JNIEXPORT result JNICALL Java_InvalidReleases_##name

// The JVM frees what it is given with free(), so memory of malloc survives the mistake.
METHOD(void, neverTaken)(JNIEnv* env, jclass, jbyteArray array) {
  auto* bytes = static_cast<jbyte*>(calloc(100, 1));
  env->ReleaseByteArrayElements(array, bytes, JNI_ABORT);
}

METHOD(void, taken)(JNIEnv* env, jclass, jbyteArray array) {
  jbyte* bytes = env->GetByteArrayElements(array, nullptr);
  env->ReleaseByteArrayElements(array, bytes, 0);
  void* held = env->GetPrimitiveArrayCritical(array, nullptr);
  env->ReleasePrimitiveArrayCritical(array, held, 0);
}

METHOD(void, chars)(JNIEnv* env, jclass, jstring text, jboolean right) {
  const jchar* chars = env->GetStringChars(text, nullptr);
  if (right) {
    env->ReleaseStringChars(text, chars);
  } else {
    env->ReleaseStringUTFChars(text, reinterpret_cast<const char*>(chars));
  }
}

METHOD(jobject, over)(JNIEnv* env, jclass, jint size) {
  return env->NewDirectByteBuffer(new char[size], size);
}

METHOD(void, freeUnder)(JNIEnv* env, jclass, jobject buffer) {
  delete[] static_cast<char*>(env->GetDirectBufferAddress(buffer));
}
