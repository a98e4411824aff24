// How a kernel is measured: timed on a GPU, or its accesses to memory counted on the emulator.
//
// A row of the tables is one kernel at one shape and type. On a GPU its arrays exist in several slots; a sample is one
// run on each of them, after as much other memory has been read as fills the L2 cache four times: every run
// finds its inputs in memory alone. There are as many slots as make four caches (at most 64), so that what
// one run leaves in the cache is written back within the sample. Runs are issued one by one ("stream") and as
// a replayed graph of them ("graph", twice: their difference is the noise). "warm" replays a graph of runs on
// one slot, after an untimed one that brought its arrays back into the cache, as far as they fit. How many samples a timing
// takes, and which of them count, is in sampling.h.
//
// Before that the outputs of slot 0, poisoned, are computed once and compared with a naive fp64 reference. After it slot 0 gets
// back what it held then, what was timed is done once more, and its outputs are compared again: a kernel that computes the first
// time alone, or that needs what an earlier run left in its outputs, does not pass. Its workspace stays as the runs left it.
//
// Who measures a kernel of one's own beside tern's needs of this: Bench's begin, random, poisoned, measure and row_shapes, Slots,
// Difference, and Registration (docs/benchmarks.md).
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "benchmarks/kernels/device.h"
#include "kernels/common/bfloat16.h"
#include "tests/reference/reference.h"

namespace tern::bench {

/// The largest difference over the largest magnitude wanted (over 1 if all wanted are 0).
class Difference {
 public:
  void add(double got, double wanted) {
    const double apart = std::fabs(got - wanted);
    if (std::isnan(apart)) wrong_ = true;
    max_ = std::max(max_, apart);
    largest_ = std::max(largest_, std::fabs(wanted));
  }
  /// Of all their values.
  void add(const reference::Array& got, const reference::Array& wanted) {
    wrong_ = wrong_ || got.values.size() != wanted.values.size();
    for (std::int64_t i = 0; !wrong_ && i < got.size(); ++i) add(got[i], wanted[i]);
  }
  double relative() const { return wrong_ ? INFINITY : max_ / (largest_ > 0 ? largest_ : 1); }

 private:
  double max_ = 0, largest_ = 0;
  bool wrong_ = false;
};

/// The numbers of several comparisons: the worst.
inline double worst(std::initializer_list<Difference> differences) {
  double error = 0;
  for (const Difference& difference : differences) error = std::max(error, difference.relative());
  return error;
}

/// `count` elements of device memory in every slot.
template <typename T>
class Slots {
 public:
  Slots(std::int64_t count, int slots)
      : count_(count),
        // One alone ends with its last element, so that the emulator sees who goes beyond.
        stride_(slots == 1 ? count * static_cast<std::int64_t>(sizeof(T))
                           : (count * static_cast<std::int64_t>(sizeof(T)) + 255) / 256 * 256),
        bytes_(static_cast<std::size_t>(stride_ * slots)),
        memory_(allocate(bytes_)) {}

  T* operator[](int slot) const {
    return reinterpret_cast<T*>(static_cast<unsigned char*>(memory_.get()) + stride_ * slot);
  }
  std::int64_t count() const { return count_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t slot_bytes() const { return static_cast<std::size_t>(count_) * sizeof(T); }
  /// All slots, the first one first. Null in none.
  const std::shared_ptr<void>& memory() const { return memory_; }
  /// Elements [begin, begin + count) of slot 0, here.
  std::vector<T> values(std::int64_t begin, std::int64_t count) const {
    std::vector<T> result(static_cast<std::size_t>(count));
    copy(result.data(), (*this)[0] + begin, result.size() * sizeof(T));
    return result;
  }
  std::vector<T> values() const { return values(0, count_); }
  /// The same as doubles.
  std::vector<double> doubles(std::int64_t begin, std::int64_t count) const {
    std::vector<double> result;
    result.reserve(static_cast<std::size_t>(count));
    for (const T value : values(begin, count))
      result.push_back(static_cast<double>(static_cast<float>(value)));
    return result;
  }
  std::vector<double> doubles() const { return doubles(0, count_); }
  /// Slot 0 as the references take it: the part-th of its parts of that shape.
  reference::Array array(std::vector<std::int64_t> shape, std::int64_t part = 0) const {
    reference::Array result(std::move(shape));
    result.values = doubles(part * result.size(), result.size());
    return result;
  }
  /// Some rows of slot 0, [rows.size(), cols].
  reference::Array rows(const std::vector<std::int64_t>& rows, std::int64_t cols) const {
    reference::Array result({static_cast<std::int64_t>(rows.size()), cols});
    result.values.clear();
    for (const std::int64_t r : rows) {
      const std::vector<double> row = doubles(r * cols, cols);
      result.values.insert(result.values.end(), row.begin(), row.end());
    }
    return result;
  }
  /// Slot 0 as rows of `columns`: one of these columns, [rows, 1]. Fetching all would take seconds where the
  /// kernel takes a millisecond.
  reference::Array column(std::int64_t column, std::int64_t columns) const {
    const std::int64_t rows = count_ / columns;
    const std::shared_ptr<void> together = allocate(static_cast<std::size_t>(rows) * sizeof(float));
    float* const gathered = static_cast<float*>(together.get());
    gather((*this)[0] + column, rows, columns, gathered);
    std::vector<float> values(static_cast<std::size_t>(rows));
    copy(values.data(), gathered, values.size() * sizeof(float));
    reference::Array result;
    result.shape = {rows, 1};
    result.values.assign(values.begin(), values.end());
    return result;
  }

 private:
  std::int64_t count_, stride_;
  std::size_t bytes_;
  std::shared_ptr<void> memory_;
};

/// PyTorch's names.
template <typename T>
constexpr const char* name_of() {
  return std::is_same_v<T, bfloat16> ? "bfloat16" : "float32";
}

/// Rows to check where there are too many to check all: the ends, and some between.
std::vector<std::int64_t> sampled(std::int64_t count);

/// [rows, columns]: the sweep, or its headline.
struct RowShape {
  std::int64_t rows, cols;
  std::string name() const { return std::to_string(rows) + "x" + std::to_string(cols); }
};

struct Registered;

/// What rows are measured by: a GPU (gpu_bench.cpp) or, without one, the emulator (counting_bench.cpp).
class Bench {
 public:
  struct Options {
    bool full = false;          ///< every shape of the sweeps, else the headline's
    bool small = false;         ///< in their place the few small ones that a test takes
    bool side_by_side = false;  ///< of tern's rows only those that another side, measured before it, has, too
    double timing_seconds = 0.04;    ///< what each of a row's timings may take
    double precision_percent = 0.5;  ///< of a median, at which its timing may end before
    double seconds = INFINITY;       ///< after which no row is begun
    std::string device = "H100";     ///< that count_kernels predicts times for
  };
  virtual ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  bool full() const { return options_.full; }
  Stream stream() const { return stream_; }
  int slots() const { return slots_; }  ///< of the row that has begun
  /// What is measured of these: all, or the small ones.
  template <typename Shape>
  std::vector<Shape> shapes(std::vector<Shape> all, std::vector<Shape> small) const {
    return options_.small ? small : all;
  }
  /// Of kernels that work on rows.
  virtual std::vector<RowShape> row_shapes() const = 0;

  /// Measures the rows of a side.
  void measure_side(const Registered& registered);
  /// Measures rows by measure(*this, arguments...); if that throws, the row that has begun has failed.
  template <typename Measure, typename... Arguments>
  void measure_rows(Measure&& measure, const Arguments&... arguments) {
    try {
      measure(*this, arguments...);
    } catch (const std::exception& error) {
      fail(error.what());
    }
  }
  /// Begins a row; `bytes`: what its arrays take in one slot. False, and the row is left out, if that does
  /// not fit or time is up. Rows of several sides with the same kernel, shape and type are compared.
  bool begin(const std::string& kernel, const std::string& shape, const std::string& type, double bytes);
  /// Ends it. `run` issues the work on a slot to stream(); `error` compares what it left in slot 0 (Difference, or worst()).
  /// ideal_bytes: what a run must read and write at least. largest_error: the largest that is right; 0: by the row's type,
  /// 3e-2 for bfloat16 and 1e-4 for others.
  void measure(double ideal_bytes, const std::function<void(int slot)>& run,
               const std::function<double()>& error, double largest_error = 0);

  // Arrays of the row that has begun.
  template <typename T>
  Slots<T> random(std::int64_t count, float low, float high) {
    const Slots<T> slots(count, slots_);
    for (int slot = 0; slot < slots_; ++slot) fill_random(slots[slot], count, low, high, ++seed_, stream_);
    return noted(slots);
  }
  template <typename T>
  Slots<T> poisoned(std::int64_t count) {
    const Slots<T> slots(count, slots_);
    poison(slots[0], slots.bytes());
    return noted(slots);
  }
  /// Zeros, once: a run leaves them as the next one needs them.
  Slots<unsigned char> workspace(std::size_t bytes) {
    const Slots<unsigned char> slots(static_cast<std::int64_t>(bytes), slots_);
    zero(slots[0], slots.bytes());
    return slots;
  }
  /// The values that of_slot(slot) gives.
  template <typename T>
  Slots<T> upload(const std::function<std::vector<T>(int slot)>& of_slot) {
    const Slots<T> slots(static_cast<std::int64_t>(of_slot(0).size()), slots_);
    for (int slot = 0; slot < slots_; ++slot) {
      const std::vector<T> values = of_slot(slot);
      copy(slots[slot], values.data(), values.size() * sizeof(T));
    }
    return noted(slots);
  }

  /// Everything measured, failed and left out, with what was measured on.
  nlohmann::ordered_json results() const;
  /// Tables in Markdown, and what is not in them.
  virtual std::string tables() const = 0;
  /// Rows further from their reference than their type explains, and those that failed.
  int bad_rows() const { return bad_rows_; }

 protected:
  explicit Bench(const Options& options);

  /// How many slots a row of so many bytes gets; 0: it does not fit.
  virtual int slots_for(double bytes) = 0;
  /// Waits for `stream()`. Throws Error if what was issued to it has failed.
  virtual void wait() = 0;
  /// Enters into the row what runs cost; slot 0 was compared. Then restores slot 0 by restore(), and does once what was timed.
  virtual void measure_runs(double ideal_bytes, const std::function<void(int slot)>& run,
                            const std::function<void()>& restore) = 0;

  double seconds_since_start() const;

  struct Records;  ///< records.h, which who only measures kernels need not compile
  Options options_;
  Stream stream_ = nullptr;
  int slots_ = 1;
  std::unique_ptr<Records> records_;

 private:
  /// An array of the row that has begun, while somebody has it.
  struct Array {
    std::weak_ptr<void> memory;
    std::size_t bytes;  ///< in slot 0
  };
  template <typename T>
  const Slots<T>& noted(const Slots<T>& slots) {
    arrays_.push_back({slots.memory(), slots.slot_bytes()});
    return slots;
  }
  /// What gives slot 0 of the row's arrays what they hold now.
  std::function<void()> restorer() const;
  void fail(const std::string& message);

  std::chrono::steady_clock::time_point start_of_all_ = std::chrono::steady_clock::now();
  std::uint64_t seed_ = 0;
  int bad_rows_ = 0;
  std::vector<Array> arrays_;
};

/// Throws Error if there is no GPU where the program is one for a GPU.
std::unique_ptr<Bench> make_bench(const Bench::Options& options);

/// What measures the rows of one kernel or of several that belong together.
using Benchmark = void (*)(Bench& bench);
/// One that is linked in. `family`: what belongs together, "softmax"; `side`: whose kernels these are.
struct Registered {
  std::string family, side;
  Benchmark run;
};
inline constexpr const char* kOurs = "tern";
/// By family, tern's side first, the others by name.
std::vector<Registered> benchmarks();
/// Enters a benchmark where it is defined: Registration of_mine("softmax", "my softmax", measure_it).
struct Registration {
  Registration(const char* family, const char* side, Benchmark benchmark);
  Registration(const char* family, Benchmark benchmark) : Registration(family, kOurs, benchmark) {}
};

/// [count, height, width, channels]
struct ImageShape {
  std::int64_t count, height, width, channels;
  std::int64_t rows() const { return count * height * width; }
  std::int64_t all() const { return rows() * channels; }
  std::vector<std::int64_t> of_one() const { return {1, height, width, channels}; }
  std::string name() const {
    return std::to_string(count) + "x" + std::to_string(height) + "x" + std::to_string(width) + "x" +
           std::to_string(channels);
  }
};

}  // namespace tern::bench
