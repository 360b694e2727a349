// Native half of Churn.java.
#include <jni.h>

#include "victim.h"

NOINLINE static jlong work(jint pairs) {
  jlong sum = 0;
  for (jint i = 0; i < pairs; i++) {
    char* block = new char[16 + (i & 255)];
    asm volatile("" : : "r"(block) : "memory");
    sum += reinterpret_cast<jlong>(block) & 15;
    delete[] block;
  }
  return sum;
}

NOINLINE static jlong deeper(jint pairs, jint depth) {
  if (depth <= 0) return work(pairs);
  jlong result = deeper(pairs, depth - 1);
  asm volatile("" : "+r"(result));
  return result + 1;
}

// The frames of `work` and of this function count too.
extern "C" JNIEXPORT jlong JNICALL Java_Churn_churn(JNIEnv*, jclass, jint pairs, jint depth) {
  return deeper(pairs, depth - 3) + 1;
}
