#include "models/losses.h"

#include <cmath>

#include "data/mixup.h"
#include "data/soft_targets.h"
#include "engine/autograd/tape.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/softmax.h"
#include "tests/reference/reference.h"
#include "tests/support/files.h"
#include "tests/support/gradcheck.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

using Direction = HierarchicalKlOptions::Direction;

/// A batch of the study in small: 3 superclasses and a novel one, 6 subclasses and a novel one.
struct Batch {
  Device device = Device::cpu();
  Tensor super = test::uniform({5, 4}, -2, 2, 1, device);
  Tensor sub = test::uniform({5, 7}, -2, 2, 2, device);
  Tensor teacher = test::uniform({5, 4}, -2, 2, 3, device);
  std::vector<std::int32_t> super_targets = test::classes(5, 4, 4), sub_targets = test::classes(5, 7, 5);
  std::vector<std::int32_t> sub_to_super = {0, 0, 1, 1, 2, 2, 3};

  StudyLossInputs inputs() const {
    return {Variable(super, true),
            Variable(sub, true),
            test::integers(super_targets, device),
            test::integers(sub_targets, device),
            {}};
  }
  StudyLossOptions options() const {
    StudyLossOptions options;
    options.sub_to_super = test::integers(sub_to_super, device);
    return options;
  }
  double super_cross_entropy() const {
    return reference::cross_entropy(test::array(super), super_targets, 0, -1)[0];
  }
  double sub_cross_entropy() const {
    return reference::cross_entropy(test::array(sub), sub_targets, 0, -1)[0];
  }
  double kl(const Tensor& head, bool head_to_implied) const {
    return reference::hierarchical_kl(test::array(head), test::array(sub), sub_to_super,
                                      {.head_to_implied = head_to_implied})[0];
  }
};

doctest::Approx near(double value) {
  return doctest::Approx(value).epsilon(1e-5);
}

}  // namespace

TEST_CASE("losses: approach A is both cross entropies and alpha times the divergence") {
  for (const Device device : test::devices()) {
    const Batch batch{device};
    const StudyLoss loss = study_loss(batch.inputs(), batch.options());
    CHECK(loss.super_cross_entropy.item() == near(batch.super_cross_entropy()));
    CHECK(loss.sub_cross_entropy.item() == near(batch.sub_cross_entropy()));
    CHECK(loss.kl.item() == near(batch.kl(batch.super, false)));
    CHECK_FALSE(loss.consistency.defined());
    CHECK(loss.total.data().item() ==
          near(batch.super_cross_entropy() + batch.sub_cross_entropy() + 0.1 * batch.kl(batch.super, false)));
  }
}

TEST_CASE("losses: approaches B and C have one level, and need no hierarchy") {
  for (const Device device : test::devices()) {
    const Batch batch{device};
    StudyLossInputs super_only = batch.inputs(), sub_only = batch.inputs();
    super_only.sub_logits = {};
    sub_only.super_logits = {};
    CHECK(study_loss(super_only, {}).total.data().item() == near(batch.super_cross_entropy()));
    const StudyLoss sub = study_loss(sub_only, {});
    CHECK(sub.total.data().item() == near(batch.sub_cross_entropy()));
    CHECK_FALSE(sub.super_cross_entropy.defined());
    CHECK_FALSE(sub.kl.defined());
  }
}

TEST_CASE("losses: a teacher adds KL(teacher || implied), and gets no gradient") {
  for (const Device device : test::devices()) {
    const Batch batch{device};
    StudyLossInputs inputs = batch.inputs();
    inputs.super_logits = {};
    inputs.teacher_super_logits = batch.teacher;
    const StudyLoss loss = study_loss(inputs, batch.options());
    CHECK(loss.consistency.item() == near(batch.kl(batch.teacher, true)));
    CHECK(loss.total.data().item() == near(batch.sub_cross_entropy() + 0.2 * batch.kl(batch.teacher, true)));
    StudyLossOptions without = batch.options();
    without.consistency_weight = 0;
    CHECK(study_loss(inputs, without).total.data().item() == near(batch.sub_cross_entropy()));
  }
}

TEST_CASE("losses: the total's gradient is the sum of the terms'") {
  for (const Device device : test::devices()) {
    const Batch batch{device};
    test::check_gradients({.op =
                               [&](std::span<const Variable> x) {
                                 StudyLossInputs inputs = batch.inputs();
                                 inputs.super_logits = x[0];
                                 inputs.sub_logits = x[1];
                                 inputs.teacher_super_logits = batch.teacher;
                                 return study_loss(inputs, batch.options()).total;
                               },
                           .reference =
                               [&](std::span<const reference::Array> x) {
                                 const reference::Array teacher = test::array(batch.teacher);
                                 reference::Array total({1});
                                 total[0] =
                                     reference::cross_entropy(x[0], batch.super_targets, 0, -1)[0] +
                                     reference::cross_entropy(x[1], batch.sub_targets, 0, -1)[0] +
                                     0.1 * reference::hierarchical_kl(x[0], x[1], batch.sub_to_super, {})[0] +
                                     0.2 * reference::hierarchical_kl(teacher, x[1], batch.sub_to_super,
                                                                      {.head_to_implied = true})[0];
                                 return total;
                               },
                           .inputs = {batch.super, batch.sub}});
  }
}

TEST_CASE("losses: label smoothing and the divergence's settings reach their ops") {
  for (const Device device : test::devices()) {
    const Batch batch{device};
    StudyLossOptions options = batch.options();
    options.cross_entropy.label_smoothing = 0.1f;
    options.kl.direction = Direction::head_to_implied;
    options.kl_weight = 0.5f;
    const StudyLoss loss = study_loss(batch.inputs(), options);
    CHECK(loss.sub_cross_entropy.item() ==
          near(reference::cross_entropy(test::array(batch.sub), batch.sub_targets, 0.1, -1)[0]));
    CHECK(loss.kl.item() == near(batch.kl(batch.super, true)));
  }
}

namespace {

/// Random distributions; the last row weighs 2.5.
reference::Array distributions(std::int64_t rows, std::int64_t classes) {
  reference::Array targets = test::array(test::uniform({rows, classes}, 0, 1, 6));
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum += targets[r * classes + c];
    for (std::int64_t c = 0; c < classes; ++c) targets[r * classes + c] *= (r + 1 == rows ? 2.5 : 1) / sum;
  }
  return targets;
}

Tensor tensor_of(const reference::Array& array, Device device) {
  const std::vector<float> values(array.values.begin(), array.values.end());
  return Tensor::from({array.shape[0], array.shape[1]}, values).to(device);
}

double soft_cross_entropy_reference(const reference::Array& logits, const reference::Array& targets) {
  const reference::Array log_p = reference::log_softmax(logits);
  double sum = 0;
  for (std::int64_t i = 0; i < logits.size(); ++i) sum -= targets[i] * log_p[i];
  return sum / static_cast<double>(logits.size() / logits.last());
}

}  // namespace

TEST_CASE("losses: targets that are distributions, with weights") {
  for (const Device device : test::devices()) {
    for (const Shape& shape : {Shape{1, 1}, Shape{5, 4}, Shape{64, 88}}) {
      CAPTURE(shape.text());
      const reference::Array targets = distributions(shape[0], shape[1]);
      test::check_gradients({.op =
                                 [&](std::span<const Variable> x) {
                                   return soft_cross_entropy(x[0], tensor_of(targets, device));
                                 },
                             .reference =
                                 [&](std::span<const reference::Array> x) {
                                   reference::Array loss({1});
                                   loss[0] = soft_cross_entropy_reference(x[0], targets);
                                   return loss;
                                 },
                             .inputs = {test::uniform(shape, -6, 6, 1, device)}});
    }
  }
  const Variable logits(Tensor::zeros({2, 3}));
  CHECK_THROWS_AS(soft_cross_entropy(logits, Tensor::zeros({2, 4})), Error);
  CHECK_THROWS_AS(soft_cross_entropy(Variable(Tensor::zeros({3})), Tensor::zeros({3})), Error);
}

TEST_CASE("losses: mixed targets are the weighted cross entropies of both images, at both levels") {
  const double share = 0.3, smoothing = 0.1;
  for (const Device device : test::devices()) {
    const Batch batch{device};
    StudyLossInputs inputs = batch.inputs();
    double wanted = 0;
    const auto mix = [&](const Tensor& logits, const std::vector<std::int32_t>& labels) {
      const auto classes = static_cast<std::int32_t>(logits.size(1));
      Tensor targets = soft_targets(labels, classes, {.label_smoothing = 0.1f}, {});
      blend_rows({targets.data<float>(), static_cast<std::size_t>(targets.numel())}, 5, 0.3f);
      const std::vector<std::int32_t> others(labels.rbegin(), labels.rend());
      // The row in the middle is its own partner, which the formula gives as well.
      wanted += share * reference::cross_entropy(test::array(logits), labels, smoothing, -1)[0] +
                (1 - share) * reference::cross_entropy(test::array(logits), others, smoothing, -1)[0];
      return targets.to(device);
    };
    inputs.superclasses = mix(batch.super, batch.super_targets);
    inputs.subclasses = mix(batch.sub, batch.sub_targets);
    const StudyLoss loss = study_loss(inputs, batch.options());
    CHECK(loss.super_cross_entropy.item() + loss.sub_cross_entropy.item() == near(wanted));
    CHECK(loss.kl.item() == near(batch.kl(batch.super, false)));  // without targets
    CHECK(loss.total.data().item() == near(wanted + 0.1 * batch.kl(batch.super, false)));
  }
}

TEST_CASE("losses: outliers pull towards the uniform distribution, and the novel column is left alone") {
  // Classes 0, 1, 3 and 4 are known, 2 is held out, 5 is novel; rows 1 and 4 are outliers.
  const std::vector<std::uint8_t> known{1, 1, 0, 1, 1, 0};
  const std::vector<std::int32_t> labels{0, 5, 3, 4, 5};
  const double weight = 0.5;
  for (const Device device : test::devices()) {
    const Variable logits(test::uniform({5, 6}, -3, 3, 1, device), true);
    const Tensor targets = soft_targets(labels, 6, {.outlier_weight = 0.5f}, known).to(device);
    const Variable masked =
        logits + Variable(logit_mask(std::vector<std::uint8_t>{1, 1, 1, 1, 1, 0}).to(device));
    const Variable loss = soft_cross_entropy(masked, targets);
    backward(loss);
    const std::vector<float> gradient = logits.grad().to_vector<float>();

    const std::vector<float> x = logits.data().to_vector<float>();
    double wanted_loss = 0;
    for (std::size_t r = 0; r < 5; ++r) {
      double sum = 0;  // without the novel column; the held-out one takes part, as in any training
      for (std::size_t c = 0; c < 5; ++c) sum += std::exp(double{x[r * 6 + c]});
      const bool outlier = labels[r] == 5;
      const double factor = outlier ? weight / 2 : 1.0 / 3;
      for (std::size_t c = 0; c < 5; ++c) {
        const double p = std::exp(double{x[r * 6 + c]}) / sum;
        const double target = outlier ? known[c] / 4.0 : (static_cast<std::int32_t>(c) == labels[r] ? 1 : 0);
        CHECK(double{gradient[r * 6 + c]} == doctest::Approx(factor * (p - target)).epsilon(2e-5));
        wanted_loss -= factor * target * std::log(p);
      }
      CHECK(gradient[r * 6 + 5] == 0);
    }
    CHECK(loss.data().item() == near(wanted_loss));
  }
}

TEST_CASE("losses: says what is missing") {
  const Batch batch;
  CHECK(test::error_of([] { study_loss({}, {}); }) ==
        "study_loss: wanted the logits of one level at least, got none");
  CHECK(test::error_of([&] { study_loss(batch.inputs(), {}); }) ==
        "study_loss: wanted the superclass of each subclass, got none");
  StudyLossInputs inputs = batch.inputs();
  inputs.subclasses = {};
  CHECK(test::error_of([&] { study_loss(inputs, batch.options()); }) ==
        "study_loss: wanted targets for the subclasses, got none");
}

TEST_CASE("losses: masked logits have no probability, and the others share it") {
  const Variable logits(test::uniform({3, 4}, -2, 2, 1));
  const Tensor mask = logit_mask(std::vector<std::uint8_t>{1, 0, 1, 0});
  const std::vector<float> p = softmax(logits + Variable(mask)).data().to_vector<float>();
  for (std::size_t row = 0; row < 3; ++row) {
    CHECK(p[row * 4 + 1] == 0);
    CHECK(p[row * 4 + 3] == 0);
    CHECK(p[row * 4] + p[row * 4 + 2] == near(1));
  }
  CHECK_THROWS_AS(logit_mask(std::vector<std::uint8_t>{0, 0, 0, 0}), Error);
}
