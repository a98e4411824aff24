// A whole step of the study on a device: ResNet-18 and 50 under two heads, the study's losses, every
// gradient, against the CPU's in f32. tests/test_resnet.cpp holds both to PyTorch's in double, parameter by
// parameter.
#include <cstdio>
#include <string>

#include "engine/autograd/tape.h"
#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/hierarchical_kl.h"
#include "models/heads.h"
#include "tests/support/formula.h"
#include "tests/support/skip.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

struct Setting {
  const char* name;
  float beta;     ///< of every batch normalisation
  bool training;  ///< with the batch's statistics
  /// Around 0 a rounding opens or closes some ReLUs, and a share p of them costs sqrt(p) of a gradient's
  /// norm, in every layer, which says nothing about the device. Where beta opens them all gradients follow
  /// closely.
  bool compares_gradients;
};
constexpr Setting kSettings[] = {{"training, every ReLU open", 3, true, true},
                                 {"frozen statistics", 0, false, false}};

struct Step {
  std::vector<Tensor> inference;  ///< the logits of the folded network
  std::vector<Tensor> logits;
  std::vector<Tensor> loss;
  std::vector<Tensor> gradients;  ///< of every parameter
};

Step step(const std::string& architecture, const Setting& setting, Device device, Precision precision) {
  Model model({architecture, {{"super_head", HeadKind::linear, 4}, {"sub_head", HeadKind::cosine, 12}}},
              Initialiser(3, device));
  for (ParameterEntry& entry : model.parameters()) {
    if (entry.kind == ParameterKind::norm && entry.name.ends_with("bias")) {
      fill(setting.beta, entry.value.data());
    }
  }
  model.set_precision(precision);
  const Tensor images = test::formula_uniform(6, 0, {8, 64, 64, 3}, -2, 2).to(device);
  const auto integers = [device](const auto&... values) { return test::integers({values...}, device); };

  Step result;
  model.set_training(false);
  result.inference = model.inference(images);
  model.set_training(setting.training);
  const std::vector<Variable> logits = model.forward(Variable(images));
  const Variable loss =
      add(add(cross_entropy(logits[0], integers(0, 1, 2, 3, 3, 2, 1, 0)),
              cross_entropy(logits[1], integers(0, 3, 6, 9, 10, 7, 4, 1))),
          hierarchical_kl(logits[0], logits[1], integers(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3)));
  backward(loss);
  for (const Variable& head : logits) result.logits.push_back(head.data());
  result.loss.push_back(loss.data());
  for (const ParameterEntry& entry : model.parameters()) result.gradients.push_back(entry.value.grad());
  return result;
}

double tolerance_of(Precision precision) {
  return precision == Precision::fp32 ? 1e-5 : precision == Precision::tf32 ? 2e-3 : 2e-2;
}

void check_step(const Step& got, const Step& exact, const Setting& setting, Precision precision) {
  const double tolerance = tolerance_of(precision);
  const auto check_part = [&](const char* part, const std::vector<Tensor>& values,
                              const std::vector<Tensor>& wanted) {
    CAPTURE(part);
    const double error = test::relative_norm(values, wanted);
    CHECK(error <= tolerance);
    std::printf("  %s %.1e", part, error);
  };
  check_part("inference", got.inference, exact.inference);
  check_part("logits", got.logits, exact.logits);
  check_part("loss", got.loss, exact.loss);
  if (setting.compares_gradients) check_part("gradients", got.gradients, exact.gradients);
  std::printf("\n");
  for (const Tensor& logits : got.logits) CHECK(logits.dtype() == DType::f32);
}

void check_devices(const std::string& architecture, const Setting& setting) {
  CAPTURE(architecture);
  CAPTURE(setting.name);
  const Step exact = step(architecture, setting, Device::cpu(), Precision::fp32);
  for (const Device device : test::devices()) {
    for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
      if (!has_precision(device, precision) || (device.is_cpu() && precision == Precision::fp32)) continue;
      CAPTURE(name_of(precision));
      std::printf("%s, %s, %s:", architecture.c_str(), setting.name, name_of(precision));
      check_step(step(architecture, setting, device, precision), exact, setting, precision);
    }
  }
}

}  // namespace

TEST_CASE("device step: ResNet-18 follows the CPU's in every precision") {
  if (test::devices().size() == 1) return test::skip_without_cuda("no device beside the CPU");
  for (const Setting& setting : kSettings) check_devices("resnet18", setting);
}

TEST_CASE("device step: ResNet-50 follows the CPU's in every precision") {
  if (test::devices().size() == 1) return test::skip_without_cuda("no device beside the CPU");
  for (const Setting& setting : kSettings) check_devices("resnet50", setting);
}
