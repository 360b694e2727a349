// Native half of JavaStacks.java.
#include <jni.h>

#include "victim.h"

extern "C" JNIEXPORT void JNICALL Java_JavaStacks_touch(JNIEnv*, jclass, jint size) {
  char* block = new char[size];
  keep(block);
  delete[] block;
}

extern "C" JNIEXPORT void JNICALL Java_JavaStacks_back(JNIEnv* env, jclass type, jobject random, jint depth) {
  char* block = new char[20];
  keep(block);
  jmethodID walk = env->GetStaticMethodID(type, "walk", "(Ljava/util/Random;I)I");
  env->CallStaticIntMethod(type, walk, random, depth);
  delete[] block;
}
