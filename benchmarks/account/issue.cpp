#include "benchmarks/account/issue.h"

#include <utility>

#include "benchmarks/account/step_account.h"

namespace tern::account {
namespace {

std::vector<Issued>* kept = nullptr;  ///< where work goes while it is recorded
StepAccount* counting = nullptr;

void go(Issued issued) {
  if (kept != nullptr) {
    kept->push_back(std::move(issued));
  } else if (counting != nullptr) {
    counting->add(issued, /*is_replayed=*/false);
  }
}

}  // namespace

void issue(Operation operation) {
  go({std::move(operation), nullptr});
}

void issue_launch(std::function<void()> launch) {
  go({{}, std::move(launch)});
}

void replay(const Issued& issued) {
  if (counting != nullptr) counting->add(issued, /*is_replayed=*/true);
}

bool is_recording() {
  return kept != nullptr;
}

void set_account(StepAccount* account) {
  counting = account;
}

Recording::Recording() {
  kept = &issued_;
}

Recording::~Recording() {
  kept = nullptr;
}

}  // namespace tern::account
