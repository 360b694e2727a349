// Native half of Holders.java.
#include <jni.h>
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "victim.h"

namespace {
struct Node {
  Node* left;
  Node* right;
  char* name;
};

// Old and almost empty: its places keep the addresses of what is gone.
std::vector<void*>& emptied() {
  static auto* places = new std::vector<void*>(4096);
  return *places;
}

struct Shapes {
  long blocks = 0;
  std::vector<void*>* seen = nullptr;
  std::vector<void*> mallocs, news, arrays;

  void* planted_malloc(size_t bytes) { return note(mallocs, memset(malloc(bytes), 0, bytes)); }
  void* planted_realloc(size_t bytes) {
    void* block = memset(malloc(bytes), 0, bytes);
    block = realloc(block, bytes * 40);
    memset(block, 0, bytes * 40);
    return note(mallocs, block);
  }
  char* planted_text(const char* text) { return static_cast<char*>(note(mallocs, strdup(text))); }
  Node* planted_node() { return static_cast<Node*>(note(news, new Node())); }
  char* planted_array(size_t bytes) { return static_cast<char*>(note(arrays, new char[bytes]())); }

  void* note(std::vector<void*>& kind, void* block) {
    blocks++;
    if (seen) {
      seen->push_back(block);
      kind.push_back(block);
    }
    return block;
  }

  Node* planted_tree(int depth) {
    if (depth == 0) return nullptr;
    Node* node = planted_node();
    node->left = planted_tree(depth - 1);
    node->right = planted_tree(depth - 1);
    node->name = planted_text("a node of the tree");
    return node;
  }

  void planted_cycle(int length) {
    Node* first = planted_node();
    Node* last = first;
    for (int i = 1; i < length; i++) {
      Node* next = planted_node();
      next->left = last;
      last = next;
    }
    first->left = last;
  }

  // Every shape once; the sizes differ from round to round.
  NOINLINE void planted_shapes(int round) {
    size_t odd = 24 + static_cast<size_t>(round) % 7 * 16;
    planted_malloc(odd);
    planted_realloc(odd);
    planted_text("a text that nobody frees");
    planted_array(odd * 3);
    planted_tree(3);
    planted_cycle(5);
    char** list = static_cast<char**>(planted_malloc(8 * sizeof(char*)));
    for (int i = 0; i < 8; i++) list[i] = planted_array(odd + 16 * static_cast<size_t>(i));
    // A pointer into the middle and one to itself hold nothing from outside.
    list[0] = reinterpret_cast<char*>(list + 1);
  }

  void free_all() {
    for (void* block : mallocs) free(block);
    for (void* block : news) delete static_cast<Node*>(block);
    for (void* block : arrays) delete[] static_cast<char*>(block);
  }
};

// Leaves addresses in the frames that the next call has.
NOINLINE void on_dead_stack(int round) {
  Shapes* volatile shapes[64];
  Shapes local;
  for (auto& place : shapes) place = &local;
  local.planted_shapes(round);
  keep(shapes);
}

std::atomic<bool> noisy{true};
std::vector<std::thread> makers;

void make_noise(unsigned seed) {
  void* volatile mine[16] = {};
  while (noisy) {
    seed = seed * 1664525 + 1013904223;
    auto& place = mine[seed >> 8 & 15];
    free(place);
    place = malloc(16 + (seed >> 16 & 511));
  }
  for (auto& place : mine) free(place);
}

char* global_block;
thread_local char* local_block;
pthread_key_t key;
void** mapped;
void** volatile neighbour;  // Nothing reads it, and it has to be there.

// Never destroyed: threads still wait at the end.
std::mutex& lock = *new std::mutex;
std::condition_variable& wake = *new std::condition_variable;
int waiting;
}  // namespace

extern "C" {
JNIEXPORT void JNICALL Java_Holders_churn(JNIEnv*, jclass, jint round) {
  auto& places = emptied();
  places.clear();
  Shapes shapes;
  shapes.seen = &places;
  shapes.planted_shapes(round);
  shapes.free_all();
  places.clear();
}

JNIEXPORT jlong JNICALL Java_Holders_plant(JNIEnv*, jclass, jint round) {
  Shapes shapes;
  shapes.planted_shapes(round);
  std::thread([&] { shapes.planted_shapes(round + 1); }).join();
  long before = shapes.blocks / 2;
  on_dead_stack(round);
  return shapes.blocks + before;
}

JNIEXPORT void JNICALL Java_Holders_noise(JNIEnv*, jclass, jint threads) {
  for (int i = 0; i < threads; i++) makers.emplace_back(make_noise, static_cast<unsigned>(i));
}

JNIEXPORT void JNICALL Java_Holders_quiet(JNIEnv*, jclass) {
  noisy = false;
  for (auto& maker : makers) maker.join();
}

JNIEXPORT void JNICALL Java_Holders_inGlobal(JNIEnv*, jclass) {
  delete[] global_block;
  global_block = new char[1001]();
}

JNIEXPORT void JNICALL Java_Holders_inThreadLocal(JNIEnv*, jclass) {
  delete[] local_block;
  local_block = new char[1002]();
}

JNIEXPORT void JNICALL Java_Holders_inThreadSpecific(JNIEnv*, jclass) {
  static int made = pthread_key_create(&key, free);
  keep(made);
  free(pthread_getspecific(key));
  pthread_setspecific(key, calloc(1, 1003));
}

JNIEXPORT void JNICALL Java_Holders_inMapping(JNIEnv*, jclass) {
  if (!mapped) {
    mapped = static_cast<void**>(mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  free(mapped[700]);
  mapped[700] = calloc(1, 1004);
}

// Two mappings that the kernel has made one of, since they are neighbours. One is known, the other is not.
JNIEXPORT void JNICALL Java_Holders_inNeighbours(JNIEnv*, jclass) {
  constexpr size_t len = 256 << 10;
  constexpr int rights = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
  char *lower, *upper;
  do {
    char* room = static_cast<char*>(mmap(nullptr, 2 * len, PROT_NONE, flags, -1, 0));
    munmap(room, 2 * len);
    upper = static_cast<char*>(mmap(room + len, len, rights, flags, -1, 0));
    lower = static_cast<char*>(mmap(room, len, rights, flags, -1, 0));
  } while (lower + len != upper);
  neighbour = reinterpret_cast<void**>(upper);
  neighbour[500] = calloc(1, 1006);
  reinterpret_cast<void**>(lower)[500] = calloc(1, 1007);
}

JNIEXPORT void JNICALL Java_Holders_onStackOfThread(JNIEnv*, jclass) {
  std::thread([] {
    void* volatile mine = calloc(1, 1005);
    std::unique_lock<std::mutex> locked(lock);
    waiting++;
    wake.notify_all();
    for (;;) wake.wait(locked);
    free(mine);
  }).detach();
  static int expected = 0;
  expected++;
  std::unique_lock<std::mutex> locked(lock);
  while (waiting < expected) wake.wait(locked);
}

JNIEXPORT void JNICALL Java_Holders_asGlobalReference(JNIEnv* env, jclass type) {
  static jobject kept;
  if (kept) env->DeleteGlobalRef(kept);
  kept = env->NewGlobalRef(type);
}

JNIEXPORT void JNICALL Java_Holders_keep(JNIEnv* env, jclass, jobject object) {
  static jobject kept;
  kept = env->NewGlobalRef(object);
}

JNIEXPORT jlong JNICALL Java_Holders_block(JNIEnv*, jclass, jint bytes) {
  return reinterpret_cast<jlong>(calloc(1, static_cast<size_t>(bytes)));
}
}
