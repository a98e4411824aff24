// A ladder: kernels that compute the same, each with one idea more than the one before. The profiler's report, kernel by kernel,
// says what the idea brought.
#pragma once

#include "learn/lesson.h"

namespace lesson {

class Ladder {
 public:
  /// What every rung must compute, to `tolerance` of the largest value.
  explicit Ladder(std::vector<float> wanted, float tolerance = 1e-5f, int first = 1)
      : wanted_(std::move(wanted)), rungs_(first - 1) {
    for (const float value : wanted_) allowed_ = std::fmax(allowed_, std::fabs(value));
    allowed_ *= tolerance;
  }

  /// `launch(y)` starts the rung's kernels, which write the answer to y.
  template <typename Launch>
  void rung(const char* name, const char* idea, Launch&& launch) {
    const Memory<float> y(static_cast<int>(wanted_.size()));
    launch(static_cast<float*>(y));
    const std::vector<float> got = y.values();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < wanted_.size(); ++i)
      wrong += std::fabs(got[i] - wanted_[i]) <= allowed_ ? 0 : 1;
    std::printf("%2d  %-24s %s%s\n", ++rungs_, name, idea, wrong == 0 ? "" : "   WRONG");
    wrong_ += wrong;
  }

  int result() const { return wrong_ == 0 ? 0 : 1; }  ///< what main returns

 private:
  std::vector<float> wanted_;
  float allowed_ = 0;
  int rungs_;
  std::size_t wrong_ = 0;
};

}  // namespace lesson
