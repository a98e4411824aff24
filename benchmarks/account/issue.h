// Where the counting device's work goes: to the recording that is being made, else to the account that is being kept
// (step_account.h). Without either it is dropped, since nothing wants its results.
#pragma once

#include <functional>
#include <vector>

#include "benchmarks/account/operation.h"

namespace tern::account {

class StepAccount;

/// An operation, or the launch of a kernel, whose operation is found out by running it.
struct Issued {
  Operation operation;
  std::function<void()> launch;  ///< of a kernel, or null
};

void issue(Operation operation);
void issue_launch(std::function<void()> launch);
/// Once more, as a part of recorded work.
void replay(const Issued& issued);
bool is_recording();
/// Who counts from now on, or null.
void set_account(StepAccount* account);

/// Keeps what is issued while it lives. One at a time.
class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  std::vector<Issued> take() { return std::move(issued_); }

 private:
  std::vector<Issued> issued_;
};

}  // namespace tern::account
