// Balanced work on many threads: a third of the blocks is freed by another thread than the one that allocated them.
//
//   pairs THREADS PAIRS [LEAKED]      PAIRS in all; LEAKED blocks of 1,000,003 bytes are left behind by the last thread
#include <atomic>
#include <thread>
#include <vector>

#include "victim.h"

static std::atomic<char*> exchange[256];

static void work(int thread, long pairs, int leaked) {
  Random random{static_cast<uint64_t>(thread)};
  char* pool[64] = {};
  for (long i = 0; i < pairs; i++) {
    char* block = new char[1 + random.below(200)];
    keep(block);
    if (random.one_in(3)) {
      delete[] exchange[random.below(256)].exchange(block);
    } else {
      unsigned slot = random.below(64);
      delete[] pool[slot];
      pool[slot] = block;
    }
  }
  for (char* block : pool) delete[] block;
  for (int i = 0; i < leaked; i++) plant(1'000'003);
}

int main(int argc, char** argv) {
  int threads = std::atoi(argv[1]);
  long pairs = std::atol(argv[2]);
  int leaked = argc > 3 ? std::atoi(argv[3]) : 0;
  checkpoint("start");
  {
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; i++) workers.emplace_back(work, i, pairs / threads, i + 1 == threads ? leaked : 0);
    for (std::thread& worker : workers) worker.join();
  }
  for (auto& slot : exchange) delete[] slot.exchange(nullptr);
  return 0;
}
