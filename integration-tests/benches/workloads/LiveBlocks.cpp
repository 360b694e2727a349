// Native half of LiveBlocks.java.
#include <jni.h>

#include "workload.h"

struct Block {
  Block* next;
  long value;
};
static Block* kept;

extern "C" JNIEXPORT void JNICALL Java_LiveBlocks_keep(JNIEnv*, jclass, jlong blocks) {
  for (jlong i = 0; i < blocks; i++) kept = new Block{kept, i};
}

extern "C" JNIEXPORT jint JNICALL Java_LiveBlocks_pair(JNIEnv*, jclass, jint count) {
  for (jint i = 0; i < count; i++) {
    char* block = new char[24 + i];
    KEEP(block);
    delete[] block;
  }
  return count;
}
