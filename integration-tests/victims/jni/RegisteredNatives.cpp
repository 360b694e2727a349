// Native half of RegisteredNatives.java.
#include <jni.h>

#include "victim.h"

static void JNICALL leak_one(JNIEnv*, jclass) {
  plant(1'999'993);
  asm volatile("");
}

static void JNICALL leak_other(JNIEnv*, jclass) {
  plant(2'999'999);
  asm volatile("");
}

static void bind(JNIEnv* env, jclass type, void (*function)(JNIEnv*, jclass)) {
  char name[] = "plant";
  char signature[] = "()V";
  JNINativeMethod method{name, signature, reinterpret_cast<void*>(function)};
  env->RegisterNatives(type, &method, 1);
}

extern "C" JNIEXPORT void JNICALL Java_RegisteredNatives_register(JNIEnv* env, jclass type, jint which) {
  if (which == 0) {
    env->UnregisterNatives(type);
  } else {
    bind(env, type, which == 1 ? leak_one : leak_other);
  }
}
