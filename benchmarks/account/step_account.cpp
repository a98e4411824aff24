#include "benchmarks/account/step_account.h"

#include <algorithm>
#include <utility>

#include "benchmarks/account/counting_memory.h"
#include "kernels/common/emulator/profile/block_sample.h"
#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/emulator/profile/source_lines.h"

namespace tern::account {
namespace {

using emulator::LaunchProfile;

constexpr std::int64_t kSectorBytes = 32;
constexpr std::int64_t kSampled =
    4;  ///< a sample has so many times fewer accesses than a launch that is run whole
constexpr std::int64_t kFewestSampled = 4;  ///< blocks: what neighbours share must show

/// sample_blocks: as of emulator::ProfileOptions.
LaunchProfile profile_of(const std::function<void()>& launch, std::int64_t sample_blocks) {
  emulator::ProfileOptions options;
  options.sample_blocks = sample_blocks;
  emulator::Profile profile(options);
  launch();
  CountingMemory::instance().forget_writes();
  return profile.launches().front();
}

/// Of all lanes and blocks.
std::int64_t accesses_of(const LaunchProfile& launch) {
  std::int64_t accesses = 0;
  for (const emulator::InstructionCounts& one : launch.instructions) accesses += one.counts.lanes;
  return accesses;
}

}  // namespace

StepAccount::StepAccount(std::int64_t most_accesses) : most_accesses_(most_accesses) {
  set_account(this);
}

StepAccount::~StepAccount() {
  set_account(nullptr);
}

void StepAccount::add(const Issued& issued, bool is_replayed) {
  operations_.push_back(issued.launch != nullptr ? count(issued.launch) : issued.operation);
  operations_.back().is_replayed = is_replayed;
}

// One block tells how many may be run. Those of an optimiser differ, since each has a part of one parameter.
Operation StepAccount::count(const std::function<void()>& launch) const {
  LaunchProfile profile = profile_of(launch, 1);
  const Family family = family_of(profile.kernel);
  if (profile.blocks_run < profile.blocks()) {
    const std::int64_t accesses = accesses_of(profile);
    const std::int64_t of_block = std::max<std::int64_t>(accesses / profile.blocks(), 1);
    const std::int64_t sample =
        std::clamp(most_accesses_ / kSampled / of_block, kFewestSampled, emulator::kMostSampled);
    const bool is_whole = accesses <= most_accesses_ || family == Family::optimizer;
    profile = profile_of(launch, is_whole ? 0 : sample);
  }
  Operation operation;
  operation.family = family;
  operation.kind = OperationKind::kernel;
  operation.name = emulator::short_function_name(emulator::function_name(profile.kernel.function));
  operation.bytes_read = profile.sectors_read * kSectorBytes;
  operation.bytes_written = profile.sectors_written * kSectorBytes;
  return operation;
}

}  // namespace tern::account
