// A tile of m x m outputs of a 3x3 convolution needs (m+2) x (m+2) inputs d and, with the matrices below,
// costs (m+2)^2 multiplications a pair of channels instead of 9 m^2:
//   Y = A^T [ (G g G^T) * (B^T d B) ] A
// Summed over the input channels, the elementwise product (*) is (m+2)^2 independent products of matrices,
// [tiles, C] x [C, K]. m = 4 saves a factor 4; m = 2, for images too small for that, 2.25.
//   backward data:    the same with dy as the input and the kernel turned by 180 degrees
//   backward weight:  dg = G^T [ sum over tiles (A dY A^T) * (B^T d B) ] G
// Rounding errors are a few times those of direct convolution (tests/test_winograd.cpp holds the bound).
//
// Channels are innermost everywhere, so the transforms work on eight channels at once. Transformed data have
// the place in the tile outermost, [place][tile or filter][channel]: each product is then over contiguous
// matrices.
#include "engine/backend/cpu/winograd.h"

#include <oneapi/dnnl/dnnl.h>

#include <Eigen/Core>
#include <algorithm>
#include <utility>

#include "engine/core/check.h"
#include "engine/core/parallel.h"

namespace tern::winograd {
namespace {

using Vec = Eigen::Array<float, 8, 1>;
constexpr int kLanes = 8;

Vec load(const float* from) {
  return Eigen::Map<const Vec>(from);
}
void store(const Vec& value, float* to) {
  Eigen::Map<Vec>{to} = value;
}

template <int Rows, int Columns>
struct Matrix {
  float at[Rows][Columns];
  static constexpr int rows = Rows, columns = Columns;

  constexpr Matrix<Columns, Rows> transposed() const {
    Matrix<Columns, Rows> result{};
    for (int r = 0; r < Rows; ++r) {
      for (int c = 0; c < Columns; ++c) result.at[c][r] = at[r][c];
    }
    return result;
  }
};

// The interpolation points are 0, 1, -1, (2, -2,) infinity.
template <int M>
struct Transform;

template <>
struct Transform<2> {
  static constexpr Matrix<4, 4> input{{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}};  // B^T
  static constexpr Matrix<4, 3> filter{{{1, 0, 0}, {.5f, .5f, .5f}, {.5f, -.5f, .5f}, {0, 0, 1}}};   // G
  static constexpr Matrix<2, 4> output{{{1, 1, 1, 0}, {0, 1, -1, -1}}};                              // A^T
  static constexpr Matrix<3, 4> filter_back = filter.transposed();
  static constexpr Matrix<4, 2> output_back = output.transposed();
};

template <>
struct Transform<4> {
  static constexpr Matrix<6, 6> input{{{4, 0, -5, 0, 1, 0},
                                       {0, -4, -4, 1, 1, 0},
                                       {0, 4, -4, -1, 1, 0},
                                       {0, -2, -1, 2, 1, 0},
                                       {0, 2, -1, -2, 1, 0},
                                       {0, 4, 0, -5, 0, 1}}};
  static constexpr Matrix<6, 3> filter{{{1.f / 4, 0, 0},
                                        {-1.f / 6, -1.f / 6, -1.f / 6},
                                        {-1.f / 6, 1.f / 6, -1.f / 6},
                                        {1.f / 24, 1.f / 12, 1.f / 6},
                                        {1.f / 24, -1.f / 12, 1.f / 6},
                                        {0, 0, 1}}};
  static constexpr Matrix<4, 6> output{
      {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}};
  static constexpr Matrix<3, 6> filter_back = filter.transposed();
  static constexpr Matrix<6, 4> output_back = output.transposed();
};

// sum over i of matrix[row][i] * in[i * stride], without the terms whose factor is 0.
template <const auto& matrix, int row, int column = 0>
void add_terms(const Vec* in, int stride, Vec& sum) {
  if constexpr (column < matrix.columns) {
    constexpr float factor = matrix.at[row][column];
    if constexpr (factor != 0) sum += factor * in[column * stride];
    add_terms<matrix, row, column + 1>(in, stride, sum);
  }
}

template <const auto& matrix, int row, int column = 0>
Vec combine(const Vec* in, int stride) {
  constexpr float factor = matrix.at[row][column];
  if constexpr (factor == 0) {
    return combine<matrix, row, column + 1>(in, stride);
  } else {
    Vec sum = factor * in[column * stride];
    add_terms<matrix, row, column + 1>(in, stride, sum);
    return sum;
  }
}

// out = matrix in matrix^T, in [columns][columns], out [rows][rows]
template <const auto& matrix>
void transform(const Vec* in, Vec* out) {
  constexpr int rows = matrix.rows, columns = matrix.columns;
  Vec half[rows * columns];
  const auto down = [&]<int... row>(int column, std::integer_sequence<int, row...>) {
    ((half[row * columns + column] = combine<matrix, row>(in + column, columns)), ...);
  };
  const auto across = [&]<int... row>(int line, std::integer_sequence<int, row...>) {
    ((out[line * rows + row] = combine<matrix, row>(half + line * columns, 1)), ...);
  };
  for (int column = 0; column < columns; ++column) down(column, std::make_integer_sequence<int, rows>{});
  for (int line = 0; line < rows; ++line) across(line, std::make_integer_sequence<int, rows>{});
}

// The tiles of a batch of images [images, height, width].
struct Tiling {
  std::int64_t images, height, width, down, across;

  Tiling(const Tensor& image, int m)
      : images(image.size(0)),
        height(image.size(1)),
        width(image.size(2)),
        down((height + m - 1) / m),
        across((width + m - 1) / m) {}
  std::int64_t count() const { return images * down * across; }
};

// Reads `extent` x `extent` pixels from (y, x) of an image of `channels`, zero outside it, eight channels
// from `c`.
template <int extent>
void gather(const float* image, const Tiling& tiling, std::int64_t y, std::int64_t x, std::int64_t channels,
            Vec* out) {
  for (int i = 0; i < extent; ++i) {
    const bool row_inside = y + i >= 0 && y + i < tiling.height;
    for (int j = 0; j < extent; ++j) {
      const bool inside = row_inside && x + j >= 0 && x + j < tiling.width;
      out[i * extent + j] = inside ? load(image + ((y + i) * tiling.width + x + j) * channels) : Vec::Zero();
    }
  }
}

// One of the two ways in: patches of the input (overlapping, one pixel of padding) or tiles of the output's
// gradient. out [place][tile - first][channels]
template <int M, bool overlapping>
void transform_tiles(const Tensor& source, const Tiling& tiling, std::int64_t first, std::int64_t last,
                     float* out) {
  constexpr int extent = overlapping ? M + 2 : M, places = (M + 2) * (M + 2);
  const std::int64_t channels = source.size(3), plane = (last - first) * channels;
  const float* images = source.data<float>();
  parallel_for(last - first, 1, [&, images](std::int64_t begin, std::int64_t end) {
    Vec in[extent * extent], result[places];
    for (std::int64_t tile = begin; tile < end; ++tile) {
      const std::int64_t image = (first + tile) / (tiling.down * tiling.across);
      const std::int64_t y = (first + tile) / tiling.across % tiling.down * M - (overlapping ? 1 : 0);
      const std::int64_t x = (first + tile) % tiling.across * M - (overlapping ? 1 : 0);
      const float* from = images + image * tiling.height * tiling.width * channels;
      for (std::int64_t c = 0; c < channels; c += kLanes) {
        gather<extent>(from + c, tiling, y, x, channels, in);
        if constexpr (overlapping) {
          transform<Transform<M>::input>(in, result);
        } else {
          transform<Transform<M>::output_back>(in, result);
        }
        float* to = out + tile * channels + c;
        for (int place = 0; place < places; ++place) store(result[place], to + place * plane);
      }
    }
  });
}

// product [place][tile - first][K] -> y, with bias, residual and ReLU on the way.
template <int M>
void transform_back(const float* product, const Tiling& tiling, std::int64_t first, std::int64_t last,
                    const Tensor* bias, const Epilogue& epilogue, Tensor& y) {
  constexpr int places = (M + 2) * (M + 2);
  const std::int64_t channels = y.size(3), plane = (last - first) * channels;
  const float* residual = epilogue.residual != nullptr ? epilogue.residual->data<float>() : nullptr;
  const float* shift = bias != nullptr ? bias->data<float>() : nullptr;
  float* const out = y.data<float>();
  parallel_for(last - first, 1, [&, residual, shift, out](std::int64_t begin, std::int64_t end) {
    Vec in[places], result[M * M];
    for (std::int64_t tile = begin; tile < end; ++tile) {
      const std::int64_t image = (first + tile) / (tiling.down * tiling.across);
      const std::int64_t top = (first + tile) / tiling.across % tiling.down * M;
      const std::int64_t left = (first + tile) % tiling.across * M;
      for (std::int64_t c = 0; c < channels; c += kLanes) {
        const float* from = product + tile * channels + c;
        for (int place = 0; place < places; ++place) in[place] = load(from + place * plane);
        transform<Transform<M>::output>(in, result);
        for (std::int64_t i = 0; i < std::min<std::int64_t>(M, tiling.height - top); ++i) {
          for (std::int64_t j = 0; j < std::min<std::int64_t>(M, tiling.width - left); ++j) {
            const std::int64_t at =
                ((image * tiling.height + top + i) * tiling.width + left + j) * channels + c;
            Vec value = result[i * M + j];
            if (shift != nullptr) value += load(shift + c);
            if (residual != nullptr) value += load(residual + at);
            if (epilogue.relu) value = (value < 0.0f).select(Vec::Zero(), value);  // keeps NaN
            store(value, out + at);
          }
        }
      }
    }
  });
}

Tensor scratch(std::int64_t places, std::int64_t rows, std::int64_t channels) {
  return Tensor::empty({places, rows, channels});
}

// w [K,3,3,C] -> [place][K][C]; turned: by 180 degrees, for backward data.
template <int M>
Tensor transform_filters(const Tensor& w, bool turned) {
  constexpr int places = (M + 2) * (M + 2);
  const std::int64_t filters = w.size(0), channels = w.size(3), plane = filters * channels;
  Tensor transformed = scratch(places, filters, channels);
  const float* weights = w.data<float>();
  float* const out = transformed.data<float>();
  parallel_for(filters, 1, [=](std::int64_t begin, std::int64_t end) {
    Vec in[9], result[places];
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t c = 0; c < channels; c += kLanes) {
        for (int tap = 0; tap < 9; ++tap)
          in[turned ? 8 - tap : tap] = load(weights + (k * 9 + tap) * channels + c);
        transform<Transform<M>::filter>(in, result);
        for (int place = 0; place < places; ++place)
          store(result[place], out + place * plane + k * channels + c);
      }
    }
  });
  return transformed;
}

// gradient [place][K][C] -> dw [K,3,3,C]
template <int M>
void transform_filters_back(const float* gradient, Tensor& dw) {
  constexpr int places = (M + 2) * (M + 2);
  const std::int64_t filters = dw.size(0), channels = dw.size(3), plane = filters * channels;
  float* const out = dw.data<float>();
  parallel_for(filters, 1, [=](std::int64_t begin, std::int64_t end) {
    Vec in[places], result[9];
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t c = 0; c < channels; c += kLanes) {
        for (int place = 0; place < places; ++place)
          in[place] = load(gradient + place * plane + k * channels + c);
        transform<Transform<M>::filter_back>(in, result);
        for (int tap = 0; tap < 9; ++tap) store(result[tap], out + (k * 9 + tap) * channels + c);
      }
    }
  });
}

// c[place] = op(a[place]) op(b[place]) + beta c[place] for every place; a, b, c hold rows x columns matrices
// end to end.
struct Products {
  char transpose_a, transpose_b;
  std::int64_t m, n, k;

  void run(int places, const float* a, const float* b, float beta, float* c) const {
    const std::int64_t lda = transpose_a == 'N' ? k : m, ldb = transpose_b == 'N' ? n : k;
    parallel_for(places, 1, [=, this](std::int64_t begin, std::int64_t end) {
      for (std::int64_t place = begin; place < end; ++place) {
        dnnl_sgemm(transpose_a, transpose_b, m, n, k, 1.0f, a + place * m * k, lda, b + place * k * n, ldb,
                   beta, c + place * m * n, n);
      }
    });
  }
};

// Tiles go through in blocks whose transformed data stay in the shared cache.
constexpr std::int64_t kBlockBytes = 12 << 20;

std::int64_t block_tiles(const Tiling& tiling, int places, std::int64_t channels) {
  const std::int64_t fitting = kBlockBytes / (places * channels * static_cast<std::int64_t>(sizeof(float)));
  return std::clamp<std::int64_t>(fitting, 64, std::max<std::int64_t>(tiling.count(), 64));
}

// Both directions of the data: filters [place][K][C]; source's channels are C (forward) or K (backward).
template <int M>
void convolve(const Tensor& source, const Tensor& filters, bool is_backward, const Tensor* bias,
              const Epilogue& epilogue, Tensor& target) {
  constexpr int places = (M + 2) * (M + 2);
  const Tiling tiling(source, M);
  const std::int64_t in = source.size(3), out = target.size(3);
  const std::int64_t block = block_tiles(tiling, places, in + out);
  Tensor transformed = scratch(places, std::min(block, tiling.count()), in);
  Tensor product = scratch(places, std::min(block, tiling.count()), out);
  for (std::int64_t first = 0; first < tiling.count(); first += block) {
    const std::int64_t last = std::min(tiling.count(), first + block);
    transform_tiles<M, true>(source, tiling, first, last, transformed.data<float>());
    const Products products{'N', is_backward ? 'N' : 'T', last - first, out, in};
    products.run(places, transformed.data<float>(), filters.data<float>(), 0.0f, product.data<float>());
    transform_back<M>(product.data<float>(), tiling, first, last, bias, epilogue, target);
  }
}

/// What transform_filters made of weights for the forward pass.
struct TransformedFilters {
  int tile;
  bool operator==(const TransformedFilters&) const = default;
};

template <int M>
void convolve_forward(const Tensor& x, const Tensor& w, const Tensor* bias, const Epilogue& epilogue,
                      Tensor& y, PackedWeights* kept) {
  const auto make = [&] { return transform_filters<M>(w, false); };
  convolve<M>(x, kept != nullptr ? kept->in(TransformedFilters{M}, make) : make(), false, bias, epilogue, y);
}

template <int M>
void correlate(const Tensor& x, const Tensor& dy, Tensor& dw) {
  constexpr int places = (M + 2) * (M + 2);
  const Tiling tiling(x, M);
  const std::int64_t in = x.size(3), out = dy.size(3);
  const std::int64_t block = block_tiles(tiling, places, in + out);
  Tensor inputs = scratch(places, std::min(block, tiling.count()), in);
  Tensor gradients = scratch(places, std::min(block, tiling.count()), out);
  Tensor filters = scratch(places, out, in);
  for (std::int64_t first = 0; first < tiling.count(); first += block) {
    const std::int64_t last = std::min(tiling.count(), first + block);
    transform_tiles<M, true>(x, tiling, first, last, inputs.data<float>());
    transform_tiles<M, false>(dy, tiling, first, last, gradients.data<float>());
    const Products products{'T', 'N', out, in, last - first};
    products.run(places, gradients.data<float>(), inputs.data<float>(), first == 0 ? 0.0f : 1.0f,
                 filters.data<float>());
  }
  transform_filters_back<M>(filters.data<float>(), dw);
}

// Images of 3 pixels and up are covered by tiles of 4 with less waste than the saving.
bool prefers_large_tiles(const Tensor& image) {
  return image.size(1) >= 3 && image.size(2) >= 3;
}

}  // namespace

bool suits(const ConvolutionShape& s) {
  constexpr std::int64_t kMinTiles = 16;
  const bool is_plain_3x3 = s.window.kernel == 3 && s.window.stride == 1 && s.window.padding == 1;
  const std::int64_t tiles = s.images * ((s.height + 3) / 4) * ((s.width + 3) / 4);
  return s.type == DType::f32 && is_plain_3x3 && s.groups == 1 && s.in % kLanes == 0 && s.out % kLanes == 0 &&
         s.in >= 16 && s.out >= 16 && tiles >= kMinTiles;
}

void forward(const Tensor& x, const Tensor& w, const Tensor* bias, const Epilogue& epilogue, Tensor& y,
             PackedWeights* kept) {
  if (prefers_large_tiles(x)) {
    convolve_forward<4>(x, w, bias, epilogue, y, kept);
  } else {
    convolve_forward<2>(x, w, bias, epilogue, y, kept);
  }
}

void backward_data(const Tensor& dy, const Tensor& w, Tensor& dx) {
  if (prefers_large_tiles(dx)) {
    convolve<4>(dy, transform_filters<4>(w, true), true, nullptr, {}, dx);
  } else {
    convolve<2>(dy, transform_filters<2>(w, true), true, nullptr, {}, dx);
  }
}

void backward_weight(const Tensor& x, const Tensor& dy, Tensor& dw) {
  if (prefers_large_tiles(x)) {
    correlate<4>(x, dy, dw);
  } else {
    correlate<2>(x, dy, dw);
  }
}

}  // namespace tern::winograd
