// Two fused ops beside their formulas: the same values and gradients, and what fusing saves.
//   formulas [cpu|cuda]
//
//   cosine head     y = scale cos(x_r, w_c)              scale * linear(l2_normalize(x), l2_normalize(w))
//   cross-entropy   mean of -log softmax(y)[target]      -sum(one_hot * log(softmax(y))) / rows
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>

#include "engine/autograd/tape.h"
#include "engine/backend/backend.h"
#include "engine/core/random.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/cosine_head.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/l2_normalize.h"
#include "engine/ops/linear.h"
#include "engine/ops/reshape.h"
#include "engine/ops/softmax.h"

using namespace tern;

namespace {

constexpr std::int64_t kImages = 256, kSide = 4, kChannels = 32, kFeatures = kSide * kSide * kChannels,
                       kClasses = 88;

Variable random_leaf(const Shape& shape, RandomStream& random, Device device) {
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  for (float& value : values) value = random.normal();
  return Variable(Tensor::from(shape, values).to(device), /*requires_grad=*/true);
}

/// The largest difference of two gradients over the largest value.
double difference(const Tensor& a, const Tensor& b) {
  const std::vector<float> left = a.to_vector<float>(), right = b.to_vector<float>();
  double apart = 0, max = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    apart = std::max(apart, std::fabs(static_cast<double>(left[i]) - static_cast<double>(right[i])));
    max = std::max(max, std::fabs(static_cast<double>(right[i])));
  }
  return apart / max;
}

}  // namespace

int main(int argc, char** argv) try {
  const Device device = parse_device(argc > 1 ? argv[1] : "cpu");
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  const Variable images = random_leaf({kImages, kSide, kSide, kChannels}, random, device);
  const Variable w = random_leaf({kClasses, kFeatures}, random, device);
  const Variable scale(Tensor::full({1}, 30).to(device), /*requires_grad=*/true);
  Tensor classes = Tensor::empty({kImages}, DType::i32), one_hot = Tensor::zeros({kImages, kClasses});
  for (std::int64_t i = 0; i < kImages; ++i) {
    const std::uint32_t target = random.below(kClasses);
    classes.data<std::int32_t>()[i] = static_cast<std::int32_t>(target);
    one_hot.data<float>()[i * kClasses + target] = 1;
  }
  const Tensor targets = classes.to(device);
  const Variable wanted(one_hot.to(device));

  const auto fused = [&] {
    const Variable x = reshape(images, {kImages, kFeatures});
    return cross_entropy(cosine_head(x, w, scale), targets);
  };
  const auto formulas = [&] {
    const Variable x = reshape(images, {kImages, kFeatures});
    const Variable logits = scale * linear(l2_normalize(x), l2_normalize(w));
    return -sum(wanted * log(softmax(logits))) / kImages;
  };

  struct Result {
    Tensor loss, dimages, dw, dscale;
    double milliseconds;
  };
  const auto run = [&](const std::function<Variable()>& loss_of) {
    Result result;
    double best = INFINITY;
    for (int i = 0; i < 20; ++i) {  // the first finds no memory in the cache yet
      for (Variable leaf : {images, w, scale}) leaf.clear_grad();
      const auto start = std::chrono::steady_clock::now();
      const Variable loss = loss_of();
      backward(loss);
      backend_of(device).synchronize();
      best = std::min(
          best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
      result = {loss.data(), images.grad().clone(), w.grad().clone(), scale.grad().clone(), best};
    }
    return result;
  };
  const Result one = run(fused), other = run(formulas);
  const double apart = std::max({difference(one.loss, other.loss), difference(one.dimages, other.dimages),
                                 difference(one.dw, other.dw), difference(one.dscale, other.dscale)});
  std::printf("loss %.6f fused, %.6f by formulas; gradients apart by %.1e\n", one.loss.item(),
              other.loss.item(), apart);
  std::printf("%.2f ms fused, %.2f ms by formulas\n", one.milliseconds, other.milliseconds);
  return apart < 1e-3 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "formulas: %s\n", error.what());
  return 1;
}
