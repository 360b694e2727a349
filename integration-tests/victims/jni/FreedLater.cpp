// Allocates what only a number that is no address leads to, so that it is lost, and frees it after all.
#include <jni.h>

#include <cstdint>

namespace {
uintptr_t hidden;
}

extern "C" JNIEXPORT void JNICALL Java_FreedLater_plant(JNIEnv*, jclass, jint bytes) {
  hidden = ~reinterpret_cast<uintptr_t>(new char[bytes]);
}

extern "C" JNIEXPORT void JNICALL Java_FreedLater_release(JNIEnv*, jclass) {
  delete[] reinterpret_cast<char*>(~hidden);
}
