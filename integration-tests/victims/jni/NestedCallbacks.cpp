// Native half of NestedCallbacks.java.
#include <jni.h>

#include "victim.h"

NOINLINE static void before() { plant(1'000'003); }
NOINLINE static void inside() { plant(1'999'993); }
NOINLINE static void after() { plant(1'000'033); }

NOINLINE static void call_back(JNIEnv* env, jclass type) {
  env->CallStaticVoidMethod(type, env->GetStaticMethodID(type, "middle", "()V"));
  asm volatile("");
}

extern "C" JNIEXPORT void JNICALL Java_NestedCallbacks_first(JNIEnv* env, jclass type) {
  before();
  call_back(env, type);
  after();
  asm volatile("");
}

extern "C" JNIEXPORT void JNICALL Java_NestedCallbacks_second(JNIEnv*, jclass) {
  inside();
  asm volatile("");
}
