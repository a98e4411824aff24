// Rows on the emulator: what a run's launches ask of memory, beside what they must.
#include <fmt/format.h>

#include "benchmarks/kernels/emulated_memory.h"
#include "benchmarks/kernels/records.h"
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
    records_->device = {{"name", "emulator"}, {"predicted", emulator::device(options.device).name}};
  }

  std::vector<RowShape> row_shapes() const override;
  std::string tables() const override;

 private:
  int slots_for(double bytes) override { return bytes > kMaxBytes ? 0 : 1; }
  void wait() override { throw_faults(); }  // a launch has run when it returns
  void measure_runs(double ideal_bytes, const std::function<void(int slot)>& run,
                    const std::function<void()>& restore) override;
  void predict_times(const std::vector<LaunchProfile>& launches);
};

/// By what the kernels choose for them: a thread, a warp, a block and several blocks a row; odd widths.
std::vector<RowShape> CountingBench::row_shapes() const {
  if (options_.small) return {{64, 1024}, {64, 256}, {64, 88}, {64, 4}, {8, 1025}, {4, 4096}, {2, 32768}};
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

void CountingBench::measure_runs(double ideal_bytes, const std::function<void(int slot)>& run,
                                 const std::function<void()>& restore) {
  restore();
  emulator::Profile profile;
  run(0);
  wait();
  Json& row = records_->row;
  const std::vector<LaunchProfile>& launches = profile.launches();
  const AccessCounts loads = sum_of(launches, Space::global, Access::read),
                     stores = sum_of(launches, Space::global, Access::write),
                     atomics = sum_of(launches, Space::global, Access::atomic),
                     shared_atomics = sum_of(launches, Space::shared, Access::atomic),
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
  row["launches"] = launches.size();
  row["distinct_bytes"] = distinct * kSectorBytes;
  row["moved_bytes"] = global.sectors * kSectorBytes;
  row["percent_of_ideal"] = 100 * static_cast<double>(distinct * kSectorBytes) / ideal_bytes;
  row["l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio"] = loads.sectors_per_request();
  row["l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio"] = stores.sectors_per_request();
  row["excess_sectors_percent"] = 100.0 * static_cast<double>(global.sectors - global.ideal_sectors) /
                                  static_cast<double>(std::max<std::int64_t>(global.ideal_sectors, 1));
  row["l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum"] = shared_loads.bank_conflicts();
  row["l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum"] = shared_stores.bank_conflicts();
  row["shared_wavefronts"] = shared_loads.wavefronts + shared_stores.wavefronts;
  row["lanes_per_request"] = global.lanes_per_request();
  row["block_barriers"] = barriers;
  row["contended_atomics"] = atomics.contended + shared_atomics.contended;
  predict_times(launches);
}

std::string kernels_of(const Json& row) {
  std::string names;
  for (const auto& kernel : row.at("kernels"))
    names += (names.empty() ? "" : ", ") + kernel.get<std::string>();
  return names;
}

/// What the launches take at least, one after another, the longest one's bound, and the kernels' names.
void CountingBench::predict_times(const std::vector<LaunchProfile>& launches) {
  Json& row = records_->row;
  double us = 0;
  row["kernels"] = Json::array();
  row["bound"] = "does not fit";
  const auto reports = emulator::kernel_reports(launches, {.device = options_.device});
  for (const emulator::KernelReport& report : reports) {
    us += report.total_us();
    row["kernels"].push_back(report.name);
  }
  if (!reports.empty() && reports[0].prediction.fits())
    row["bound"] = reports[0].prediction.bounds[reports[0].prediction.largest].name;
  row["predicted_us"] = us;
}

std::string CountingBench::tables() const {
  std::string text =
      "| kernel | shape | type | launches | ideal kB | distinct, of ideal | moved, of ideal | sectors a load "
      "| a store "
      "| more than needed | bank conflicts, of passes | lanes | barriers a warp | waiting atomics | least "
      "time on " +
      emulator::device(options_.device).name +
      ", by | error | kernels |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Json& row : records_->side_by_side()) {
    const auto number = [&](const char* key) { return row.at(key).template get<double>(); };
    const auto name = [&](const char* key) { return row.at(key).template get<std::string>(); };
    const double conflicts = number("l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum") +
                             number("l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum");
    text += fmt::format(
        "| {} | {} | {} | {} | {:.1f} | {:.1f} % | {:.1f} % | {:.2f} | {:.2f} | {:.1f} % | {} / {} | {:.1f} "
        "| {} | {} | {}, {} | {} | {} |\n",
        kernel_cell(row), name("shape"), name("dtype"), row.at("launches").get<int>(),
        number("ideal_bytes") / 1e3, number("percent_of_ideal"),
        100 * number("moved_bytes") / number("ideal_bytes"),
        number("l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio"),
        number("l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio"),
        number("excess_sectors_percent"), conflicts, number("shared_wavefronts"), number("lanes_per_request"),
        number("block_barriers"), number("contended_atomics"), emulator::time_text(number("predicted_us")),
        name("bound"), error_cell(row), kernels_of(row));
  }
  return text + "\n" + records_->not_measured();
}

}  // namespace

std::unique_ptr<Bench> make_bench(const Bench::Options& options) {
  return std::make_unique<CountingBench>(options);
}

}  // namespace tern::bench
