// Native half of Holders.java.
#include <jni.h>
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "victim.h"

namespace {
struct Node {
  Node* left;
  Node* right;
  char* name;
};

// Old and almost empty: their places keep the addresses of what is gone.
struct Emptied {
  std::vector<void*> vector{std::vector<void*>(8192)};
  std::deque<void*> deque;
  std::map<int, void*> map;
  std::unordered_map<int, void*> table;
  void* members[16] = {};
};

Emptied& emptied() {
  static auto* places = new Emptied();
  return *places;
}

// What containers allocate is planted, too; their sums are kept for the thread that plants.
thread_local long* counted;
thread_local std::vector<void*>* recorded;

NOINLINE void* planted_by_container(size_t bytes) {
  void* block = ::operator new(bytes);
  ++*counted;
  if (recorded) recorded->push_back(block);
  return block;
}

template <typename T>
struct Counted {
  using value_type = T;
  Counted() = default;
  template <typename U>
  Counted(const Counted<U>&) {}
  T* allocate(size_t count) { return static_cast<T*>(planted_by_container(count * sizeof(T))); }
  void deallocate(T* block, size_t) {
    --*counted;
    ::operator delete(block);
  }
  bool operator==(const Counted&) const { return true; }
  bool operator!=(const Counted&) const { return false; }
};

using Text = std::basic_string<char, std::char_traits<char>, Counted<char>>;
template <typename T>
using List = std::vector<T, Counted<T>>;

struct Base {
  virtual ~Base() = default;
  Text name{"a name that is too long to lie in the object itself"};
};

// Its address is not that of its second base, which is what is kept.
struct Member : Node, Base {
  List<Text> texts;
  std::map<int, Text, std::less<int>, Counted<std::pair<const int, Text>>> map;
  std::unordered_map<int, long, std::hash<int>, std::equal_to<int>, Counted<std::pair<const int, long>>> table;
  std::shared_ptr<Text> shared;
};

struct Shapes {
  long blocks = 0;
  // Only when they are to be freed again.
  std::vector<void*>* seen = nullptr;
  std::vector<void*> mallocs, news, arrays;
  std::vector<Member*> members;

  void begin() {
    counted = &blocks;
    recorded = seen;
  }

  void* planted_malloc(size_t bytes) { return note(mallocs, memset(malloc(bytes), 0, bytes)); }
  void* planted_calloc(size_t bytes) { return note(mallocs, calloc(1, bytes)); }
  void* planted_aligned(size_t bytes) {
    void* block = nullptr;
    if (posix_memalign(&block, 64, bytes)) abort();
    return note(mallocs, memset(block, 0, bytes));
  }
  void* planted_realloc(size_t bytes) {
    void* block = memset(malloc(bytes), 0, bytes);
    block = realloc(block, bytes * 40);
    memset(block, 0, bytes * 40);
    return note(mallocs, block);
  }
  // Shrinks where it is.
  void* planted_shrunk(size_t bytes) {
    void* block = memset(malloc(bytes * 3), 0, bytes * 3);
    return note(mallocs, realloc(block, bytes));
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

  // A block out of which objects are cut; they point at each other, and one at something outside.
  void planted_pool(int objects) {
    auto* pool = static_cast<Node*>(planted_malloc(static_cast<size_t>(objects) * sizeof(Node)));
    for (int i = 1; i < objects; i++) pool[i].left = &pool[i - 1];
    pool[objects - 1].name = planted_text("what an object of the pool has");
  }

  void planted_member(int round) {
    auto* member = new Member();
    blocks++;
    if (seen) {
      seen->push_back(member);
      members.push_back(member);
    }
    for (int i = 0; i < 6; i++) {
      member->texts.emplace_back("a text of the vector that is no short one");
      member->map.emplace(i + round, "a text of the map that is no short one");
      member->table.emplace(i + round, i);
    }
    member->shared = std::allocate_shared<Text>(Counted<Text>(), "a text that is shared among some");
  }

  // Every shape once; the sizes differ from round to round.
  NOINLINE void planted_shapes(int round) {
    size_t odd = 24 + static_cast<size_t>(round) % 7 * 16;
    begin();
    planted_malloc(odd);
    planted_calloc(odd);
    planted_aligned(odd);
    planted_realloc(odd);
    planted_shrunk(odd);
    planted_pool(12);
    planted_member(round);
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
    begin();
    for (Member* member : members) delete member;
    for (void* block : mallocs) free(block);
    for (void* block : news) delete static_cast<Node*>(block);
    for (void* block : arrays) delete[] static_cast<char*>(block);
  }
};

// Leaves addresses in the frames that the next call has.
NOINLINE long on_dead_stack(int round) {
  Shapes* volatile shapes[64];
  Shapes local;
  for (auto& place : shapes) place = &local;
  local.planted_shapes(round);
  keep(shapes);
  return local.blocks;
}

// Leaves them in variables of a thread that ends, too.
thread_local void* of_thread[4];

NOINLINE long in_thread_that_ends(int round) {
  Shapes shapes;
  std::thread([&] {
    shapes.planted_shapes(round);
    for (auto& place : of_thread) place = shapes.planted_calloc(200);
    keep(of_thread);
  }).join();
  return shapes.blocks;
}

// Structures that are older than the checkpoint grow, and are empty again.
NOINLINE long after_growth(int round) {
  static auto* older = new std::vector<void*>();
  static auto* ring = new std::deque<void*>();
  Shapes shapes;
  shapes.begin();
  for (int i = 0; i < 40; i++) {
    void* block = i % 2 ? shapes.planted_calloc(48) : shapes.planted_array(static_cast<size_t>(100 + round));
    older->push_back(block);
    ring->push_back(block);
  }
  // Both are left as a program that has cleaned up leaves them.
  for (auto& place : *older) place = nullptr;
  older->clear();
  while (!ring->empty()) {
    ring->front() = nullptr;
    ring->pop_front();
  }
  return shapes.blocks;
}

// A node in use has memory that a list of freed blocks had a moment ago, and nothing was written to it yet.
NOINLINE long beside_unwritten(int round) {
  constexpr int count = 6;
  constexpr size_t sizes[] = {64, 1000, 4096};
  static void* nodes[3];
  Shapes shapes;
  shapes.begin();
  for (int list = 0; list < 3; list++) {
    free(nodes[list]);
    size_t bytes = static_cast<size_t>(200 + 48 * list + round);
    auto** freed = static_cast<char**>(malloc(sizes[list]));
    // The allocator writes to the first two words.
    for (int i = 2; i < 2 + count; i++) freed[i] = new char[bytes]();
    keep(freed);
    for (int i = 2; i < 2 + count; i++) delete[] freed[i];
    free(freed);
    nodes[list] = malloc(sizes[list]);
    keep(nodes[list]);
    for (int i = 0; i < count; i++) shapes.planted_array(bytes);
  }
  // The same behind what has grown.
  constexpr size_t grown = 2000, first = 100;
  static void* table;
  free(table);
  table = malloc(grown / 4);
  auto** freed = static_cast<char**>(malloc(grown));
  void* neighbour = malloc(grown);
  for (size_t i = first; i < first + count; i++) freed[i] = new char[600]();
  keep(freed);
  for (size_t i = first; i < first + count; i++) delete[] freed[i];
  free(freed);
  table = realloc(table, grown);
  keep(table);
  free(neighbour);
  for (int i = 0; i < count; i++) shapes.planted_array(600);
  return shapes.blocks;
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
JNIEXPORT jlongArray JNICALL Java_Holders_churn(JNIEnv* env, jclass, jint round) {
  auto& places = emptied();
  places.vector.clear();
  Shapes shapes;
  shapes.seen = &places.vector;
  for (int i = 0; i < 4; i++) shapes.planted_shapes(round);
  recorded = nullptr;
  int index = 0;
  for (void* place : places.vector) {
    places.deque.push_back(place);
    places.map[index] = places.table[index] = place;
    places.members[index++ % 16] = place;
  }
  auto count = static_cast<jsize>(places.vector.size());
  jlongArray seen = env->NewLongArray(count);
  env->SetLongArrayRegion(seen, 0, count, reinterpret_cast<jlong*>(places.vector.data()));
  shapes.free_all();
  // As far as containers ever empty their places: what they had stays there.
  places.vector.clear();
  places.deque.clear();
  places.map.erase(places.map.begin(), places.map.find(index / 2));
  return seen;
}

JNIEXPORT jlong JNICALL Java_Holders_plant(JNIEnv*, jclass, jint round) {
  Shapes shapes;
  shapes.planted_shapes(round);
  long blocks = shapes.blocks;
  blocks += in_thread_that_ends(round + 1);
  blocks += on_dead_stack(round);
  blocks += after_growth(round);
  blocks += beside_unwritten(round);
  return blocks;
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

struct Outer {
  char before[64];
  char* inner;
  char after[700];
};
static Outer* outer;

// Whether both blocks are where those of the last time were.
JNIEXPORT jboolean JNICALL Java_Holders_make(JNIEnv*, jclass, jint bytes) {
  static void *last_outer, *last_inner;
  outer = static_cast<Outer*>(malloc(sizeof(Outer)));
  outer->inner = static_cast<char*>(malloc(static_cast<size_t>(bytes)));
  bool again = last_outer == outer && last_inner == outer->inner;
  last_outer = outer;
  last_inner = outer->inner;
  return again;
}

JNIEXPORT void JNICALL Java_Holders_unmake(JNIEnv*, jclass) {
  free(outer->inner);
  free(outer);
  outer = nullptr;
}

JNIEXPORT void JNICALL Java_Holders_inContainers(JNIEnv*, jclass, jint bytes) {
  static auto& map = *new std::map<std::string, std::unique_ptr<char[]>>();
  static auto& table = *new std::unordered_map<int, std::unique_ptr<char[]>>();
  static std::vector<std::unique_ptr<char[]>> vector;
  auto size = static_cast<size_t>(bytes);
  map["a key that is longer than a short one"].reset(new char[size]());
  table.clear();
  for (int i = 0; i < 100; i++) table[i] = nullptr;
  table[42].reset(new char[size + 1]());
  vector.clear();
  vector.shrink_to_fit();
  for (int i = 0; i < 100; i++) vector.emplace_back();
  vector[77].reset(new char[size + 2]());
}

JNIEXPORT void JNICALL Java_Holders_inMiddleAndMarked(JNIEnv*, jclass, jint bytes) {
  static char* middle;
  static uintptr_t low, high;
  auto size = static_cast<size_t>(bytes);
  delete[] (middle ? middle - 100 : nullptr);
  middle = new char[size]() + 100;
  delete[] reinterpret_cast<char*>(low & ~7UL);
  low = reinterpret_cast<uintptr_t>(new char[size + 1]()) | 5;
  delete[] reinterpret_cast<char*>(high & ~(0xffffUL << 48));
  high = reinterpret_cast<uintptr_t>(new char[size + 2]()) | 0xa5UL << 56;
}

JNIEXPORT void JNICALL Java_Holders_asReferenceOf(JNIEnv* env, jclass, jobject owner) {
  static jobject kept;
  if (kept) env->DeleteGlobalRef(kept);
  kept = env->NewGlobalRef(owner);
}

// What no look at memory can see.
JNIEXPORT void JNICALL Java_Holders_disguised(JNIEnv*, jclass, jint bytes) {
  static uintptr_t turned;
  static uint32_t compressed;
  auto size = static_cast<size_t>(bytes);
  turned = ~reinterpret_cast<uintptr_t>(new char[size]());
  compressed = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(new char[size + 1]()) >> 4);
  keep(turned);
  keep(compressed);
}

JNIEXPORT jlong JNICALL Java_Holders_block(JNIEnv*, jclass, jint bytes) {
  return reinterpret_cast<jlong>(calloc(1, static_cast<size_t>(bytes)));
}
}
