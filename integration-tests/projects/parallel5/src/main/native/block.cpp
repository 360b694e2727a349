// Blocks that Java code allocates and may free.
#include <jni.h>

extern "C" {

JNIEXPORT jlong JNICALL Java_example_Block_allocate(JNIEnv *, jclass, jint bytes) {
    char *block = new char[bytes];
    block[0] = 1;
    return reinterpret_cast<jlong>(block);
}

JNIEXPORT void JNICALL Java_example_Block_free(JNIEnv *, jclass, jlong address) {
    delete[] reinterpret_cast<char *>(address);
}
}
