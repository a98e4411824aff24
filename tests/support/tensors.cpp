#include "tests/support/tensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/random_purpose.h"
#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "engine/device/allocator.h"
#include "tests/support/skip.h"

namespace tern::test {

std::vector<Device> devices() {
  std::vector<Device> found{Device::cpu()};
  try {
    backend_of(Device::cuda());
    found.push_back(Device::cuda());
  } catch (const Error&) {  // this build or machine has none
    if (cuda_required()) throw;
  }
  return found;
}

Tensor uniform(const Shape& shape, float low, float high, std::uint64_t seed, Device device) {
  RandomStream random(seed, random_purpose::test);
  Tensor x = Tensor::empty(shape);
  std::generate_n(x.data<float>(), x.numel(), [&] { return random.uniform(low, high); });
  return x.to(device);
}

Tensor integers(const std::vector<std::int32_t>& values, Device device) {
  return Tensor::from({static_cast<std::int64_t>(values.size())}, values).to(device);
}

reference::Array array(const Tensor& x) {
  reference::Array result;
  result.shape.assign(x.shape().begin(), x.shape().end());
  const std::vector<float> values = x.to_vector<float>();
  result.values.assign(values.begin(), values.end());
  return result;
}

void poison_free_memory(Device device, std::size_t max_bytes) {
  constexpr int kCopies = 4;
  const std::vector<std::uint8_t> ones(2 * max_bytes, 0xFF);  // NaN as f32 and as f64
  std::vector<std::unique_ptr<Buffer>> blocks;
  for (std::size_t power = 64; power <= max_bytes; power *= 2) {
    for (std::size_t bytes = power; bytes < 2 * power; bytes += std::max<std::size_t>(power / 8, 64)) {
      for (int copy = 0; copy < kCopies; ++copy) {
        blocks.push_back(std::make_unique<Buffer>(bytes, device));
        copy_bytes(blocks.back()->data(), device, ones.data(), Device::cpu(), bytes);
      }
    }
  }
}

double relative_error(const Tensor& got, const reference::Array& wanted) {
  const std::vector<float> values = got.to_vector<float>();
  if (!std::equal(got.shape().begin(), got.shape().end(), wanted.shape.begin(), wanted.shape.end())) {
    return std::numeric_limits<double>::infinity();
  }
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    largest = std::max(largest, std::fabs(wanted.values[i]));
    const double difference = std::fabs(static_cast<double>(values[i]) - wanted.values[i]);
    if (!(difference <= error))
      error = std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
  }
  return largest > 0 ? error / largest : error;
}

std::vector<float> to_floats(const Tensor& x) {
  const Tensor host = x.to(Device::cpu());
  Tensor wide = Tensor::empty(host.shape());
  convert(host, wide);
  return wide.to_vector<float>();
}

double relative_norm(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted) {
  if (got.size() != wanted.size()) return std::numeric_limits<double>::infinity();
  double error = 0, size = 0;
  for (std::size_t k = 0; k < got.size(); ++k) {
    if (got[k].shape() != wanted[k].shape()) return std::numeric_limits<double>::infinity();
    const std::vector<float> left = to_floats(got[k]), right = to_floats(wanted[k]);
    for (std::size_t i = 0; i < left.size(); ++i) {
      error += std::pow(static_cast<double>(left[i]) - static_cast<double>(right[i]), 2);
      size += std::pow(static_cast<double>(right[i]), 2);
    }
  }
  return std::sqrt(error / size);
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  const Tensor left = a.to(Device::cpu()), right = b.to(Device::cpu());
  return left.shape() == right.shape() && left.dtype() == right.dtype() &&
         (left.bytes() == 0 || std::memcmp(left.raw(), right.raw(), left.bytes()) == 0);
}

}  // namespace tern::test
