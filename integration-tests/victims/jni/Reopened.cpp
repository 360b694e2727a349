// Native half of Reopened.java.
#include <jni.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "victim.h"

namespace {
constexpr int kBlocks = 60;

size_t size_of(int number) { return 24 + 16 * static_cast<size_t>(number); }

struct Table {
  void* blocks[kBlocks];
};

Table globals;
thread_local Table locals;
// A block that lives on.
Table* const member = new Table();
// What nobody keeps, by numbers that are no addresses.
uintptr_t dropped[kBlocks];

// A list whose nodes have the sizes of the blocks. What an allocator keeps in freed memory leaves `next` as it was.
struct Node {
  void* before[2];
  Node* next;
};
Node* head;

NOINLINE void* node_by_one(int number) { return ::operator new(size_of(number)); }
NOINLINE void* node_by_other(int number) {
  void* block = ::operator new(size_of(number));
  keep(block);
  return block;
}

// The last block has room for many addresses, of which one is written.
struct Room {
  void* places[120];
};
Room* room;

void fill(Table& table) {
  for (int i = 0; i < kBlocks; ++i) table.blocks[i] = ::operator new(size_of(i));
}

// The address stays where it is, as after a `delete` that nobody follows up.
void empty(Table& table) {
  for (int i = kBlocks; i-- > 0;) ::operator delete(table.blocks[i]);
}

Table* table_of(const std::string& where) {
  if (where == "global") return &globals;
  if (where == "local") return &locals;
  if (where == "member") return member;
  return nullptr;
}

std::string text(JNIEnv* env, jstring string) {
  const char* chars = env->GetStringUTFChars(string, nullptr);
  std::string copy = chars;
  env->ReleaseStringUTFChars(string, chars);
  return copy;
}
}  // namespace

extern "C" JNIEXPORT jlong JNICALL Java_Reopened_make(JNIEnv*, jclass, jint number) {
  void* block = std::malloc(size_of(number));
  keep(block);
  return reinterpret_cast<jlong>(block);
}

extern "C" JNIEXPORT void JNICALL Java_Reopened_free(JNIEnv*, jclass, jlong block) {
  std::free(reinterpret_cast<void*>(block));
}

extern "C" JNIEXPORT void JNICALL Java_Reopened_open(JNIEnv* env, jclass, jstring name, jboolean again) {
  std::string where = text(env, name);
  if (Table* table = table_of(where)) {
    fill(*table);
  } else if (where == "remade") {
    // The same list by other code each time.
    head = nullptr;
    for (int i = 0; i < kBlocks; ++i) {
      void* block = again ? node_by_one(i) : node_by_other(i);
      head = new (block) Node{{}, head};
    }
  } else if (where == "grown") {
    for (int i = 0; i < kBlocks; ++i) {
      globals.blocks[i] = std::realloc(std::malloc(24), size_of(i) + 2048);
    }
  } else if (where == "dropped") {
    // The globals still name those of before.
    for (int i = 0; i < kBlocks; ++i) {
      void* block = ::operator new(size_of(i));
      if (!again && globals.blocks[i] == nullptr) globals.blocks[i] = block;
      dropped[i] = ~reinterpret_cast<uintptr_t>(block);
    }
  } else {
    // The room is got again, but only its first place is written.
    void* first = ::operator new(16);
    room = static_cast<Room*>(::operator new(sizeof(Room)));
    room->places[0] = first;
    for (int i = 0; i < kBlocks; ++i) {
      void* block = ::operator new(size_of(i));
      if (!again && dropped[i] == 0) room->places[i + 60] = block;
      dropped[i] = ~reinterpret_cast<uintptr_t>(block);
    }
  }
}

extern "C" JNIEXPORT void JNICALL Java_Reopened_close(JNIEnv* env, jclass, jstring name) {
  std::string where = text(env, name);
  if (Table* table = table_of(where)) {
    empty(*table);
  } else if (where == "remade") {
    while (head) {
      void* block = head;
      head = head->next;
      ::operator delete(block);
    }
  } else if (where == "grown") {
    for (int i = kBlocks; i-- > 0;) std::free(globals.blocks[i]);
  } else {
    for (int i = kBlocks; i-- > 0;) ::operator delete(reinterpret_cast<void*>(~dropped[i]));
    if (where == "unwritten") {
      ::operator delete(room->places[0]);
      ::operator delete(room);
    }
  }
}
