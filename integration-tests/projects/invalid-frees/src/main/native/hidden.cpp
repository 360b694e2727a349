// Its operator new comes from a libstdc++ of its own that nobody else can see.
#include <jni.h>

namespace {
char *volatile block;
}

extern "C" JNIEXPORT void JNICALL Java_example_Hidden_leak(JNIEnv *, jclass) { block = new char[1'999'993]; }
