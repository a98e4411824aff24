// Rows on a GPU: how long runs take.
#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "benchmarks/kernels/nvml.h"
#include "benchmarks/kernels/records.h"
#include "benchmarks/kernels/sampling.h"
#include "engine/core/check.h"

namespace tern::bench {
namespace {

constexpr int kMaxSlots = 64;
constexpr int kCaches = 4;  // read before a sample, and taken by its slots
/// Reads of kCaches before a replay. The second keeps the device busy while the host launches the graph; after one alone, runs on
/// few bytes would wait for that, and the wait would be timed.
constexpr int kFlushesBeforeReplay = 2;
constexpr double kMemoryShare = 0.8;
constexpr double kWakingSeconds =
    0.01;  ///< of work before a row is timed: comparisons on the host have let clocks fall

void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw Error(what, cudaGetErrorString(status));
}

int ratio(double a, double b) {
  return static_cast<int>(std::min(std::ceil(a / std::max(b, 1.0)), 1e6));
}

/// What was issued between begin and end of a capture, ready to be replayed.
struct Graph {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  std::size_t launches = 0;  ///< kernels, copies and fills

  Graph(Stream stream, const std::function<void()>& issue) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    try {
      issue();
    } catch (...) {
      if (cudaStreamEndCapture(stream, &graph) == cudaSuccess) cudaGraphDestroy(graph);
      throw;
    }
    check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    check(cudaGraphGetNodes(graph, nullptr, &launches), "cudaGraphGetNodes");
    check(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
  }
  ~Graph() {
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
};

class GpuBench final : public Bench {
 public:
  explicit GpuBench(const Options& options);
  ~GpuBench() override;

  std::vector<RowShape> row_shapes() const override;
  std::string tables() const override;

 private:
  int slots_for(double bytes) override;
  void wait() override;
  void measure_runs(double ideal_bytes, const std::function<void(int slot)>& run,
                    const std::function<void()>& restore) override;

  void watch_clocks();
  void measure_device();
  /// Times work(), of `slots_` runs, in microseconds a run. `waits`: it begins on an idle device, so that issuing it counts.
  /// `before` is issued, untimed, before each sample.
  Timing sample(const std::function<void()>& work, bool waits, const std::function<void()>& before = {});
  double microseconds(const std::function<void()>& work, bool waits, const std::function<void()>& before);
  Timing replay(const Graph& graph, const std::function<void()>& before = {});
  std::string table(const std::string& mode) const;

  std::unique_ptr<Nvml> nvml_;  ///< null: the clocks are not watched
  std::unique_ptr<Sampler> sampler_;
  cudaEvent_t start_ = nullptr, stop_ = nullptr;
  std::int64_t cache_bytes_ = 0, flush_count_ = 0;
  std::shared_ptr<void> flush_;
  double copy_bytes_per_microsecond_ = 0;
};

}  // namespace

std::vector<RowShape> GpuBench::row_shapes() const {
  if (!full()) {  // first those that matter most, in case that time runs out: a quarter of a gigabyte and more
    return {{65536, 4096}, {65536, 1024}, {262144, 256}, {1024, 262144}, {8192, 32768},
            {64, 88},      {65536, 1025}, {65536, 1000}, {1024, 1000},   {64, 4}};
  }
  std::vector<RowShape> shapes = {{262144, 256}};
  for (const std::int64_t rows : {1, 64, 256, 1024, 8192, 65536}) {
    for (const std::int64_t cols : {4, 32, 88, 256, 1000, 1024, 1025, 4096, 32768, 131072, 262144}) {
      shapes.push_back({rows, cols});
    }
  }
  return shapes;
}

GpuBench::GpuBench(const Options& options) : Bench(options) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
    throw Error("bench_kernels", "an NVIDIA GPU and its driver", "none");
  }
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  for (cudaEvent_t* const event : {&start_, &stop_}) check(cudaEventCreate(event), "cudaEventCreate");
  cache_bytes_ = properties.l2CacheSize;
  flush_count_ = kCaches * cache_bytes_ / static_cast<std::int64_t>(sizeof(float));
  flush_ = allocate(static_cast<std::size_t>(flush_count_ + 1) * sizeof(float));
  fill_random(static_cast<float*>(flush_.get()), flush_count_ + 1, 1, 2, 1, stream_);
  int runtime = 0;
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  records_->device = {{"name", properties.name}, {"l2_bytes", cache_bytes_}, {"cuda", runtime}};
  watch_clocks();
  measure_device();
}

void GpuBench::watch_clocks() {
  Json& device = records_->device;
  std::array<char, 32> bus{};
  check(cudaDeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()), 0), "cudaDeviceGetPCIBusId");
  try {
    nvml_ = std::make_unique<Nvml>(bus.data());
    device["driver"] = nvml_->driver_version();
    device["highest_sm_mhz"] = nvml_->highest_sm_mhz();
    device["power_limit_watts"] = nvml_->power_limit_watts();
    device["clocks"] = "watched";
  } catch (const Error& error) {
    device["clocks"] = fmt::format("not watched: {}", error.what());
  }
  sampler_ = std::make_unique<Sampler>(nvml_.get(), system_time());
}

GpuBench::~GpuBench() {
  cudaEventDestroy(start_);
  cudaEventDestroy(stop_);
  cudaStreamDestroy(stream_);
}

/// The limits that rows are compared with: a copy of much memory, and a kernel that does nothing.
void GpuBench::measure_device() {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  const std::int64_t enough = std::max<std::int64_t>(8 * cache_bytes_, 512 << 20);
  const std::size_t bytes = std::min(static_cast<std::size_t>(enough), free / 8);
  const auto from = allocate(bytes), to = allocate(bytes);
  fill_random(static_cast<float*>(from.get()), static_cast<std::int64_t>(bytes / sizeof(float)), 0, 1, 2,
              stream_);
  const auto copy_once = [&] {
    check(cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice, stream_), "cudaMemcpyAsync");
  };
  slots_ = 1;
  const auto wake = std::chrono::steady_clock::now();  // clocks rise under load
  while (std::chrono::steady_clock::now() - wake < std::chrono::milliseconds(300)) sample(copy_once, false);
  // By now they are as high as they get: the sampler has seen them.
  copy_bytes_per_microsecond_ = 2 * static_cast<double>(bytes) / replay(Graph(stream_, copy_once)).median;
  slots_ = kMaxSlots;
  const auto do_nothing = [&] {
    for (int slot = 0; slot < slots_; ++slot) launch_empty(stream_);
  };
  Json& device = records_->device;
  device["copy_gb_per_s"] = copy_bytes_per_microsecond_ / 1000;
  device["empty_stream_us"] = sample(do_nothing, true).median;
  device["empty_graph_us"] = replay(Graph(stream_, do_nothing)).median;
  device["sm_mhz"] = sampler_->gate().sm_mhz();
  device["memory_mhz"] = sampler_->gate().memory_mhz();
}

int GpuBench::slots_for(double bytes) {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  const int slots = std::clamp(ratio(static_cast<double>(kCaches * cache_bytes_), bytes), 1, kMaxSlots);
  return bytes * (slots + 1) > kMemoryShare * static_cast<double>(free)
             ? 0
             : slots;  // one is kept to be restored
}

void GpuBench::wait() {
  check(cudaGetLastError(), "a launch of a benchmark");  // of a launch with <<<>>>, which nobody else asks
  check(cudaDeviceSynchronize(), "the kernels of a benchmark");
}

double GpuBench::microseconds(const std::function<void()>& work, bool waits,
                              const std::function<void()>& before) {
  float* const flush = static_cast<float*>(flush_.get());
  for (int i = 0; i < (waits ? 1 : kFlushesBeforeReplay); ++i)
    read_all(flush, flush_count_, flush + flush_count_, stream_);
  if (before) before();
  if (waits) check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  check(cudaEventRecord(start_, stream_), "cudaEventRecord");
  work();
  check(cudaEventRecord(stop_, stream_), "cudaEventRecord");
  check(cudaEventSynchronize(stop_), "the kernels of a benchmark");
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, start_, stop_), "cudaEventElapsedTime");
  return 1000.0 * static_cast<double>(milliseconds) / slots_;
}

Timing GpuBench::sample(const std::function<void()>& work, bool waits, const std::function<void()>& before) {
  return sampler_->sample(
      {.seconds = options_.timing_seconds, .precision_percent = options_.precision_percent},
      [&] { return microseconds(work, waits, before); });
}

Timing GpuBench::replay(const Graph& graph, const std::function<void()>& before) {
  return sample([&] { check(cudaGraphLaunch(graph.executable, stream_), "cudaGraphLaunch"); }, false, before);
}

namespace {

/// Into a row, as <mode>_us and so on.
void enter(Json& row, const std::string& mode, const Timing& timing) {
  row[mode + "_us"] = timing.median;
  row[mode + "_p20_us"] = timing.p20;
  row[mode + "_p80_us"] = timing.p80;
  row[mode + "_low_us"] = timing.interval.low;
  row[mode + "_high_us"] = timing.interval.high;
  row[mode + "_samples"] = timing.kept;
  row[mode + "_dropped"] = timing.dropped_samples();
  for (const auto& [why, count] : timing.dropped) {
    Json& all = row["dropped"][why];
    all = (all.is_null() ? 0 : all.get<int>()) + count;
  }
  if (timing.is_held_down) row["held_down"] = true;
}

}  // namespace

void GpuBench::measure_runs(double ideal_bytes, const std::function<void(int slot)>& run,
                            const std::function<void()>& restore) {
  const auto run_all = [&] {
    for (int slot = 0; slot < slots_; ++slot) run(slot);
  };
  const auto run_one = [&] {
    for (int slot = 0; slot < slots_; ++slot) run(0);
  };
  const double begin = seconds_since_start();
  do {
    run_all();
    wait();
  } while (seconds_since_start() - begin < kWakingSeconds);
  const Timing stream = sample(run_all, true);
  const Graph cold(stream_, run_all), warm(stream_, run_one);
  const Timing graph = replay(cold), again = replay(cold), cached = replay(warm, [&] { run(0); });
  const double rate = ideal_bytes / graph.median;  // bytes a microsecond: MB/s, and 1000 of them are GB/s
  Json& row = records_->row;
  row["dropped"] = Json::object();
  enter(row, "stream", stream);
  enter(row, "graph", graph);
  enter(row, "warm", cached);
  row["noise_percent"] = 100 * std::fabs(again.median / graph.median - 1);
  row["gb_per_s"] = rate / 1000;
  row["percent_of_copy"] = 100 * rate / copy_bytes_per_microsecond_;
  row["launches"] = cold.launches / static_cast<std::size_t>(slots_);
  restore();
  check(cudaGraphLaunch(cold.executable, stream_), "cudaGraphLaunch");
  wait();  // before the graph goes
}

std::string GpuBench::table(const std::string& mode) const {
  std::string text =
      "| kernel | shape | type | us | p20 | p80 | +- % | samples | warm us | ideal MB | GB/s | % of copy | "
      "launches | error |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Json& row : records_->side_by_side()) {
    const auto number = [&](const std::string& key) { return row.at(key).get<double>(); };
    const double time = number(mode + "_us"), bytes = number("ideal_bytes");
    const int dropped = row.at(mode + "_dropped").get<int>();
    std::string samples = std::to_string(row.at(mode + "_samples").get<int>());
    if (dropped > 0) samples += fmt::format(", {} dropped", dropped);
    text += fmt::format(
        "| {} | {} | {} | {:.2f}{} | {:.2f} | {:.2f} | {:.1f} | {} | {} | {:.3f} | {:.0f} | {:.1f} | {} | {} "
        "|\n",
        kernel_cell(row), row.at("shape").get<std::string>(), row.at("dtype").get<std::string>(), time,
        row.contains("held_down") ? " HELD DOWN" : "", number(mode + "_p20_us"), number(mode + "_p80_us"),
        50 * (number(mode + "_high_us") - number(mode + "_low_us")) / time, samples,
        mode == "graph" ? fmt::format("{:.2f}", number("warm_us")) : "", bytes / 1e6, bytes / time / 1000,
        100 * bytes / time / copy_bytes_per_microsecond_, row.at("launches").get<int>(), error_cell(row));
  }
  return text;
}

std::string GpuBench::tables() const {
  const Json& device = records_->device;
  return fmt::format(
      "{}: copy {:.0f} GB/s, an empty kernel {:.2f} us from a stream and {:.2f} us in a graph; clocks {}\n\n"
      "## Issued to a stream\n\n{}\n## Replayed as a graph\n\n{}\n{}",
      device.at("name").get<std::string>(), device.at("copy_gb_per_s").get<double>(),
      device.at("empty_stream_us").get<double>(), device.at("empty_graph_us").get<double>(),
      device.at("clocks").get<std::string>(), table("stream"), table("graph"), records_->not_measured());
}

std::unique_ptr<Bench> make_bench(const Bench::Options& options) {
  return std::make_unique<GpuBench>(options);
}

}  // namespace tern::bench
