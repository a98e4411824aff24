#include "kernels/common/emulator/profile/metrics.h"

#include <fmt/format.h>

#include <array>

namespace tern::emulator {
namespace {

double as_number(std::int64_t count) {
  return static_cast<double>(count);
}

/// The line whose sectors are farthest beyond their ideal; empty if none are.
std::string farthest_line(const std::vector<LineCounts>& lines, Access access) {
  std::string place;
  std::int64_t most = 0;
  for (const LineCounts& line : lines) {
    for (const LineAccess& one : line.accesses) {
      const std::int64_t excess = one.counts.sectors - one.counts.ideal_sectors;
      if (one.space != Space::global || one.access != access || excess <= most) continue;
      most = excess;
      place = place_text(line);
    }
  }
  return place;
}

void add_global(std::vector<Metric>& all, const LaunchProfile& launch, const std::vector<LineCounts>& lines,
                Access access, const std::string& word, const std::string& suffix) {
  const AccessCounts counts = launch.total(Space::global, access);
  if (counts.requests == 0) return;
  const std::string global = "pipe_lsu_mem_global_op_" + suffix;
  std::string ideal = fmt::format("{:.2f}", as_number(counts.ideal_sectors) / as_number(counts.requests));
  if (const std::string line = farthest_line(lines, access); !line.empty())
    ideal += ", farthest from it " + line;
  all.push_back({"sectors a " + word, "l1tex__average_t_sectors_per_request_" + global + ".ratio",
                 counts.sectors_per_request(), "as the bytes of a request need: " + ideal, "ideal " + ideal});
  all.push_back({word + " requests", "l1tex__t_requests_" + global + ".sum", as_number(counts.requests),
                 "fewer: a warp's 32 threads at once, 16 bytes a thread"});
  all.push_back({word + " sectors of 32 bytes", "l1tex__t_sectors_" + global + ".sum",
                 as_number(counts.sectors), "what the data need, each once"});
}

void add_shared(std::vector<Metric>& all, const AccessCounts& counts, const std::string& word,
                const std::string& suffix) {
  if (counts.requests == 0) return;
  all.push_back({"bank conflicts of shared " + word + "s",
                 "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_" + suffix + ".sum",
                 as_number(counts.bank_conflicts()), "0"});
  all.push_back({"passes of shared " + word + "s",
                 "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_" + suffix + ".sum",
                 as_number(counts.wavefronts), "one a request of 4 bytes a thread"});
  all.push_back({"shared " + word + " requests", "smsp__inst_executed_op_shared_" + suffix + ".sum",
                 as_number(counts.requests), "fewer"});
}

void add_tensor(std::vector<Metric>& all, const LaunchProfile& launch) {
  struct Path {
    const char *types, *ncu;
  };
  static constexpr std::array<Path, kTensorPaths> paths{{{"fp16, added up in float", "fp16_dst_fp32"},
                                                         {"fp16, added up in fp16", "fp16_dst_fp16"},
                                                         {"bf16", "bf16_dst_fp32"},
                                                         {"tf32", "tf32_dst_fp32"},
                                                         {"8-bit integers", "int8"}}};
  for (std::size_t path = 0; path < kTensorPaths; ++path) {
    if (launch.tensor_operations[path] == 0) continue;
    all.push_back({fmt::format("operations of tensor cores: {}", paths[path].types),
                   fmt::format("sm__ops_path_tensor_src_{}.sum", paths[path].ncu),
                   as_number(launch.tensor_operations[path]), "two for each product that is needed"});
  }
}

/// Past an L2 of the profile's size, or past one that keeps everything.
void add_dram(std::vector<Metric>& all, const LaunchProfile& launch) {
  const CacheCounts& cache = launch.cache;
  const std::int64_t reads = cache.read_hits + cache.read_misses;
  const bool has_cache = reads + cache.written_back > 0;
  const std::string of = has_cache ? " (past the modelled L2)" : " (distinct sectors)";
  all.push_back({"bytes from DRAM" + of, "dram__bytes_read.sum",
                 32 * as_number(has_cache ? cache.read_misses : launch.sectors_read),
                 "what the inputs have"});
  all.push_back({"bytes to DRAM" + of, "dram__bytes_write.sum",
                 32 * as_number(has_cache ? cache.written_back : launch.sectors_written),
                 "what the outputs have"});
  if (reads == 0) return;
  all.push_back({"reads that L2 has, %", "lts__t_sector_hit_rate.pct",
                 100 * as_number(cache.read_hits) / as_number(reads), "high, where data are read again"});
}

}  // namespace

std::vector<Metric> metrics(const LaunchProfile& launch, const std::vector<LineCounts>& lines,
                            const Occupancy& occupancy) {
  std::vector<Metric> all;
  AccessCounts every;
  for (const InstructionCounts& one : launch.instructions) every += one.counts;
  all.push_back({"threads an instruction (of those that touch memory)",
                 "smsp__thread_inst_executed_per_inst_executed.ratio", every.lanes_per_request(), "32"});
  add_global(all, launch, lines, Access::read, "load", "ld");
  add_global(all, launch, lines, Access::write, "store", "st");
  add_shared(all, launch.total(Space::shared, Access::read), "load", "ld");
  add_shared(all, launch.total(Space::shared, Access::write), "store", "st");
  AccessCounts atomics = launch.total(Space::global, Access::atomic);
  atomics += launch.total(Space::shared, Access::atomic);
  if (atomics.requests > 0) {
    all.push_back({"atomics that wait for another of their warp", "", as_number(atomics.contended), "0"});
  }
  add_tensor(all, launch);
  add_dram(all, launch);
  all.push_back({"occupancy, %", "sm__maximum_warps_per_active_cycle_pct", occupancy.warps_percent,
                 "50 is mostly enough"});
  if (launch.block_barriers > 0) {
    all.push_back({"barriers a warp", "", as_number(launch.block_barriers) / as_number(launch.warps()),
                   "few beside its loads"});
  }
  return all;
}

}  // namespace tern::emulator
