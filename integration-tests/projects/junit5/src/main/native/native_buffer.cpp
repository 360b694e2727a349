// The smallest JNI library that owns memory: one block per buffer, freed when Java says so.
#include <jni.h>

extern "C" {

JNIEXPORT jlong JNICALL Java_example_NativeBuffer_allocate(JNIEnv *, jclass, jint bytes) {
    char *block = new char[bytes];
    block[0] = 1;
    return reinterpret_cast<jlong>(block);
}

JNIEXPORT void JNICALL Java_example_NativeBuffer_free(JNIEnv *, jclass, jlong address) {
    delete[] reinterpret_cast<char *>(address);
}

}
