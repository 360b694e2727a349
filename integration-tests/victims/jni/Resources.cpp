// Native half of Resources.java.
#include <jni.h>

#define METHOD(name) extern "C" JNIEXPORT void JNICALL Java_Resources_##name

METHOD(global)(JNIEnv* env, jclass, jobject object, jboolean release) {
  jobject reference = env->NewGlobalRef(object);
  if (release) env->DeleteGlobalRef(reference);
}

METHOD(weak)(JNIEnv* env, jclass, jobject object, jboolean release) {
  jweak reference = env->NewWeakGlobalRef(object);
  if (release) env->DeleteWeakGlobalRef(reference);
}

METHOD(elements)(JNIEnv* env, jclass, jintArray array, jboolean release) {
  jint* elements = env->GetIntArrayElements(array, nullptr);
  // Copying back alone gives nothing back.
  env->ReleaseIntArrayElements(array, elements, JNI_COMMIT);
  if (release) env->ReleaseIntArrayElements(array, elements, 0);
}

METHOD(critical)(JNIEnv* env, jclass, jbyteArray array, jint takes, jint releases) {
  void* bytes = nullptr;
  for (int i = 0; i < takes; i++) bytes = env->GetPrimitiveArrayCritical(array, nullptr);
  for (int i = 0; i < releases; i++) env->ReleasePrimitiveArrayCritical(array, bytes, 0);
}

METHOD(utf)(JNIEnv* env, jclass, jstring text, jboolean release) {
  const char* chars = env->GetStringUTFChars(text, nullptr);
  if (release) env->ReleaseStringUTFChars(text, chars);
}

METHOD(chars)(JNIEnv* env, jclass, jstring text, jboolean release) {
  const jchar* chars = env->GetStringChars(text, nullptr);
  if (release) env->ReleaseStringChars(text, chars);
}

METHOD(monitor)(JNIEnv* env, jclass, jobject object, jint enters, jint exits) {
  for (int i = 0; i < enters; i++) env->MonitorEnter(object);
  for (int i = 0; i < exits; i++) env->MonitorExit(object);
}
