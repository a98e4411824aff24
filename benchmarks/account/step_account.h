// Counts what the counting device is given while it lives: of libraries' calls and copies what they say of themselves, of a
// kernel what its threads ask of memory when the emulator runs it, sector by sector of 32 bytes.
//
//   StepAccount account;
//   step();
//   for (const Operation& operation : account.operations()) ...
//
// Of a launch that is large only some blocks are run, from the middle of its grid, and their counts stand for all
// (kernels/common/emulator/profile/block_sample.h): they are exact but for the first and last blocks, which may do less. What
// the last block of a launch does to combine the others' sums is left out of those: a thousandth of what they read.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "benchmarks/account/issue.h"
#include "benchmarks/account/operation.h"

namespace tern::account {

class StepAccount {
 public:
  /// Launches that touch memory at most so many times are run whole, and those of optimisers.
  explicit StepAccount(std::int64_t most_accesses = 4'000'000);
  ~StepAccount();
  StepAccount(const StepAccount&) = delete;
  StepAccount& operator=(const StepAccount&) = delete;

  /// In the order in which the device would do them.
  const std::vector<Operation>& operations() const { return operations_; }

  void add(const Issued& issued, bool is_replayed);

 private:
  Operation count(const std::function<void()>& launch) const;

  std::int64_t most_accesses_;
  std::vector<Operation> operations_;
};

}  // namespace tern::account
