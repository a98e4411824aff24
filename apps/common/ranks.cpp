#include "apps/common/ranks.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <vector>

#include "apps/common/console.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/io/json.h"

namespace tern {
namespace {

std::string host_name() {
  char name[256] = "";
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

/// The numbers of the cores that this process may run on.
std::vector<int> allowed_cores() {
  std::vector<int> cores;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

std::string counted(int count, const char* thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

struct Place {
  std::string host;
  std::vector<int> cores;
  int on_host;  ///< the host's cores
};

/// Of those that share a core with it, as many for each.
int default_threads(const Place& mine, const std::vector<Place>& all) {
  const auto overlaps = [&mine](const Place& other) {
    return other.host == mine.host && std::any_of(other.cores.begin(), other.cores.end(), [&](int core) {
             return std::find(mine.cores.begin(), mine.cores.end(), core) != mine.cores.end();
           });
  };
  const auto sharing = std::max<std::int64_t>(std::count_if(all.begin(), all.end(), overlaps), 1);
  return static_cast<int>(std::max<std::int64_t>(static_cast<std::int64_t>(mine.cores.size()) / sharing, 1));
}

/// What all processes of a launch find alike before they can tell each other: the first one says it.
[[noreturn]] void throw_alike(const Launch& launch, const Error& error) {
  if (launch.rank > 0) throw RankFailed(0, error.what());
  throw error;
}

/// In the environment of what start_ranks() starts: it is not done twice.
constexpr const char* kStarted = "TERN_RANKS_STARTED";

std::vector<std::string> mpirun_words(int ranks, const std::string& mpi) {
  std::vector<std::string> words{"mpirun", "-n", std::to_string(ranks)};
  if (!mpi.starts_with("Open MPI")) return words;
  // Threads are parted by share_cores(), not by binding; whoever asks for more ranks than cores has reasons; and in a container
  // everything runs as root.
  words.insert(words.end(), {"--bind-to", "none", "--map-by", ":OVERSUBSCRIBE"});
  if (geteuid() == 0) words.push_back("--allow-run-as-root");
  return words;
}

/// This program and what it was called with.
std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (words.empty() || error) throw Error("--ranks", "/proc, which says how this program was called", "none");
  words[0] = self.string();
  return words;
}

}  // namespace

void check_alone() {
  const Launch launch = launch_of_environment();
  if (launch.size == 1) return;
  throw_alike(
      launch,
      Error(
          "launcher",
          "one process (train, evaluate, calibrate, predict, dump and study share their work among several)",
          fmt::format("{} ({})", launch.size, launch.variable)));
}

void start_ranks(int ranks) {
  const Launch launch = launch_of_environment();
  if (launch.size == ranks) return;
  if (launch.size > 1) {
    throw_alike(launch, Error("--ranks", fmt::format("none under a launcher, or its number, {}", launch.size),
                              std::to_string(ranks)));
  }
  const std::string mpi = mpi_version();
  if (mpi.empty()) {
    throw Error("--ranks",
                "1, since this tern was built without MPI (of Debian: libopenmpi-dev, then build it anew)",
                std::to_string(ranks));
  }
  if (std::getenv(kStarted) != nullptr) {
    throw Error("--ranks", fmt::format("mpirun to start {} processes that know of each other", ranks),
                "one on its own (is mpirun of the MPI that tern was built with, " + mpi + "?)");
  }
  setenv(kStarted, "1", 1);
  remark("starts mpirun -n {}\n", ranks);
  std::vector<std::string> words = mpirun_words(ranks, mpi);
  const std::vector<std::string> arguments = own_arguments();
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  throw Error("--ranks", "mpirun on the PATH (of Debian: openmpi-bin)", std::strerror(errno));
}

RankCores share_cores(Communicator& ranks, int asked) {
  const Place mine{host_name(), allowed_cores(), static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN))};
  const Json json{{"host", mine.host}, {"cores", mine.cores}, {"on_host", mine.on_host}};
  std::vector<Place> all;
  for (const std::string& text : ranks.all_gather(json.dump())) {
    const Json other = Json::parse(text);
    all.push_back({other.at("host"), other.at("cores"), other.at("on_host")});
  }
  if (asked == 0 && std::getenv("OMP_NUM_THREADS") != nullptr) asked = thread_count();
  RankCores found;
  found.threads = asked > 0 ? asked : default_threads(mine, all);
  struct Use {
    int ranks = 0, threads = 0, on_host = 0;
  };
  std::map<std::string, Use> hosts;
  for (const Place& place : all) {
    Use& use = hosts[place.host];
    ++use.ranks;
    use.threads += asked > 0 ? asked : default_threads(place, all);
    use.on_host = place.on_host;
  }
  for (const auto& [host, use] : hosts) {
    found.remark += fmt::format("{}: {} in all, on {}, of {}", host, counted(use.threads, "thread"),
                                counted(use.ranks, "rank"), counted(use.on_host, "core"));
    const int idle = use.on_host - use.threads;
    if (idle > 0 && asked == 0) {
      found.remark +=
          fmt::format(": {} idle; mpirun --bind-to none, or --map-by slot:PE={}, lets ranks have more", idle,
                      std::max(use.on_host / use.ranks, 1));
    }
    found.remark += "\n";
  }
  return found;
}

Device prepare_ranks(Communicator& ranks, RuntimeOptions runtime, const std::string& work) {
  if (ranks.size() == 1) return prepare_runtime(runtime);
  const RankCores cores = share_cores(ranks, runtime.threads);
  remark("{}", cores.remark);
  runtime.threads = cores.threads;
  const Device device = prepare_runtime(runtime);
  if (!device.is_cpu()) throw Error("--device", "cpu for " + work + " on several ranks", runtime.device);
  return device;
}

int threads_beside(int on_host) {
  const int cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return std::clamp(cores / std::max(on_host, 1), 1, static_cast<int>(allowed_cores().size()));
}

void check_alike(Communicator& ranks, const std::string& what, const std::string& value) {
  const std::vector<std::string> values = ranks.gather(value), hosts = ranks.gather(host_name());
  for (std::size_t rank = 1; rank < values.size(); ++rank) {
    if (values[rank] == values[0]) continue;
    throw Error(fmt::format("{} of rank {} on {}", what, rank, hosts[rank]),
                fmt::format("the same as of rank 0 on {} ({})", hosts[0], values[0]), values[rank]);
  }
}

}  // namespace tern
