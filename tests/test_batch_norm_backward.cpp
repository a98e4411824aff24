// The kernels of batch normalisation's gradients; test_batch_norm.cpp has the op's.
#include <doctest/doctest.h>

#include "kernels/batch_norm.h"
#include "tests/support/batch_norm_case.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Case {
  std::int64_t rows, channels;
  std::size_t shift = 0;
  bool relu = true, residual = false, batch_statistics = true;
  bool mask_from_x = false;  ///< y is not handed over
  std::int64_t one_launch_rows = 0;

  std::size_t count() const { return static_cast<std::size_t>(rows * channels); }
  std::size_t width() const { return static_cast<std::size_t>(channels); }
};

template <typename T>
struct Inputs {
  std::vector<T> x, y, dy;
  std::vector<float> gamma, beta, mean, inverse_std;

  explicit Inputs(const Case& of)
      : x(uniform<T>(of.count(), -1, 3, 1)),
        y(uniform<T>(of.count(), -1, 1, 2)),  // any: the kernel looks at its sign alone
        dy(uniform<T>(of.count(), -1, 2, 3)),
        gamma(uniform<float>(of.width(), -2, 2, 4)),
        beta(uniform<float>(of.width(), -1, 1, 7)),
        mean(uniform<float>(of.width(), 0, 2, 5)),
        inverse_std(uniform<float>(of.width(), 0.5f, 2, 6)) {
    for (std::size_t i = 0; i < y.size(); i += 3) y[i] = T(0.0f);  // as after a ReLU
    for (std::size_t i = 0; i < y.size() && of.mask_from_x; ++i) {
      const std::size_t c = i % of.width();
      const float value = (static_cast<float>(x[i]) - mean[c]) * (gamma[c] * inverse_std[c]) + beta[c];
      y[i] = T(value < 0 ? 0.0f : value);
    }
  }

  reference::BatchNormGradients wanted(const Case& of) const {
    const std::vector<std::int64_t> rows{of.rows, of.channels}, channels{of.channels};
    const reference::Array mask = array(rows, y);
    return reference::batch_norm_backward(array(rows, x), of.relu ? &mask : nullptr, array(rows, dy),
                                          array(channels, gamma), array(channels, mean),
                                          array(channels, inverse_std), of.batch_statistics);
  }
};

enum class Alias { none, dx, dresidual };  ///< which output lies where dy does

template <typename T>
struct Run {
  DeviceArray<T> x, y, dy, dx, dresidual;
  DeviceArray<float> gamma, beta, mean, inverse_std, dgamma, dbeta, workspace;

  Run(const Case& of, const Inputs<T>& in, Alias alias = Alias::none)
      : x(in.x, of.shift),
        y(in.y, of.shift),
        dy(in.dy, of.shift),
        dx(of.count(), of.shift),
        dresidual(of.count(), of.shift),
        gamma(in.gamma, of.shift),
        beta(in.beta),
        mean(in.mean),
        inverse_std(in.inverse_std),
        dgamma(of.width()),
        dbeta(of.width()),
        workspace(std::vector<float>(
            kernels::batch_norm_workspace_bytes(of.rows, of.channels) / sizeof(float), 0.0f)) {
    const std::int64_t launches = launch_count();
    kernels::batch_norm_backward(x.data(), of.relu && !of.mask_from_x ? y.data() : nullptr, dy.data(),
                                 gamma.data(), of.mask_from_x ? beta.data() : nullptr, mean.data(),
                                 inverse_std.data(), of.batch_statistics,
                                 alias == Alias::dx ? dy.data() : dx.data(), dgamma.data(), dbeta.data(),
                                 !of.residual                ? nullptr
                                 : alias == Alias::dresidual ? dy.data()
                                                             : dresidual.data(),
                                 workspace.data(), of.rows, of.channels, nullptr, of.one_launch_rows);
    const bool in_one = of.rows <= of.one_launch_rows;
    if (is_emulated()) CHECK(launch_count() - launches == (of.channels == 0 ? 0 : in_one ? 1 : 2));
  }
};

template <typename T>
void check(const Case& of) {
  CAPTURE(of.rows);
  CAPTURE(of.channels);
  CAPTURE(of.shift);
  CAPTURE(of.batch_statistics);
  CAPTURE(of.one_launch_rows);
  const Inputs<T> in(of);
  const reference::BatchNormGradients wanted = in.wanted(of);
  const Run<T> run(of, in);
  CHECK_ARRAY(run.dx, wanted.dx, 8 * unit<float>() + unit<T>());
  CHECK_ARRAY(run.dgamma, wanted.dgamma, 16 * unit<float>());
  CHECK_ARRAY(run.dbeta, wanted.dbeta, 16 * unit<float>());
  if (of.residual) CHECK_ARRAY(run.dresidual, wanted.dresidual, 0);

  const Run<T> in_place(of, in, Alias::dx);
  CHECK(same_bits(in_place.dy, run.dx));
  CHECK(same_bits(in_place.dgamma, run.dgamma));
  if (!of.residual) return;
  CHECK(same_bits(in_place.dresidual, run.dresidual));
  const Run<T> masked_in_place(of, in, Alias::dresidual);
  CHECK(same_bits(masked_in_place.dy, run.dresidual));
  CHECK(same_bits(masked_in_place.dx, run.dx));
}

}  // namespace

TEST_CASE_TEMPLATE("batch_norm_backward kernel: every width, alignment, aliasing and epilogue", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  for (const BatchNormSize& size : kBatchNormSizes) {
    for (const std::int64_t one_launch_rows : kOneLaunchRows) {
      Case each{size.rows, size.channels};
      each.one_launch_rows = one_launch_rows;
      check<T>(each);
      each.residual = true;
      each.shift = 1;
      check<T>(each);
      each.relu = false;
      each.shift = 0;
      check<T>(each);
      each.batch_statistics = false;
      each.residual = false;
      check<T>(each);
      each.relu = true;
      check<T>(each);
    }
  }
  check<T>({1, 24, 0, true, true});
  check<T>({5000, 33, 1});  // 78 slices
}

TEST_CASE_TEMPLATE("batch_norm_backward kernel: a mask that follows from x is the mask of y", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  for (const BatchNormSize& size : kBatchNormSizes) {
    for (const std::int64_t one_launch_rows : kOneLaunchRows) {
      Case of{size.rows, size.channels, static_cast<std::size_t>(size.rows % 2)};  // both alignments
      of.one_launch_rows = one_launch_rows;
      of.mask_from_x = true;
      check<T>(of);
      const Inputs<T> in(of);
      const Run<T> from_x(of, in);
      of.mask_from_x = false;
      const Run<T> from_y(of, in);
      CHECK(same_bits(from_x.dx, from_y.dx));
      CHECK(same_bits(from_x.dgamma, from_y.dgamma));
      CHECK(same_bits(from_x.dbeta, from_y.dbeta));
    }
  }
}

TEST_CASE("batch_norm_backward kernel: no rows give zeros, no channels nothing, NaN stays in its channel") {
  if (!device_is_there()) return;
  const Case empty{0, 5};
  const Run<float> nothing(empty, Inputs<float>(empty));
  CHECK(nothing.dgamma.values() == std::vector<float>(5, 0.0f));
  CHECK(nothing.dbeta.values() == std::vector<float>(5, 0.0f));
  const Case none{5, 0};
  const Run<float> no_channels(none, Inputs<float>(none));

  const Case of{300, 36};
  Inputs<float> in(of);
  const Run<float> calm(of, in);
  in.dy[36 * 200 + 2] = NAN;
  in.y[36 * 200 + 2] = 1;
  in.dy[36 * 100 + 3] = NAN;  // masked: does not count
  in.y[36 * 100 + 3] = 0;
  Inputs<float> masked = in;
  masked.dy[36 * 100 + 3] = 0;
  const Run<float> broken(of, in), expected(of, masked);
  const std::vector<float> dx = broken.dx.values(), calm_dx = calm.dx.values(),
                           masked_dx = expected.dx.values();
  for (std::size_t i = 0; i < dx.size(); ++i) {
    if (i % 36 == 2) {
      CHECK(std::isnan(dx[i]));
    } else {
      CHECK(dx[i] == (i % 36 == 3 ? masked_dx[i] : calm_dx[i]));
    }
  }
}
