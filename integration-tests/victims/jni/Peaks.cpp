// Native half of Peaks.java: takes memory in each way, gives it back, and lets it grow.
#include <jni.h>
#include <sys/mman.h>

#include <cstdlib>
#include <new>

extern "C" JNIEXPORT jlong JNICALL Java_Peaks_take(JNIEnv*, jclass, jint kind, jint bytes) {
  size_t size = static_cast<size_t>(bytes);
  void* at = nullptr;
  switch (kind) {
    case 0:
      at = std::malloc(size);
      break;
    case 1:
      at = ::operator new[](size);
      break;
    case 2:
      at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      break;
  }
  return reinterpret_cast<jlong>(at);
}

extern "C" JNIEXPORT void JNICALL Java_Peaks_give(JNIEnv*, jclass, jint kind, jlong at, jint bytes) {
  void* block = reinterpret_cast<void*>(at);
  switch (kind) {
    case 0:
      std::free(block);
      break;
    case 1:
      ::operator delete[](block);
      break;
    case 2:
      munmap(block, static_cast<size_t>(bytes));
      break;
  }
}

extern "C" JNIEXPORT jlong JNICALL Java_Peaks_grow(JNIEnv*, jclass, jlong at, jint bytes) {
  return reinterpret_cast<jlong>(std::realloc(reinterpret_cast<void*>(at), static_cast<size_t>(bytes)));
}

extern "C" JNIEXPORT void JNICALL Java_Peaks_refer(JNIEnv* env, jclass, jobject object) {
  env->DeleteGlobalRef(env->NewGlobalRef(object));
}
