// native_churn PAIRS REPEATS: ns of processor time for one new+delete pair at depth 5, 20 and 60,
// on 1, 2 and 4 threads; and for malloc+free on one thread.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "churn.h"

template <Through through>
static void cell(const std::string& name, int pairs, int repeats, int depth, int threads) {
  std::vector<std::vector<double>> costs(threads);
  std::atomic<int> ready{0};
  auto body = [&](int index) {
    costs[index].reserve(repeats);
    pair_cost<through>(pairs / 10, depth);
    // All start together, so that they disturb each other as much as they can.
    ready++;
    while (ready < threads) std::this_thread::yield();
    for (int i = 0; i < repeats; i++) costs[index].push_back(pair_cost<through>(pairs, depth));
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; i++) others.emplace_back(body, i);
  body(0);
  for (auto& other : others) other.join();
  for (auto& costs_of_thread : costs)
    for (double cost : costs_of_thread) result(name.c_str(), cost);
}

int main(int, char** argv) {
  int pairs = atoi(argv[1]), repeats = atoi(argv[2]);
  for (int depth : {5, 20, 60}) {
    std::string at = "depth" + std::to_string(depth);
    for (int threads : {1, 2, 4})
      cell<Through::NEW>(at + ".threads" + std::to_string(threads), pairs, repeats, depth, threads);
    cell<Through::MALLOC>(at + ".malloc", pairs, repeats, depth, 1);
  }
}
