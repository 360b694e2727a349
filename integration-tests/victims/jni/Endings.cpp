// Native half of Endings.java.
#include <jni.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

static std::atomic<bool> held;

extern "C" JNIEXPORT jlong JNICALL Java_Endings_allocate(JNIEnv*, jclass, jint bytes) {
  return reinterpret_cast<jlong>(new char[static_cast<size_t>(bytes)]);
}

extern "C" JNIEXPORT void JNICALL Java_Endings_free(JNIEnv*, jclass, jlong block) {
  delete[] reinterpret_cast<char*>(block);
}

extern "C" JNIEXPORT void JNICALL Java_Endings_hold(JNIEnv* env, jclass, jbyteArray array, jboolean for_ever) {
  void* elements = env->GetPrimitiveArrayCritical(array, nullptr);
  held = true;
  while (for_ever) {
    pause();
  }
  timespec a_while{0, 2'000'000};
  nanosleep(&a_while, nullptr);
  env->ReleasePrimitiveArrayCritical(array, elements, 0);
}

extern "C" JNIEXPORT jboolean JNICALL Java_Endings_holds(JNIEnv*, jclass) { return held; }
