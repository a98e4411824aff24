// Inputs for tests, and comparison of the engine's tensors with the references' arrays.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"
#include "tests/reference/reference.h"
#include "tests/support/classes.h"

namespace tern::test {

/// The devices this build and machine offer; the CPU first. Throws Error where the GPU cannot be used
/// although it is required (tests/support/skip.h).
std::vector<Device> devices();

/// Uniform numbers in [low, high); the same for one seed on every device.
Tensor uniform(const Shape& shape, float low, float high, std::uint64_t seed, Device device = Device::cpu());
Tensor integers(const std::vector<std::int32_t>& values, Device device = Device::cpu());

reference::Array array(const Tensor& x);

/// Fills the allocator's cache with blocks of NaN, so that memory an op should have written but did not, or
/// reads before writing, shows. Covers blocks up to `max_bytes`.
void poison_free_memory(Device device = Device::cpu(), std::size_t max_bytes = std::size_t{1} << 17);

/// The largest difference over the largest wanted magnitude (or over 1 if all wanted are 0). Infinite if a
/// value is NaN where a number is wanted, or if shapes differ.
double relative_error(const Tensor& got, const reference::Array& wanted);

/// The values of f32 or bf16.
std::vector<float> to_floats(const Tensor& x);
/// |got - wanted| / |wanted| in the Euclidean norm, the tensors of each taken as one vector. Infinite if
/// shapes differ.
double relative_norm(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted);

bool same_bytes(const Tensor& a, const Tensor& b);

namespace tolerance {
inline constexpr double kElementwise = 1e-6;  // a few roundings
inline constexpr double kSum = 5e-6;          // sums of hundreds of terms, exponentials
inline constexpr double kGradient = 2e-5;     // differences of such sums
}  // namespace tolerance

}  // namespace tern::test

#define CHECK_CLOSE(got, wanted, tolerance)                                                             \
  do {                                                                                                  \
    const double error_of_check = ::tern::test::relative_error((got), (wanted));                        \
    CHECK_MESSAGE(error_of_check <= (tolerance), #got, " differs from " #wanted " by ", error_of_check, \
                  " relative");                                                                         \
  } while (false)
