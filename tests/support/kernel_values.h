// For tests of kernels: inputs in any type, and comparison with fp64 references.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "data/random_purpose.h"
#include "engine/core/random.h"
#include "kernels/common/bfloat16.h"
#include "tests/reference/reference.h"
#include "tests/support/classes.h"
#include "tests/support/kernel_memory.h"

namespace tern::test {

/// Uniform in [low, high), rounded to T: what the kernel and the reference both get.
template <typename T>
std::vector<T> uniform(std::size_t count, float low, float high, std::uint64_t seed) {
  RandomStream random(seed, random_purpose::test);
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(random.uniform(low, high));
  return values;
}

template <typename T>
std::vector<double> widened(const std::vector<T>& values) {
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    result[i] = static_cast<double>(static_cast<float>(values[i]));
  return result;
}

/// As the references take them.
template <typename T>
reference::Array array(const std::vector<std::int64_t>& shape, const std::vector<T>& values) {
  reference::Array result;
  result.shape = shape;
  result.values = widened(values);
  return result;
}

/// [rows, cols] of a kernel that works on rows.
struct RowShape {
  std::int64_t rows, cols;
  std::size_t count() const { return static_cast<std::size_t>(rows * cols); }
  std::vector<std::int64_t> shape() const { return {rows, cols}; }
};

template <typename T>
std::vector<T> rounded(const reference::Array& x) {
  std::vector<T> result;
  for (const double value : x.values) result.push_back(T(static_cast<float>(value)));
  return result;
}

/// One rounding to T, relative.
template <typename T>
constexpr double unit() {
  return std::is_same_v<T, bfloat16> ? 1.0 / 256 : 1.0 / (1 << 24);
}

/// The largest difference over the largest wanted magnitude (over 1 if all wanted are 0). Infinite where
/// lengths differ or a value is NaN that should not be; NaN where NaN is wanted is no difference.
template <typename T>
double relative_error(const std::vector<T>& got, const std::vector<double>& wanted) {
  if (got.size() != wanted.size()) return std::numeric_limits<double>::infinity();
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double value = static_cast<double>(static_cast<float>(got[i]));
    if (std::isnan(wanted[i]) && std::isnan(value)) continue;
    if (value == wanted[i]) continue;  // infinities, too
    const double difference = std::fabs(value - wanted[i]);
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    if (std::isfinite(wanted[i])) largest = std::max(largest, std::fabs(wanted[i]));
    error = std::max(error, difference);
  }
  return error / (largest > 0 ? largest : 1);
}
template <typename T>
double relative_error(const std::vector<T>& got, const reference::Array& wanted) {
  return relative_error(got, wanted.values);
}

/// To the bit: NaN is the same as NaN, and 0 is not -0.
template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
template <typename T>
bool same_bits(const DeviceArray<T>& a, const DeviceArray<T>& b) {
  return same_bits(a.values(), b.values());
}

}  // namespace tern::test

/// `got`: a DeviceArray; `wanted`: doubles; `tolerance`: relative to the largest wanted.
#define CHECK_ARRAY(got, wanted, tolerance)                                                             \
  do {                                                                                                  \
    const double error_of_check = ::tern::test::relative_error((got).values(), (wanted));               \
    CHECK_MESSAGE(error_of_check <= (tolerance), #got, " differs from " #wanted " by ", error_of_check, \
                  " relative");                                                                         \
  } while (false)
