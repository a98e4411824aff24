// A ladder: kernels that compute the same, each with one idea more than the one before. Every rung is checked at a small size; with
// an argument to the program it is launched at a large one, too, which the profiler is told of (cudaProfilerStart): there its
// report, kernel by kernel, says what the idea brought.
//
//   struct Problem {
//     explicit Problem(Size size);            // the inputs, on the device
//     std::string size() const;               // "n = 128"
//     int outputs() const;                    // numbers of y
//     std::vector<float> answer() const;      // what they must be
//   };
//   lesson::Ladder<Problem> ladder(arguments, small, large);
//   ladder.rung("naive", "what it does", [](const Problem& problem, float* y) { naive<<<...>>>(...); });
//   return ladder.result();
#pragma once

#include <cuda_profiler_api.h>

#include <optional>

#include "learn/lesson.h"

namespace lesson {

template <typename Problem>
class Ladder {
 public:
  /// `arguments`: main's argc. `first`: the number of the first rung.
  template <typename Size>
  Ladder(int arguments, const Size& small, const Size& large, int first = 1)
      : small_(small), wanted_(small_.answer()), rungs_(first - 1) {
    if (arguments > 1) large_.emplace(large);
    for (const float value : wanted_) allowed_ = std::fmax(allowed_, std::fabs(value));
    allowed_ *= 1e-5f;
  }

  /// `launch(problem, y)` starts the rung's kernels, which write the answer to y, to 1e-5 of its largest number.
  template <typename Launch>
  void rung(const char* name, const char* idea, Launch&& launch) {
    const Memory<float> y(small_.outputs());
    launch(small_, static_cast<float*>(y));
    const std::vector<float> got = y.values();
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < wanted_.size(); ++i)
      wrong += std::fabs(got[i] - wanted_[i]) <= allowed_ ? 0 : 1;
    std::printf("%2d  %-24s %s%s\n", ++rungs_, name, idea, wrong == 0 ? "" : "   WRONG");
    wrong_ += wrong;
    if (!large_) return;
    const Memory<float> large_y(large_->outputs());
    require(cudaProfilerStart(), "cudaProfilerStart");
    launch(*large_, static_cast<float*>(large_y));
    require(cudaProfilerStop(), "cudaProfilerStop");
    require(cudaDeviceSynchronize(), name);
  }

  /// About the rung before it: where the profiler shows no gain, why.
  void note(const char* text) const { std::printf("    note: %s\n", text); }

  /// What main returns.
  int result() const {
    std::printf("checked at %s%s%s\n", small_.size().c_str(), large_ ? "; counts and times of " : "",
                large_ ? large_->size().c_str() : "");
    if (wrong_ == 0) return 0;
    std::printf(
        "hint: what is WRONG differs from the reference on the CPU: compare the rung with the one before "
        "it\n");
    return 1;
  }

 private:
  Problem small_;
  std::optional<Problem> large_;
  std::vector<float> wanted_;
  float allowed_ = 0;
  int rungs_;
  std::size_t wrong_ = 0;
};

}  // namespace lesson
