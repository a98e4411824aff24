// Reports of small kernels as text and as a page; a page for tests/check_profile_page.py where TERN_PROFILE_PAGE says.
#include "kernels/common/emulator/profile/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "engine/core/check.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/profile/kernel_report.h"
#include "kernels/common/emulator/profile/trace.h"
#include "kernels/common/kernel.h"
#include "kernels/common/launch.h"

using namespace tern;
using namespace tern::kernels;
using namespace tern::emulator;

namespace {

__global__ void transposes(const float* x, float* y, int size) {
  const int row = static_cast<int>(blockIdx.y * 32 + threadIdx.y);
  const int column = static_cast<int>(blockIdx.x * 32 + threadIdx.x);
  y[column * size + row] = x[row * size + column];
}

template <int kPitch>
__global__ void transposes_by_tiles(const float* x, float* y, int size) {
  TERN_SHARED(float, tile, 32 * kPitch);
  const int left = static_cast<int>(blockIdx.x * 32), top = static_cast<int>(blockIdx.y * 32);
  const int i = static_cast<int>(threadIdx.y), j = static_cast<int>(threadIdx.x);
  tile[i * kPitch + j] = x[(top + i) * size + left + j];
  __syncthreads();
  y[(left + i) * size + top + j] = tile[j * kPitch + i];
}

__global__ void sums(const float* x, float* y) {
  TERN_SHARED(float, partial, 64);
  partial[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
  __syncthreads();
  for (unsigned half = 32; half > 0; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) y[blockIdx.x] = partial[0];
}

alignas(128) float matrix[128 * 128], turned[128 * 128];

/// Two of one kernel, one each of two others; the last one with a trace.
std::vector<LaunchProfile> some_launches() {
  for (int i = 0; i < 128 * 128; ++i) matrix[i] = static_cast<float>(i % 1000) / 8;
  Profile profile({.trace = {.launch = 3}});
  profile.name_array(matrix, sizeof(matrix), sizeof(float), "matrix");
  for (int time = 0; time < 2; ++time)
    launch(transposes, dim3(4, 4), dim3(32, 32), 0, nullptr, matrix, turned, 128);
  launch(transposes_by_tiles<32>, dim3(4, 4), dim3(32, 32), 0, nullptr, matrix, turned, 128);
  launch(sums, 2, 64, 0, nullptr, matrix, turned);
  return profile.launches();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("report: kernels by name, with launches of one kernel together") {
  const std::vector<KernelReport> reports = kernel_reports(some_launches(), {});
  REQUIRE(reports.size() == 3);
  const auto named = [&](const std::string& name) {
    return std::find_if(reports.begin(), reports.end(),
                        [&](const KernelReport& one) { return one.name == name; });
  };
  REQUIRE(named("transposes") != reports.end());
  CHECK(named("transposes")->launches == 2);
  CHECK(named("transposes")->work.dram_sectors == 2 * 128 * 128 / 8);
  CHECK(named("transposes_by_tiles<32>") != reports.end());
  CHECK(named("sums")->first.trace.size() > 20);
  for (std::size_t i = 1; i < reports.size(); ++i) CHECK(reports[i - 1].total_us() >= reports[i].total_us());
}

TEST_CASE("report: text has bounds, findings at their lines, the lines' text and ncu's names") {
  const std::vector<LaunchProfile> launches = some_launches();
  const std::string text = text_report({launches[0], launches[2]}, {.device = "a100"});
  CHECK(has(text, "transposes: 4 x 4 blocks of 32 x 32 threads"));
  CHECK(has(text, "At least 2.70 us on A100 (SXM4, 80 GB), by its launch"));
  CHECK(has(text,
            "test_profile_report.cpp:27: a warp's store touches 32.0 sectors of 32 bytes where 4.0 suffice"));
  CHECK(has(text, "y[column * size + row] = x[row * size + column];"));
  CHECK(has(text, "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio"));
  CHECK(has(text, "_op_st.ratio (ideal 4.00, farthest from it test_profile_report.cpp:27)"));
  CHECK(has(text, "(tile) takes 32.0 passes"));
  CHECK(has(text, "Times are lower bounds"));
  const auto lines = std::count(text.begin(), text.end(), '\n');
  CHECK(lines <= 2 * 40);
  CHECK(text_report({}, {}) == "Nothing to report: no launch has come to its end.\n");
}

TEST_CASE("report: registers and devices that it is given") {
  const std::vector<LaunchProfile> launches = some_launches();
  const std::string known = text_report({launches[3]}, {.device = "H100", .registers = {{"sums", 40}}});
  CHECK(has(known, "with 40 registers a thread."));
  CHECK(has(text_report({launches[3]}, {}), "with 32 registers a thread (assumed)."));
  CHECK_THROWS_AS(text_report(launches, {.device = "Voodoo 2"}), Error);
  CHECK_THROWS_AS(text_report(launches, {.default_registers = 300}), Error);
  LaunchProfile large = launches[3];
  large.shared_bytes = 200 << 10;
  CHECK(has(text_report({large}, {.device = "A100"}),
            "A block does not fit on a multiprocessor of A100: shared memory"));
  CHECK(has(html_report({large}, {.device = "A100"}, "large"), "\"bounds\":[]"));
}

TEST_CASE("report: bounds that a device has no figure for are named, with the reason") {
  std::vector<LaunchProfile> launches{some_launches()[0]};
  launches[0].tensor_operations[static_cast<std::size_t>(TensorPath::bf16_fp32)] = 1000;
  std::string t4 = text_report(launches, {.device = "T4"});
  for (std::size_t at = 0; (at = t4.find("\n    ")) != std::string::npos;) t4.replace(at, 5, " ");
  CHECK(has(t4,
            "Bounds left out: launch (no source was found for what one costs), L2 (no source was found for "
            "its bandwidth), latency (no source was found for that of DRAM), tensor cores (T4's do not take "
            "bf16).\n"));
  CHECK(has(html_report(launches, {.device = "T4"}, ""), "T4's do not take bf16"));
  const std::string b200 = text_report(launches, {.device = "B200"});
  CHECK(has(b200, "left out: launch"));
  CHECK(!has(b200, "do not take"));
  CHECK(!has(text_report(launches, {.device = "H100"}), "left out"));
  launches[0] = {};
  CHECK(has(text_report(launches, {.device = "B200"}),
            "left out: launch (no source was found for what one costs).\n"));
}

TEST_CASE("report: one of a thing is one") {
  CHECK(counted(1, "block") == "1 block");
  CHECK(counted(0, "block") == "0 blocks");
  CHECK(counted(2, "pass") == "2 passes");
  CHECK(counted(1.4, "pass") == "1 pass");
  CHECK(counted(0.4, "pass") == "0 passes");
  LaunchProfile launch;
  launch.grid = {1, 2, 1};
  launch.blocks_run = 2;
  launch.block = {32, 1, 1};
  CHECK(shape_text(launch) == "1 x 2 blocks of 32 threads, 0 bytes of shared memory");
}

TEST_CASE("report: a launch of no known kernel and no known line") {
  LaunchProfile launched;
  launched.instructions.push_back({{reinterpret_cast<const void*>(16)},
                                   Space::global,
                                   Access::atomic,
                                   {.requests = 1, .lanes = 32, .contended = 31},
                                   {}});
  const std::string text = text_report({launched}, {});
  CHECK(has(text, "kernel: 1 block of 1 thread, 0 bytes of shared memory"));
  CHECK(has(text, "instruction 1: of 32 atomics 31 go"));
  CHECK(has(html_report({launched}, {}, ""), "no debug information"));
}

TEST_CASE("report: a file by its whole path where another place of it has that; an L2 that was modelled") {
  LaunchProfile launched;
  for (const char* file : {"../a/kernel.cu", "/home/a/kernel.cu", "other.cu"})
    launched.instructions.push_back(
        {{nullptr, file, 7}, Space::global, Access::atomic, {.requests = 1, .lines = 1}, {}});
  const std::vector<LineCounts> lines = line_counts(launched);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].file == "/home/a/kernel.cu");
  CHECK(lines[0].accesses.at(0).counts.requests == 2);
  CHECK(lines[1].file == "other.cu");
  launched.sectors_read = 100;
  CHECK(has(text_report({launched}, {}), "3200  dram__bytes_read.sum"));
  launched.cache = {.read_hits = 30, .read_misses = 10, .written_back = 0};
  const std::string text = text_report({launched}, {});
  CHECK(has(text, "320  dram__bytes_read.sum"));
  CHECK(has(text, "75.00  lts__t_sector_hit_rate.pct"));
}

TEST_CASE("report: a trace as text") {
  const std::vector<LaunchProfile> launches = some_launches();
  const std::string text = trace_text(launches[3]);
  CHECK(has(text, "load           all lanes    matrix[0] = 0, matrix[1] = 0.125, matrix[2] = 0.25"));
  CHECK(has(text, "store shared   all lanes    partial[0] = 0, partial[1] = 0.125"));
  CHECK(has(text, "__syncthreads  all lanes"));
  CHECK(has(text, "load shared    lanes 0-15"));
  CHECK(has(text, "store          lane 0"));
  CHECK(has(trace_text(launches[3], 3), "more steps are left out"));
  CHECK(std::count(text.begin(), text.end(), '\n') == static_cast<std::ptrdiff_t>(launches[3].trace.size()));
}

TEST_CASE("report: values") {
  CHECK(value_text(0x3f800000u, 4) == "1");
  CHECK(value_text(7, 4) == "7");
  CHECK(value_text(0xffffffffu, 4) == "-1");
  CHECK(value_text(0, 8) == "0");
  CHECK(value_text(0x4004000000000000u, 8) == "2.5");
  CHECK(value_text(0xfff0u, 2) == "-16");
  CHECK(value_text(200, 1) == "-56");
  CHECK(value_text(1, 16).empty());
  CHECK(time_text(0.5) == "500 ns");
  CHECK(time_text(1234) == "1.23 ms");
  CHECK(bytes_text(1048576) == "1.05 MB");
}

TEST_CASE("report: a page that needs nothing else, whatever its title is") {
  const std::string page =
      html_report(some_launches(), {}, "</script><script>document.title = 'broken'</script>");
  CHECK(page.find("<!DOCTYPE html>") == 0);
  CHECK(!has(page, "</script><script>"));
  CHECK(!has(page, "http://"));
  CHECK(!has(page, "https://"));
  CHECK(!has(page, "tern:"));
  CHECK(has(page, "transposes_by_tiles\\u003c32\\u003e"));
  if (const char* const file = std::getenv("TERN_PROFILE_PAGE"); file != nullptr) std::ofstream(file) << page;
}
