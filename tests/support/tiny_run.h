// A run on the tiny study, trained for an epoch or two: made once for all cases of a test program.
#pragma once

#include <string>
#include <vector>

#include "apps/train/train.h"
#include "tests/support/tiny_study.h"

namespace tern::test {

/// The options of a training in `folder` on folder/data, with the tiny settings in folder/config.toml.
inline TrainOptions tiny_training(const std::filesystem::path& folder,
                                  const std::vector<std::string>& more = {}) {
  write_quickly(folder / "config.toml", config_text(tiny_config(more)));
  TrainOptions options;
  options.config = folder / "config.toml";
  options.folders.data = folder / "data";
  options.out = folder / "run";
  options.runtime = {"cpu", /*threads=*/1};  // tests run side by side
  return options;
}

/// Images of two levels of classes, or of one; with CIFAR ones.
enum class TinyData { two_levels, one_level };

/// Trains a run with the settings `more`.
class TinyRun {
 public:
  explicit TinyRun(const std::vector<std::string>& more, TinyData data = TinyData::two_levels) {
    if (data == TinyData::one_level) {
      write_tiny_classes(folder_ / "data");
      write_tiny_cifar(folder_ / "cifar-100-binary");
    } else {
      write_tiny_study(folder_ / "data");
      write_tiny_cifar(folder_ / "data/cifar-100-binary");
    }
    TrainOptions options = tiny_training(folder_.path(), more);
    if (data == TinyData::one_level) options.folders.cifar = folder_ / "cifar-100-binary";
    train(options);
  }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  std::filesystem::path run() const { return folder_ / "run"; }

 private:
  TemporaryFolder folder_;
};

}  // namespace tern::test
