#include <jni.h>

extern "C" JNIEXPORT void JNICALL Java_Becoming_plant(JNIEnv* env, jclass, jint bytes, jobject object,
                                                      jboolean release) {
  char* block = new char[bytes];
  *static_cast<char volatile*>(block) = 1;
  jobject reference = env->NewGlobalRef(object);
  if (!release) return;
  env->DeleteGlobalRef(reference);
  delete[] block;
}
