#include "tests/reference/reference.h"

#include <cmath>

namespace tern::reference {
namespace {

/// visit(place in x, place in y, tap) for every value that lies in a window, taps of a window in their order.
template <typename Visit>
void for_each_tap(const std::vector<std::int64_t>& x, const std::vector<std::int64_t>& y, int kernel,
                  int stride, int padding, Visit visit) {
  const std::int64_t height = x[1], width = x[2], channels = x[3];
  for (std::int64_t out = 0; out < y[0] * y[1] * y[2] * channels; ++out) {
    const std::int64_t c = out % channels, q = out / channels % y[2], p = out / channels / y[2] % y[1],
                       n = out / channels / y[2] / y[1];
    for (int tap = 0; tap < kernel * kernel; ++tap) {
      const std::int64_t h = p * stride - padding + tap / kernel, w = q * stride - padding + tap % kernel;
      if (h < 0 || h >= height || w < 0 || w >= width) continue;
      visit(((n * height + h) * width + w) * channels + c, out, tap);
    }
  }
}

}  // namespace

MaxPool max_pool(const Array& x, int kernel, int stride, int padding) {
  constexpr std::uint8_t kNone = 255;
  MaxPool result;
  result.y = Array({x.shape[0], window_count(x.shape[1], kernel, stride, padding),
                    window_count(x.shape[2], kernel, stride, padding), x.shape[3]});
  Array& y = result.y;
  y.values.assign(y.values.size(), -INFINITY);
  result.index.assign(y.values.size(), kNone);
  for_each_tap(x.shape, y.shape, kernel, stride, padding, [&](std::int64_t i, std::int64_t o, int tap) {
    std::uint8_t& index = result.index[static_cast<std::size_t>(o)];
    if (index != kNone && !(x[i] > y[o]) && !std::isnan(x[i])) return;
    y[o] = x[i];
    index = static_cast<std::uint8_t>(tap);
  });
  for (std::uint8_t& index : result.index) index = index == kNone ? 0 : index;
  return result;
}

Array max_pool_backward(const Array& dy, const std::vector<std::uint8_t>& index, const Array& x_like,
                        int kernel, int stride, int padding) {
  Array dx(x_like.shape);
  for_each_tap(dx.shape, dy.shape, kernel, stride, padding, [&](std::int64_t i, std::int64_t o, int tap) {
    if (index[static_cast<std::size_t>(o)] == tap) dx[i] += dy[o];
  });
  return dx;
}

Array global_average_pool(const Array& x) {
  const std::int64_t pixels = x.shape[1] * x.shape[2], channels = x.shape[3];
  Array y({x.shape[0], channels});
  for (std::int64_t i = 0; i < x.size(); ++i) y[i / channels / pixels * channels + i % channels] += x[i];
  for (double& value : y.values) value /= static_cast<double>(pixels);
  return y;
}

Array global_average_pool_backward(const Array& dy, const Array& x_like) {
  const std::int64_t pixels = x_like.shape[1] * x_like.shape[2], channels = x_like.shape[3];
  Array dx(x_like.shape);
  for (std::int64_t i = 0; i < dx.size(); ++i) {
    dx[i] = dy[i / channels / pixels * channels + i % channels] / static_cast<double>(pixels);
  }
  return dx;
}

}  // namespace tern::reference
