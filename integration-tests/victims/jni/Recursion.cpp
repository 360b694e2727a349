// Native half of Recursion.java.
#include <jni.h>

#include "victim.h"

static jint top;

NOINLINE static void pair() {
  char* block = new char[100];
  keep(block);
  delete[] block;
}

extern "C" JNIEXPORT void JNICALL Java_Recursion_down(JNIEnv* env, jclass type, jint depth) {
  if (depth > top) top = depth;
  pair();
  if (depth > 1) {
    env->CallStaticVoidMethod(type, env->GetStaticMethodID(type, "step", "(I)V"), depth - 1);
  } else {
    plant(1'999'993);
  }
  pair();
  if (depth == top) plant(2'999'999);
  asm volatile("");
}
