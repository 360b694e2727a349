// Native half of ManyArguments.java. Every method allocates before it looks at its arguments.
#include <jni.h>

#include <string>

#include "victim.h"

NOINLINE static void disturb() {
  char* block = new char[64];
  keep(block);
  delete[] block;
}

#define NATIVE(type, name, ...) \
  extern "C" JNIEXPORT type JNICALL Java_ManyArguments_##name(JNIEnv* env, __VA_ARGS__)

NATIVE(jdouble, mixed, jclass, jint i0, jdouble d0, jint i1, jdouble d1, jint i2, jdouble d2, jint i3, jdouble d3, jint i4,
       jdouble d4, jint i5, jdouble d5, jint i6, jdouble d6, jint i7, jdouble d7, jint i8, jdouble d8, jint i9, jdouble d9) {
  disturb();
  (void)env;
  double integers = 1.0 * i0 + 2.0 * i1 + 3.0 * i2 + 4.0 * i3 + 5.0 * i4 + 6.0 * i5 + 7.0 * i6 + 8.0 * i7 + 9.0 * i8 + 10.0 * i9;
  return integers + d0 + 2 * d1 + 3 * d2 + 4 * d3 + 5 * d4 + 6 * d5 + 7 * d6 + 8 * d7 + 9 * d8 + 10 * d9;
}

NATIVE(jlong, integers, jclass, jbyte a, jshort b, jchar c, jint d, jlong e, jboolean f, jbyte g, jshort h, jchar i, jint j,
       jlong k, jboolean l) {
  disturb();
  (void)env;
  uint64_t sum = 17;
  for (int64_t x : {int64_t{a}, int64_t{b}, int64_t{c}, int64_t{d}, int64_t{e}, int64_t{f}, int64_t{g}, int64_t{h}, int64_t{i},
                    int64_t{j}, int64_t{k}, int64_t{l}}) {
    sum = sum * 1'000'003 + static_cast<uint64_t>(x);
  }
  return static_cast<jlong>(sum);
}

NATIVE(jfloat, floats, jclass, jfloat a, jfloat b, jfloat c, jfloat d, jfloat e, jfloat f, jfloat g, jfloat h, jfloat i,
       jfloat j, jdouble k) {
  disturb();
  (void)env;
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + static_cast<jfloat>(k);
}

static std::string utf(JNIEnv* env, jobject object) {
  auto text = static_cast<jstring>(object);
  const char* chars = env->GetStringUTFChars(text, nullptr);
  std::string copy = chars;
  env->ReleaseStringUTFChars(text, chars);
  return copy;
}

NATIVE(jstring, text, jobject, jstring a, jint b, jobject c, jlong d, jstring e, jdouble f, jstring g) {
  disturb();
  std::string all = utf(env, a) + std::to_string(b) + utf(env, c) + std::to_string(d) + utf(env, e) + std::to_string(f) + utf(env, g);
  return env->NewStringUTF(all.c_str());
}

NATIVE(jint, field, jobject self, jlong a, jlong b, jlong c, jlong d, jlong e) {
  disturb();
  jfieldID id = env->GetFieldID(env->GetObjectClass(self), "field", "I");
  return env->GetIntField(self, id) * 100'000 + static_cast<jint>(a + 10 * b + 100 * c + 1000 * d + 10'000 * e);
}

#define RETURN(type, name)                   \
  NATIVE(type, name, jclass, type value) {   \
    disturb();                               \
    (void)env;                               \
    return value;                            \
  }
RETURN(jbyte, returnByte)
RETURN(jshort, returnShort)
RETURN(jchar, returnChar)
RETURN(jboolean, returnBoolean)
RETURN(jint, returnInt)
RETURN(jlong, returnLong)
RETURN(jfloat, returnFloat)
RETURN(jdouble, returnDouble)
RETURN(jobject, returnObject)

NATIVE(void, returnNothing, jclass, jintArray into, jint value) {
  disturb();
  env->SetIntArrayRegion(into, 0, 1, &value);
}
