// Blocks that Java owns, and blocks that a list of this library keeps.
#include <jni.h>

namespace {
struct Entry {
    Entry *next;
    char content[1999993 - sizeof(Entry *)];
};
}  // namespace

Entry *all_entries;

extern "C" {

JNIEXPORT jlong JNICALL Java_example_Blocks_allocate(JNIEnv *, jclass) {
    char *block = new char[1999993];
    block[0] = 1;
    return reinterpret_cast<jlong>(block);
}

JNIEXPORT void JNICALL Java_example_Blocks_free(JNIEnv *, jclass, jlong address) {
    delete[] reinterpret_cast<char *>(address);
}

JNIEXPORT void JNICALL Java_example_Blocks_register(JNIEnv *, jclass) {
    Entry *entry = new Entry;
    entry->next = all_entries;
    all_entries = entry;
}

}
