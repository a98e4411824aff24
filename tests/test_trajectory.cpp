// Twenty steps of training on weights and images from a formula: forward, backward and Adam together.
#include "data/random_purpose.h"
#include "tests/support/trajectory.h"

using namespace tern;

TEST_CASE("trajectory: twenty steps of Adam on ResNet-18 have PyTorch's losses, and on a device the CPU's") {
  constexpr std::uint32_t kBatch = 8, kBatches = 5, kClasses = 10;
  const auto batch = [](int step) {
    const std::uint32_t number = static_cast<std::uint32_t>(step) % kBatches;
    test::TrainingBatch made{test::formula_uniform(21, number, {kBatch, 64, 64, 3}, -2, 2), {}};
    RandomStream random(22, random_purpose::test, number);
    for (std::uint32_t i = 0; i < kBatch; ++i) {
      made.labels.push_back(static_cast<std::int32_t>(random.bits() % kClasses));
    }
    return made;
  };
  std::vector<double> of_cpu;  // the first of the devices
  for (const Device device : test::devices()) {
    Model model = test::trajectory_model("resnet18", kClasses, device);
    const std::vector<double> losses = test::check_trajectory(model, batch, "formula", 1e-3);
    if (of_cpu.empty()) of_cpu = losses;
    for (std::size_t step = 0; step < losses.size(); ++step) {
      CAPTURE(step);
      CHECK(losses[step] == doctest::Approx(of_cpu[step]).epsilon(1e-3).scale(0));
    }
  }
}
