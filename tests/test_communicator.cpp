// What ranks tell each other: on one process as it is, and under mpirun (tests/CMakeLists.txt) on several.
#include "engine/distributed/communicator.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "engine/distributed/world.h"

using namespace tern;

TEST_CASE("communicator: ranks are numbered from 0") {
  const Communicator& ranks = world();
  const Launch launch = launch_of_environment();
  CHECK(ranks.size() == launch.size);
  CHECK(ranks.rank() == launch.rank);
  CHECK(ranks.is_root() == (ranks.rank() == 0));
  CHECK(started_world() == &ranks);
}

TEST_CASE("communicator: sums of doubles, none too") {
  Communicator& ranks = world();
  const double size = ranks.size(), rank = ranks.rank();
  std::vector<double> values{1, rank, 0.5 * rank};
  ranks.all_reduce(values);
  const double all = size * (size - 1) / 2;
  CHECK(values == std::vector<double>{size, all, 0.5 * all});
  ranks.all_reduce(std::span<double>());
}

TEST_CASE(
    "communicator: sums under way at once, waited for in any order, are made in the order of the ranks") {
  Communicator& ranks = world();
  // Fewer elements than ranks, and parts that differ in size; values whose sum rounds.
  std::vector<std::vector<float>> values;
  for (const std::size_t size : {std::size_t{1}, std::size_t{17}, std::size_t{100'003}}) {
    std::vector<float>& one = values.emplace_back(size);
    for (std::size_t i = 0; i < size; ++i) {
      one[i] = 1.0f / static_cast<float>(i + 1 + static_cast<std::size_t>(ranks.rank()));
    }
  }
  std::vector<std::unique_ptr<PendingSum>> sums;
  for (std::vector<float>& one : values) sums.push_back(ranks.begin_all_reduce(one));
  for (auto sum = sums.rbegin(); sum != sums.rend(); ++sum) {
    (*sum)->poll();
    (*sum)->wait();
    (*sum)->wait();  // once more does no harm
  }
  for (const std::vector<float>& one : values) {
    std::vector<float> wanted(one.size(), 0);
    for (int rank = 0; rank < ranks.size(); ++rank) {
      for (std::size_t i = 0; i < one.size(); ++i)
        wanted[i] += 1.0f / static_cast<float>(i + 1 + static_cast<std::size_t>(rank));
    }
    CHECK((one == wanted));
    const std::string bytes(reinterpret_cast<const char*>(one.data()), one.size() * sizeof(float));
    CHECK(ranks.broadcast(bytes) == bytes);
  }
}

TEST_CASE("communicator: texts of any length and bytes") {
  Communicator& ranks = world();
  const auto text_of = [](int rank) {
    return std::string(static_cast<std::size_t>(rank) * 1000, '\0') + "\n" + std::to_string(rank);
  };
  const std::vector<std::string> texts = ranks.gather(text_of(ranks.rank()));
  CHECK(texts.size() == (ranks.is_root() ? static_cast<std::size_t>(ranks.size()) : 0));
  const std::vector<std::string> all = ranks.all_gather(text_of(ranks.rank()));
  REQUIRE(all.size() == static_cast<std::size_t>(ranks.size()));
  for (int rank = 0; rank < ranks.size(); ++rank) CHECK(all[static_cast<std::size_t>(rank)] == text_of(rank));
  CHECK(ranks.broadcast(ranks.is_root() ? "of the root" : "") == "of the root");
  CHECK(ranks.broadcast("").empty());
  ranks.barrier();
}

TEST_CASE("communicator: any") {
  Communicator& ranks = world();
  CHECK(!ranks.any(false));
  CHECK(ranks.any(ranks.rank() == ranks.size() - 1));
}

TEST_CASE("share_of: every thing once, in order, the sizes as even as can be") {
  for (const int size : {1, 2, 3, 4, 7}) {
    for (const std::int64_t count : {0, 1, 2, 3, 4, 12, 61}) {
      std::int64_t next = 0, most = 0, least = count;
      for (int rank = 0; rank < size; ++rank) {
        const Share share = share_of(count, rank, size);
        CHECK(share.begin == next);
        next = share.end;
        CHECK(share.size() <= share_of(count, 0, size).size());  // the root's is never the smaller
        most = std::max(most, share.size());
        least = std::min(least, share.size());
      }
      CHECK(next == count);
      CHECK(most - least <= 1);
    }
  }
}
