// What every lesson needs besides its kernel: numbers to work on, memory of the device, and a check that says what is wrong
// in words. Plain CUDA: a lesson compiles with nvcc as well.
//
//   const auto x = lesson::numbers(100);
//   const lesson::Memory in(x);  lesson::Memory<float> out(100);
//   map<<<1, 100>>>(in, out);
//   return lesson::check(out, wanted).hint(other, "this is what ...").result();
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace lesson {

/// Whole numbers from -8 to 8, of which sums and products are exact in any order; the same at each run.
inline std::vector<float> numbers(int count, unsigned seed = 1) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;  // Numerical Recipes' generator
    value = static_cast<float>(static_cast<int>(seed >> 16) % 17 - 8);
  }
  return values;
}

/// A value for each index 0 .. count - 1.
template <typename T = float, typename Value>
std::vector<T> each(int count, Value&& value) {
  std::vector<T> values;
  for (int i = 0; i < count; ++i) values.push_back(value(i));
  return values;
}

inline void require(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  std::printf("%s: %s\n", what, cudaGetErrorString(status));
  std::exit(1);
}

/// Memory of the device. Where no values are given its bytes are all ones, which is NaN for a float and -1 for an int, so that
/// what a kernel does not write shows.
template <typename T>
class Memory {
 public:
  explicit Memory(int count) : count_(static_cast<std::size_t>(count)) {
    require(cudaMalloc(reinterpret_cast<void**>(&data_), bytes()), "cudaMalloc");
    require(cudaMemset(data_, 0xff, bytes()), "cudaMemset");
#ifdef TERN_CUDA_RUNTIME_H  // on the emulator: nobody has written there, and a kernel that reads it is told so
    tern::emulator::remove_allocation(data_);
    tern::emulator::add_allocation(data_, bytes(), "results of the lesson");
#endif
  }
  explicit Memory(const std::vector<T>& values) : count_(values.size()) {
    require(cudaMalloc(reinterpret_cast<void**>(&data_), bytes()), "cudaMalloc");
    require(cudaMemcpy(data_, values.data(), bytes(), cudaMemcpyHostToDevice), "cudaMemcpy to the device");
  }
  ~Memory() {
    cudaFree(data_);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  operator T*() const {
    return data_;
  }  // NOLINT: a kernel takes it as its pointer
  std::vector<T> values() const {
    std::vector<T> copy(count_);
    require(cudaMemcpy(copy.data(), data_, bytes(), cudaMemcpyDeviceToHost), "the kernel");
    return copy;
  }

 private:
  std::size_t bytes() const {
    return count_ * sizeof(T);
  }
  T* data_ = nullptr;
  std::size_t count_;
};

inline bool unwritten(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits == 0xffffffffu;
}
inline bool unwritten(int value) {
  return value == -1;
}
/// Of an answer: nobody has written there.
inline const float kUnwritten = [] {
  const unsigned bits = 0xffffffffu;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}();
inline bool alike(float a, float b) {
  return std::fabs(a - b) <= 1e-5f * std::fmax(1e-3f, std::fabs(b));  // false for NaN
}
inline bool alike(int a, int b) {
  return a == b;
}

/// Compares, and says in words where the difference lies.
template <typename T>
class Check {
 public:
  Check(std::vector<T> got, std::vector<T> wanted, int columns)
      : got_(std::move(got)), wanted_(std::move(wanted)), columns_(columns) {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (!alike(got_[i], wanted_[i])) wrong_.push_back(i);
    }
  }

  /// What to say if the answer is `values`, which is a wrong one that people come by. Where a value is kUnwritten nobody wrote.
  Check& hint(const std::vector<T>& values, const char* text) {
    bool equal = !wrong_.empty() && hint_.empty();
    for (std::size_t i = 0; equal && i < values.size(); ++i)
      equal = alike(got_[i], values[i]) || (unwritten(values[i]) && unwritten(got_[i]));
    if (equal) hint_ = text;
    return *this;
  }

  /// The same of all answers that are wrong in a certain way.
  template <typename IsSo>
  Check& hint_if(IsSo&& is_so, const char* text) {
    if (!wrong_.empty() && hint_.empty() && is_so(got_)) hint_ = text;
    return *this;
  }

  /// What the kernel calls the array, if that is not y.
  Check& named(const char* name) {
    name_ = name;
    return *this;
  }

  /// Prints the verdict; what main returns.
  int result() const {
    if (wrong_.empty()) {
      if (wanted_.size() == 1)
        std::printf("right: the value\n");
      else
        std::printf("right: all %zu values\n", wanted_.size());
      return 0;
    }
    const std::size_t first = wrong_.front();
    std::printf("not yet: %s ", place(first).c_str());
    if (unwritten(got_[first])) {
      std::printf("was never written");
    } else {
      std::printf("is %g", static_cast<double>(got_[first]));
    }
    std::printf(", wanted %g", static_cast<double>(wanted_[first]));
    if (wanted_.size() > 1)
      std::printf("; %zu of %zu values %s wrong", wrong_.size(), wanted_.size(),
                  wrong_.size() == 1 ? "is" : "are");
    std::printf("\n");
    const std::string said = hint_.empty() ? general_hint() : hint_;
    if (!said.empty()) std::printf("hint: %s\n", said.c_str());
    return 1;
  }

 private:
  std::string place(std::size_t i) const {
    if (columns_ == 0) return name_ + "[" + std::to_string(i) + "]";
    const auto columns = static_cast<std::size_t>(columns_);
    return name_ + "[" + std::to_string(i / columns) + "][" + std::to_string(i % columns) + "]";
  }

  std::string general_hint() const {
    std::size_t never = 0, never_set = 0;
    for (const std::size_t i : wrong_) {
      never += unwritten(got_[i]) ? 1 : 0;
      never_set += is_never_set(got_[i]) ? 1 : 0;
    }
    if (never == wanted_.size()) return "no thread has written anything: write the kernel's body";
    if (never_set > 0)
      return "that is no number of the lesson's: a variable was used before it had a value. Begin with one, "
             "float sum = 0; and what other threads are to see is __shared__";
    if (wanted_.size() == 1) return {};
    if (wrong_.size() == 1 && wrong_.front() == 0) return "only the first is wrong: what is special there?";
    if (wrong_.size() == 1 && wrong_.front() + 1 == wanted_.size())
      return never == 1 ? "only the last was never written: the last of n is n - 1, and i < n lets it in"
                        : "only the last is wrong: what is special there?";
    if (never == wrong_.size() && wrong_.back() + 1 - wrong_.front() == wrong_.size() &&
        wrong_.back() + 1 == wanted_.size())
      return "the end was never written: are there threads for it, does a guard leave them out? Which index "
             "has each?";
    if (never == wrong_.size())
      return "some values were never written: which threads should have written them?";
    return never == 0 ? hint_of_places() : "";
  }

  /// Of values that are right, and elsewhere.
  std::string hint_of_places() const {
    const std::size_t n = wanted_.size(), columns = columns_ > 0 ? static_cast<std::size_t>(columns_) : 0;
    const auto is = [&](auto&& place) {  // what is got at i is wanted at place(i), for all that there are
      std::size_t right = 0, there = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::size_t at = place(i);
        if (at >= n) continue;
        ++there;
        right += alike(got_[i], wanted_[at]) ? 1 : 0;
      }
      return there > 0 && right == there;
    };
    if (columns > 0 && is([&](std::size_t i) { return i % (n / columns) * columns + i / (n / columns); }))
      return "rows and columns have changed places: [row][column] lies at row * columns + column";
    if (is([&](std::size_t i) { return n - 1 - i; }))
      return "these are the right values, from the last to the first";
    if (is([](std::size_t i) { return i + 1; })) return "each value stands one place too early";
    if (is([](std::size_t i) { return i - 1; })) return "each value stands one place too late";
    if (std::all_of(got_.begin(), got_.end(), [&](T value) { return alike(value, got_[0]); }))
      return "all values are the same: does the index of what is read depend on the thread?";
    std::vector<T> got = got_, wanted = wanted_;
    std::sort(got.begin(), got.end());
    std::sort(wanted.begin(), wanted.end());
    if (std::equal(got.begin(), got.end(), wanted.begin(), [](T a, T b) { return alike(a, b); }))
      return "these are the right values, at wrong places: which index has what is read, which what is "
             "written?";
    return {};
  }

  /// Sums that begin with what a compiler puts into variables without a value (-ftrivial-auto-var-init=pattern).
  static bool is_never_set(float value) { return value < -1e38f; }
  static bool is_never_set(int value) { return value < -16000000; }

  std::vector<T> got_, wanted_;
  int columns_;
  std::vector<std::size_t> wrong_;
  std::string name_ = "y", hint_;
};

/// `columns`: of a matrix, so that places are told by row and column.
template <typename T>
Check<T> check(const Memory<T>& got, std::vector<T> wanted, int columns = 0) {
  return Check<T>(got.values(), std::move(wanted), columns);
}

}  // namespace lesson
