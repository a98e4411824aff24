// Rows on the emulator: what a run's launches ask of memory, beside what they must.
#include <fmt/format.h>

#include "benchmarks/kernels/harness.h"
#include "kernels/common/emulator/profile/kernel_report.h"
#include "kernels/common/emulator/profile/profile.h"

namespace tern::bench {
namespace {

using emulator::Access;
using emulator::AccessCounts;
using emulator::LaunchProfile;
using emulator::Space;

constexpr double kMaxBytes = 330e6;  ///< of a row: half a minute
constexpr std::int64_t kSectorBytes = 32;

class CountingBench final : public Bench {
 public:
  explicit CountingBench(const Options& options) : Bench(options) {
    device_ = {{"name", "emulator"}, {"predicted", emulator::device(options.device).name}};
  }

  std::vector<RowShape> row_shapes() const override;
  std::string tables() const override;

 private:
  int slots_for(double bytes) override { return bytes > kMaxBytes ? 0 : 1; }
  void wait() override {}  // a launch has run when it returns
  void measure_runs(double ideal_bytes, const std::function<void(int slot)>& run) override;
  void predict_times(const std::vector<LaunchProfile>& launches);
};

/// By what the kernels choose for them: a thread, a warp, a block and several blocks a row; odd widths.
std::vector<RowShape> CountingBench::row_shapes() const {
  if (!full()) return {{1024, 1024}, {1024, 256}, {64, 88}, {64, 4}, {512, 1025}, {128, 4096}, {16, 32768}};
  std::vector<RowShape> shapes;
  for (const std::int64_t cols : {4, 32, 88, 256, 1000, 1024, 1025, 4096, 32768, 131072})
    shapes.push_back({std::max<std::int64_t>(4, 262144 / cols), cols});
  return shapes;
}

AccessCounts sum_of(const std::vector<LaunchProfile>& launches, Space space, Access access) {
  AccessCounts sum;
  for (const LaunchProfile& launch : launches) sum += launch.total(space, access);
  return sum;
}

void CountingBench::measure_runs(double ideal_bytes, const std::function<void(int slot)>& run) {
  emulator::Profile profile;
  run(0);
  const std::vector<LaunchProfile>& launches = profile.launches();
  const AccessCounts loads = sum_of(launches, Space::global, Access::read),
                     stores = sum_of(launches, Space::global, Access::write),
                     atomics = sum_of(launches, Space::global, Access::atomic),
                     shared_loads = sum_of(launches, Space::shared, Access::read),
                     shared_stores = sum_of(launches, Space::shared, Access::write);
  std::int64_t distinct = 0, barriers = 0;
  for (const LaunchProfile& launch : launches) {
    distinct += launch.sectors_read + launch.sectors_written;
    barriers += launch.block_barriers;
  }
  AccessCounts global = loads;
  global += stores;
  global += atomics;
  row_["launches"] = launches.size();
  row_["distinct_bytes"] = distinct * kSectorBytes;
  row_["moved_bytes"] = global.sectors * kSectorBytes;
  row_["percent_of_ideal"] = 100 * static_cast<double>(distinct * kSectorBytes) / ideal_bytes;
  row_["l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio"] = loads.sectors_per_request();
  row_["l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio"] = stores.sectors_per_request();
  row_["excess_sectors_percent"] = 100.0 * static_cast<double>(global.sectors - global.ideal_sectors) /
                                   static_cast<double>(std::max<std::int64_t>(global.ideal_sectors, 1));
  row_["l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum"] = shared_loads.bank_conflicts();
  row_["l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum"] = shared_stores.bank_conflicts();
  row_["shared_wavefronts"] = shared_loads.wavefronts + shared_stores.wavefronts;
  row_["lanes_per_request"] = global.lanes_per_request();
  row_["block_barriers"] = barriers;
  row_["contended_atomics"] = atomics.contended;
  predict_times(launches);
}

std::string kernels_of(const nlohmann::json& row) {
  std::string names;
  for (const auto& kernel : row.at("kernels"))
    names += (names.empty() ? "" : ", ") + kernel.get<std::string>();
  return names;
}

/// What the launches take at least, one after another, the longest one's bound, and the kernels' names.
void CountingBench::predict_times(const std::vector<LaunchProfile>& launches) {
  double us = 0;
  row_["kernels"] = nlohmann::json::array();
  row_["bound"] = "does not fit";
  const auto reports = emulator::kernel_reports(launches, {.device = options_.device});
  for (const emulator::KernelReport& report : reports) {
    us += report.total_us();
    row_["kernels"].push_back(report.name);
  }
  if (!reports.empty() && reports[0].prediction.fits())
    row_["bound"] = reports[0].prediction.bounds[reports[0].prediction.largest].name;
  row_["predicted_us"] = us;
}

std::string CountingBench::tables() const {
  std::string text =
      "| kernel | shape | type | launches | ideal kB | distinct, of ideal | moved, of ideal | sectors a load "
      "| a store "
      "| more than needed | bank conflicts, of passes | lanes | barriers a warp | waiting atomics | least "
      "time on " +
      emulator::device(options_.device).name +
      ", by | kernels |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const auto& row : rows_) {
    const auto number = [&](const char* key) { return row.at(key).template get<double>(); };
    const auto name = [&](const char* key) { return row.at(key).template get<std::string>(); };
    const double conflicts = number("l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum") +
                             number("l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum");
    text += fmt::format(
        "| {} | {} | {} | {} | {:.1f} | {:.1f} % | {:.1f} % | {:.2f} | {:.2f} | {:.1f} % | {} / {} | {:.1f} "
        "| {} | {} | {}, {} | {} |{}\n",
        name("kernel"), name("shape"), name("dtype"), row.at("launches").get<int>(),
        number("ideal_bytes") / 1e3, number("percent_of_ideal"),
        100 * number("moved_bytes") / number("ideal_bytes"),
        number("l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio"),
        number("l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio"),
        number("excess_sectors_percent"), conflicts, number("shared_wavefronts"), number("lanes_per_request"),
        number("block_barriers"), number("contended_atomics"), emulator::time_text(number("predicted_us")),
        name("bound"), kernels_of(row), row.at("wrong").get<bool>() ? " WRONG" : "");
  }
  return text + "\n" + not_measured();
}

}  // namespace

std::unique_ptr<Bench> make_bench(const Bench::Options& options) {
  return std::make_unique<CountingBench>(options);
}

}  // namespace tern::bench
