// What of its machine each rank takes, told by what all of them say of theirs.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <thread>

#include "apps/common/ranks.h"
#include "engine/io/json.h"

using namespace tern;

namespace {

/// Rank 0 of several, of which the others say what they are given here.
class Told final : public Communicator {
 public:
  explicit Told(std::vector<std::string> others) : others_(std::move(others)) {}
  int rank() const override { return 0; }
  int size() const override { return static_cast<int>(others_.size()) + 1; }
  void all_reduce(std::span<double>) override {}
  std::unique_ptr<PendingSum> begin_all_reduce(std::span<float>) override { return nullptr; }
  void broadcast_from(int, std::span<std::byte>) override {}
  std::vector<std::string> gather(const std::string& text) override {
    std::vector<std::string> all{text};
    all.insert(all.end(), others_.begin(), others_.end());
    return all;
  }
  void barrier() override {}
  void set_patience(std::chrono::seconds) override {}
  void give_up_when(std::function<bool()>) override {}
  bool announce_failure(const std::string&) noexcept override { return true; }
  void leave() noexcept override {}

 private:
  std::vector<std::string> others_;
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string this_host() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string place(const std::string& host, const std::vector<int>& cores, int on_host) {
  return Json{{"host", host}, {"cores", cores}, {"on_host", on_host}}.dump();
}

std::vector<int> all_cores() {
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) cores.push_back(core);
  return cores;
}

}  // namespace

TEST_CASE("ranks' cores: those of one host are parted among the ranks that may use them") {
  unsetenv("OMP_NUM_THREADS");
  Told alone({});
  const int mine = share_cores(alone, 0).threads;
  CHECK(mine >= 1);

  Told with_one({place(this_host(), all_cores(), 1)});
  CHECK(share_cores(with_one, 0).threads == std::max(mine / 2, 1));
  Told bound_elsewhere({place(this_host(), {CPU_SETSIZE - 1}, 1)});
  CHECK(share_cores(bound_elsewhere, 0).threads == mine);
  Told on_another_host({place("elsewhere", all_cores(), 1)});
  CHECK(share_cores(on_another_host, 0).threads == mine);
  Told crowd(std::vector<std::string>(99, place(this_host(), all_cores(), 1)));
  CHECK(share_cores(crowd, 0).threads == 1);
}

TEST_CASE("ranks' cores: --threads and OMP_NUM_THREADS are for each rank") {
  Told ranks({place("elsewhere", {0, 1, 2}, 64)});
  const RankCores asked = share_cores(ranks, 5);
  CHECK(asked.threads == 5);
  CHECK(holds(asked.remark, "elsewhere: 5 threads in all, on 1 rank, of 64 cores\n"));
}

TEST_CASE("ranks' cores: a line says that some of a host's stay idle") {
  unsetenv("OMP_NUM_THREADS");
  Told ranks({place("elsewhere", {0}, 8), place("elsewhere", {1}, 8)});
  const std::string remark = share_cores(ranks, 0).remark;
  CHECK(holds(remark,
              "elsewhere: 2 threads in all, on 2 ranks, of 8 cores: 6 idle; mpirun --bind-to none, or "
              "--map-by slot:PE=4, lets ranks have more\n"));
  Told all_used({place("elsewhere", {0, 1}, 2)});
  CHECK(holds(share_cores(all_used, 0).remark, "elsewhere: 2 threads in all, on 1 rank, of 2 cores\n"));
}

TEST_CASE("ranks: one whose value is not the root's is named, with its host") {
  Told ranks({"the same", "another"});
  CHECK_THROWS_WITH_AS(check_alike(ranks, "the version", "the same"),
                       ("the version of rank 2 on another: wanted the same as of rank 0 on " + this_host() +
                        " (the same), got another")
                           .c_str(),
                       Error);
  Told alike({"the same", "the same"});
  CHECK_NOTHROW(check_alike(alike, "the version", "the same"));
}
