// The same with ImageNet's weights and CIFAR's images: long, and only where ../shared is. CIFAR's bytes are
// raw, so that no JPEG decoder stands between the two sides.
#include <filesystem>

#include "data/augment.h"
#include "data/cifar100.h"
#include "data/resize.h"
#include "tests/support/skip.h"
#include "tests/support/trajectory.h"

using namespace tern;

namespace {

void check_real_trajectory(const std::string& architecture, const char* golden_case, double tolerance) {
  const std::filesystem::path shared = TERN_SOURCE_DIR "/../shared";
  if (!std::filesystem::exists(shared / "data" / "cifar-100-binary")) {
    test::skip("no ../shared");
    return;
  }
  constexpr int kBatch = 32, kBatches = 5, kSize = 64;
  Model model = test::trajectory_model(architecture, 100);
  model.load_backbone(shared / "weights" / (architecture + "-imagenet.pth"));
  const Cifar100 cifar = load_cifar100(shared / "data" / "cifar-100-binary");
  Resizer resizer(Cifar100::kSize, Cifar100::kSize, kSize, kSize);
  std::vector<std::uint8_t> image(kSize * kSize * 3);
  const auto batch = [&](int step) {
    test::TrainingBatch made{Tensor::empty({kBatch, kSize, kSize, 3}), {}};
    for (int i = 0; i < kBatch; ++i) {
      const std::int64_t record = step % kBatches * kBatch + i;
      resizer(cifar.image(record), image);
      normalise(image, {made.images.data<float>() + i * image.size(), image.size()});
      made.labels.push_back(cifar.fine(record));
    }
    return made;
  };
  test::check_trajectory(model, batch, golden_case, tolerance);
}

}  // namespace

TEST_CASE("trajectory: real weights and images have PyTorch's losses, ResNet-18") {
  check_real_trajectory("resnet18", "real", 1e-3);
}

TEST_CASE("trajectory: real weights and images have PyTorch's losses, ResNet-50") {
  // PyTorch's own f32 is 1.2e-3 from its double.
  check_real_trajectory("resnet50", "real50", 2e-3);
}
