// Blocks that are freed in the right way and in wrong ones.
#include <jni.h>

#include <cstdlib>

namespace {
constexpr int BYTES = 1'999'993;

// Out of the compiler's sight, or it would drop what it knows to be wrong.
__attribute__((noinline)) void by_delete(char *block) { delete block; }
__attribute__((noinline)) void by_delete_array(char *block) { delete[] block; }
char *volatile block;
} // namespace

extern "C" {

JNIEXPORT void JNICALL Java_example_Blocks_freeRight(JNIEnv *, jclass) {
    block = new char[BYTES];
    by_delete_array(block);
}

JNIEXPORT void JNICALL Java_example_Blocks_freeMismatched(JNIEnv *, jclass) {
    block = new char[BYTES];
    by_delete(block);
}

JNIEXPORT void JNICALL Java_example_Blocks_leak(JNIEnv *, jclass) { block = new char[BYTES]; }
}
