#include "kernels/common/emulator/profile/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <optional>

#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/profile/finding_case.h"

namespace tern::emulator {
namespace {

void find_bank_conflicts(const FindingCase& of, const LineCounts& line, const LineAccess& access,
                         std::vector<Finding>& found) {
  const AccessCounts& counts = access.counts;
  if (access.space != Space::shared || number(counts.wavefronts) < 1.2 * number(counts.ideal_wavefronts))
    return;
  if (number(counts.bank_conflicts()) < kLeastShare * of.work.shared_passes) return;
  const double gain = of.gain([&](Work& work) { work.shared_passes -= number(counts.bank_conflicts()); });
  const std::optional<std::int64_t> distance = access.worst.distance();
  std::string why = "several threads want different words of one bank";
  std::string hint = "Pad the array's rows, or store elements in another order.";
  if (distance && *distance % 4 == 0 && *distance != 0) {
    const std::int64_t words = *distance / 4;
    why = fmt::format("neighbouring threads are {} of 4 bytes apart, and word w lies in bank w mod 32",
                      counted(words, "word"));
    if (words % 2 == 0) {
      hint = fmt::format(
          "Let neighbours in threadIdx.x touch neighbouring words; or, where these are rows, pad each by one "
          "word ({} instead of {}): an odd distance meets every bank.",
          words + 1, words);
    }
  }
  const ArrayRange* const array = of.launch.array_of(access.worst.lowest_address());
  found.push_back(
      at_line("banks", line,
              fmt::format("{} {} of shared memory{} takes {:.1f} passes over the banks where {}: {}. {}",
                          access.access == Access::atomic ? "an" : "a", verb(access.access),
                          array == nullptr ? "" : " (" + array->name + ")",
                          number(counts.wavefronts) / number(counts.requests),
                          ideal_text(number(counts.ideal_wavefronts) / number(counts.requests)), why, hint),
              gain));
}

/// Warps of which a part of the threads does nothing, though there is something left for them.
void find_idle_lanes(const FindingCase& of, const LineCounts& line, const LineAccess& access,
                     std::vector<Finding>& found) {
  const AccessCounts& counts = access.counts;
  std::int64_t requests = 0;
  for (const InstructionCounts& one : of.launch.instructions) requests += one.counts.requests;
  const double lanes = counts.lanes_per_request();
  const double whole = std::min(32.0, number(of.work.resources.threads));
  if (counts.requests == 1) return;  // not worth a word
  const double busy = number(counts.lanes + access.spare_lanes) / number(counts.requests);
  if (busy > 0.75 * whole || number(counts.requests) < 0.1 * number(requests)) return;
  const auto is_told = [&](const Finding& one) {
    return one.kind == "lanes" && one.file == line.file && one.line == line.line;
  };
  if (std::any_of(found.begin(), found.end(), is_told)) return;
  const double idle = 1 - busy / whole;
  const double gain = of.gain([&](Work& work) {
    work.l1_lines -= idle * number(counts.lines);
    work.shared_passes -= idle * number(counts.wavefronts);
  });
  found.push_back(
      at_line("lanes", line,
              fmt::format("of a warp's 32 threads {:.1f} take part in this {}; the others wait. Let whole "
                          "warps take the same way: branch on the warp (threadIdx.x / 32), or give threads "
                          "equal work.",
                          lanes, verb(access.access)),
              gain));
}

void find_contention(const FindingCase& of, const LineCounts& line, const LineAccess& access,
                     std::vector<Finding>& found) {
  const AccessCounts& counts = access.counts;
  if (access.access != Access::atomic || number(counts.contended) < 0.25 * number(counts.lanes)) return;
  const double gain = of.gain([&](Work& work) {
    if (access.space == Space::shared)
      work.shared_passes -= number(counts.contended);
    else
      work.hottest_atomics = std::min(work.hottest_atomics, work.blocks);
  });
  const bool is_one = counts.contended == 1;
  found.push_back(at_line(
      "atomics", line,
      fmt::format("of {} {} {} to an address that another thread of {} warp updates, too, and {} for it. "
                  "Add up in the warp first (__shfl_down_sync), then in shared memory, and let one thread of "
                  "the block do the atomic.",
                  counted(counts.lanes, "atomic"), counts.contended, is_one ? "goes" : "go",
                  is_one ? "its" : "their", is_one ? "waits" : "wait"),
      gain));
}

void find_few_blocks(const FindingCase& of, std::vector<Finding>& found) {
  const Work& work = of.work;
  const int threads = work.resources.threads;
  if (work.blocks < of.device.multiprocessors) {
    const double gain = of.gain([&](Work& mended) {
      mended.blocks = of.device.multiprocessors;
      mended.warps = work.warps * mended.blocks / work.blocks;
      mended.load_rounds = std::max(work.load_rounds, mended.warps);
    });
    found.push_back(
        {"blocks", "", 0,
         fmt::format("{:.0f} {} {:.0f} of the {} multiprocessors of {} busy. Divide the work into more "
                     "blocks: several for each multiprocessor.",
                     work.blocks, work.blocks == 1 ? "block keeps" : "blocks keep", work.blocks,
                     of.device.multiprocessors, of.device.name),
         gain});
  }
  if (threads % 32 == 0) return;
  found.push_back({"warps", "", 0,
                   fmt::format("a block has {}: its last warp has {} of 32. Take a multiple of 32.",
                               counted(threads, "thread"), threads % 32),
                   0});
}

/// Data that come through L1 many times, each time for other threads or other work: what is read again because a request wants a
/// part of its sectors alone is told by find_sectors.
void find_reuse(const FindingCase& of, const std::vector<LineCounts>& lines, std::vector<Finding>& found) {
  const AccessCounts loads = of.launch.total(Space::global, Access::read);
  const double times = number(loads.ideal_sectors) / std::max(1.0, number(of.launch.sectors_read));
  if (times < 4) return;
  const double gain = of.gain([&](Work& work) {
    work.l1_lines -= number(loads.lines) * (1 - 1 / times);
    work.l2_sectors -= number(of.launch.block_sectors_read - of.launch.sectors_read);
  });
  if (gain < 0.02 * of.now.work_us) return;
  const LineCounts* most = nullptr;
  std::int64_t sectors = 0;
  for (const LineCounts& line : lines) {
    for (const LineAccess& access : line.accesses) {
      if (access.space != Space::global || access.access != Access::read || access.counts.sectors <= sectors)
        continue;
      most = &line;
      sectors = access.counts.sectors;
    }
  }
  if (most == nullptr) return;
  found.push_back(at_line(
      "reuse", *most,
      fmt::format("the kernel reads its inputs {:.0f} times over. Let a block load a tile into shared "
                  "memory once (or a thread keep values in registers) and use it several times.",
                  times),
      gain));
}

void find_occupancy(const FindingCase& of, std::vector<Finding>& found) {
  const Occupancy& occupancy = of.now.occupancy;
  const bool is_resource = occupancy.limited_by == "registers" || occupancy.limited_by == "shared memory";
  if (!of.now.fits() || occupancy.warps_percent >= 50 || !is_resource) return;
  const double gain = of.gain([](Work& work) {
    work.resources.registers = std::min(work.resources.registers, 32);
    work.resources.shared_bytes = 0;
  });
  found.push_back(
      {"occupancy", "", 0,
       fmt::format("a multiprocessor holds {}, {:.0f} % of the warps that it could: {} what limits "
                   "them. Fewer warps hide less of memory's latency.",
                   counted(occupancy.blocks, "block"), occupancy.warps_percent,
                   occupancy.limited_by + (occupancy.limited_by == "registers" ? " are" : " is")),
       gain});
}

void find_latency(const FindingCase& of, std::vector<Finding>& found) {
  const Work& work = of.work;
  if (of.largest() == "latency" && work.load_misses > work.warps) {
    const double gain = of.gain([&](Work& mended) {
      mended.load_rounds = std::min(work.load_rounds, work.warps);
      mended.load_misses = std::min(work.load_misses, kLoadsInFlight * work.warps);
    });
    found.push_back(
        {"latency", "", 0,
         fmt::format(
             "a warp waits for memory about {}, one after another. Load several elements before the "
             "first is used (unroll the loop, 16 bytes a load), or have more warps share the work.",
             counted(std::max(work.load_rounds, work.load_misses / kLoadsInFlight) / work.warps, "time")),
         gain});
  }
  std::int64_t requests = 0;
  for (const InstructionCounts& one : of.launch.instructions) requests += one.counts.requests;
  const double barriers = number(of.launch.block_barriers);
  if (barriers < 8 * work.warps || barriers < 0.5 * number(requests)) return;
  found.push_back(
      {"barriers", "", 0,
       fmt::format(
           "a warp waits at {} for {} to memory. Do more between them, or let one warp finish alone with "
           "shuffles.",
           counted(barriers / work.warps, "barrier"), counted(number(requests) / work.warps, "access")),
       0});
}

}  // namespace

double FindingCase::gain(const std::function<void(Work&)>& mend) const {
  Work mended = work;
  mend(mended);
  return std::max(0.0, now.work_us - predict(mended, device).work_us);
}

std::string ideal_text(double ideal) {
  const std::string text = fmt::format("{:.1f}", ideal);
  return text + (text == "1.0" ? " suffices" : " suffice");
}

std::string verb(Access access) {
  if (access == Access::atomic) return "update";
  return access == Access::read ? "load" : "store";
}

Finding at_line(const std::string& kind, const LineCounts& line, const std::string& text, double gain) {
  return {kind, line.file, line.line, text, gain};
}

std::string place_text(const Finding& finding) {
  return finding.line == 0 ? "" : place_text(LineCounts{finding.file, finding.line, {}});
}

std::vector<Finding> findings(const LaunchProfile& launch, const std::vector<LineCounts>& lines,
                              const Work& work, const Device& device) {
  const FindingCase of{launch, work, device, predict(work, device)};
  std::vector<Finding> found;
  for (const LineCounts& line : lines) {
    for (const LineAccess& access : line.accesses) {
      find_bank_conflicts(of, line, access, found);
      find_idle_lanes(of, line, access, found);
      find_contention(of, line, access, found);
    }
  }
  find_sectors(of, lines, found);
  find_reuse(of, lines, found);
  find_few_blocks(of, found);
  find_occupancy(of, found);
  find_latency(of, found);
  std::stable_sort(found.begin(), found.end(),
                   [](const Finding& a, const Finding& b) { return a.gain_us > b.gain_us; });
  return found;
}

}  // namespace tern::emulator
