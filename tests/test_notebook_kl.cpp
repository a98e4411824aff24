// The faithful settings of approach A reproduce the reference notebooks' loss, CE + CE + alpha KL: values and
// gradients of either notebook's KL term, and of both as their text is indented, against the notebooks' code
// run in PyTorch on the same logits (goldens/make_notebook_kl_goldens.py).
#include <doctest/doctest.h>

#include "apps/train/training_setup.h"
#include "engine/autograd/tape.h"
#include "engine/ops/hierarchical_kl.h"
#include "models/losses.h"
#include "tests/support/formula.h"
#include "tests/support/goldens.h"
#include "tests/support/tensors.h"

using namespace tern;
using reference::Array;

namespace {

/// The study's hierarchy: 29 subclasses in each of three superclasses, and the novel ones.
ClassTable study_classes() {
  ClassTable classes;
  classes.superclass_names.resize(4);
  classes.subclass_names.resize(88);
  for (std::int32_t i = 0; i < 87; ++i) classes.subclass_to_super.push_back(i % 3);
  classes.subclass_to_super.push_back(3);
  return classes;
}

/// Logits [rows, 4] and [rows, 88] with labels, the same as in the script.
struct Logits {
  Tensor super, sub;
  std::vector<std::int32_t> superclasses, subclasses;

  Logits(std::int64_t rows, std::uint64_t seed, float bound)
      : super(test::formula_uniform(seed, 0, {rows, 4}, -bound, bound)),
        sub(test::formula_uniform(seed, 1, {rows, 88}, -bound, bound)) {
    for (std::int32_t row = 0; row < rows; ++row) {
      subclasses.push_back(row * 37 % 88);
      superclasses.push_back(study_classes().subclass_to_super[static_cast<std::size_t>(subclasses.back())]);
    }
  }
};

/// Of every other row the true class stands out.
Logits trained_batch() {
  Logits batch(64, 1, 4);
  for (std::size_t row = 1; row < 64; row += 2) {
    batch.super.data<float>()[row * 4 + static_cast<std::size_t>(batch.superclasses[row])] += 6;
    batch.sub.data<float>()[row * 88 + static_cast<std::size_t>(batch.subclasses[row])] += 6;
  }
  return batch;
}

Logits extreme_batch() {
  Logits batch(12, 2, 64);
  for (std::size_t row = 2; row < 12; row += 3) {
    for (std::size_t k = 0; k < 4; ++k) batch.super.data<float>()[row * 4 + k] *= 8;
    for (std::size_t i = 0; i < 88; ++i) batch.sub.data<float>()[row * 88 + i] *= 8;
  }
  return batch;
}

Config faithful_config(const std::vector<std::string>& sets = {}) {
  return read_config(TERN_SOURCE_DIR "/apps/configs/approach_a_faithful.toml", sets);
}

struct Version {
  const char* name;
  std::vector<std::string> sets;  ///< on top of approach_a_faithful.toml, as its comments say
};
const Version kVersions[] = {{"v1", {}},
                             {"v1_literal", {"kl_detach=both"}},
                             {"v2", {"kl_direction=implied_to_head", "kl_detach=none"}},
                             {"v2_literal", {"kl_direction=implied_to_head", "kl_detach=both"}}};

Array array_or_zeros(const test::GoldenCase& golden, const std::string& version, const char* name,
                     const Shape& shape) {
  return version.ends_with("_literal") ? test::array(Tensor::zeros(shape)) : golden.array(name);
}

/// a + weight b
Array sum(const Array& a, double weight, const Array& b) {
  Array result = a;
  for (std::size_t i = 0; i < result.values.size(); ++i) result.values[i] += weight * b.values[i];
  return result;
}

// PyTorch's results are in double, written with seven digits, which leaves up to 5e-7. The CPU adds a
// rounding or two to f32: 4e-7 in all was seen. A device's kernels work in f32, and a GPU's exponentials have
// their own last bits.
double tolerance_on(Device device) {
  return device.is_cpu() ? test::tolerance::kElementwise : test::tolerance::kSum;
}

void check_version(const Version& version, const std::string& batch_name, const Logits& batch,
                   Device device) {
  CAPTURE(version.name);
  CAPTURE(batch_name);
  const auto goldens = test::read_goldens("notebook_kl.txt");
  const test::GoldenCase& golden = goldens.at(batch_name + "_" + version.name);
  const test::GoldenCase& ce = goldens.at(batch_name + "_ce");
  const StudyLossOptions options = make_loss_options(faithful_config(version.sets), study_classes(), device);
  const double tolerance = tolerance_on(device);
  const Array dsuper = array_or_zeros(golden, version.name, "dkl_super", batch.super.shape());
  const Array dsub = array_or_zeros(golden, version.name, "dkl_sub", batch.sub.shape());

  {  // the term alone, whose gradient in the whole loss the cross-entropies' would hide
    const Variable super(batch.super.to(device), true), sub(batch.sub.to(device), true);
    const Variable kl = hierarchical_kl(super, sub, options.sub_to_super, options.kl);
    CHECK_CLOSE(kl.data(), golden.array("kl"), tolerance);
    backward(kl);
    CHECK_CLOSE(super.grad(), dsuper, tolerance);
    CHECK_CLOSE(sub.grad(), dsub, tolerance);
  }
  StudyLossInputs inputs;
  inputs.super_logits = Variable(batch.super.to(device), true);
  inputs.sub_logits = Variable(batch.sub.to(device), true);
  inputs.superclasses = test::integers(batch.superclasses, device);
  inputs.subclasses = test::integers(batch.subclasses, device);
  const StudyLoss loss = study_loss(inputs, options);
  CHECK_CLOSE(loss.kl, golden.array("kl"), tolerance);
  CHECK_CLOSE(loss.total.data(), golden.array("total"), tolerance);
  backward(loss.total);
  CHECK_CLOSE(inputs.super_logits.grad(), sum(ce.array("dce_super"), 0.1, dsuper), tolerance);
  CHECK_CLOSE(inputs.sub_logits.grad(), sum(ce.array("dce_sub"), 0.1, dsub), tolerance);
}

}  // namespace

TEST_CASE("notebook_kl: values and gradients of both notebooks, and of their text read literally") {
  const Logits trained = trained_batch(), extreme = extreme_batch();
  for (const Device device : test::devices()) {
    CAPTURE(device.text());
    for (const Version& version : kVersions) {
      check_version(version, "trained", trained, device);
      check_version(version, "extreme", extreme, device);
    }
  }
}

TEST_CASE("notebook_kl: the faithful settings of approach A are the first notebook's") {
  const Config config = faithful_config();
  CHECK(config.approach == Approach::two_heads);
  CHECK(config.kl_direction == HierarchicalKlOptions::Direction::head_to_implied);
  CHECK(config.kl_detach == HierarchicalKlOptions::Detach::head);
  CHECK(config.kl_novel_subclass == NovelSubclass::map);
  CHECK(config.kl_alpha == 0.1);
  CHECK(config.kl_temperature == 1);
  CHECK(config.kl_epsilon == 1e-8);
  CHECK_FALSE(config.kl_scale_by_temperature_squared);
  CHECK(config.hold_out);
  CHECK(config.split == SplitKind::faithful);
  CHECK(config.split_seed == -1);  // as the reference: 123 with held-out classes
}
