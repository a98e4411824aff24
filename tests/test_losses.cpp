#include "models/losses.h"

#include "engine/autograd/tape.h"
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
  Tensor logits = test::uniform({3, 4}, -2, 2, 1);
  const std::vector<float> before = logits.to_vector<float>();
  mask_logits(logits, std::vector<std::uint8_t>{1, 0, 1, 0});
  const std::vector<float> after = logits.to_vector<float>();
  for (std::size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i] == (i % 2 == 0 ? before[i] : kMaskedLogit));
  }
  const reference::Array probabilities = reference::softmax(test::array(logits));
  CHECK(probabilities[0] + probabilities[2] == doctest::Approx(1));
  CHECK(probabilities[1] == 0);
  CHECK_THROWS_AS(mask_logits(logits, std::vector<std::uint8_t>{1, 0, 1}), Error);
  CHECK_THROWS_AS(mask_logits(logits, std::vector<std::uint8_t>{0, 0, 0, 0}), Error);
  Tensor flat = Tensor::zeros({4});
  CHECK_THROWS_AS(mask_logits(flat, std::vector<std::uint8_t>{1, 1, 1, 1}), Error);
}
