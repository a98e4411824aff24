// Loaders of several ranks: their shares of a batch, one after the other, are the batch that one process has.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "data/loader.h"
#include "tests/support/small_dataset.h"

using namespace tern;

namespace {

constexpr int kImages = 23;

Dataset labelled_dataset() {
  Dataset dataset = test::small_dataset(kImages);
  dataset.classes.superclass_names = {"a", "b", "novel"};
  for (int i = 0; i < kImages; ++i) dataset.classes.subclass_names.push_back(std::to_string(i));
  return dataset;
}

std::vector<Batch> batches_of(const Dataset& dataset, LoaderOptions options, int rank, int ranks) {
  options.rank = rank;
  options.ranks = ranks;
  Loader loader(dataset, test::all_of(dataset), options);
  CHECK(loader.images() == kImages);
  loader.start_epoch(3);
  std::vector<Batch> batches;
  for (Batch batch; loader.next(batch);) batches.push_back(batch);
  CHECK(static_cast<std::int64_t>(batches.size()) == loader.batches());
  return batches;
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// tolerance: of blended values. The image in the middle of a batch is mixed with itself, which rounds on one side alone.
void check_shares(const LoaderOptions& options, float tolerance = 0) {
  const Dataset dataset = labelled_dataset();
  const std::vector<Batch> whole = batches_of(dataset, options, 0, 1);
  for (const int ranks : {2, 3, 8}) {
    CAPTURE(ranks);
    std::vector<std::vector<Batch>> shares;
    for (int rank = 0; rank < ranks; ++rank) shares.push_back(batches_of(dataset, options, rank, ranks));
    for (std::size_t step = 0; step < whole.size(); ++step) {
      std::vector<std::int64_t> indices;
      std::vector<float> images, targets;
      std::vector<std::int32_t> labels;
      float share = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const Batch& part = shares[static_cast<std::size_t>(rank)].at(step);
        CHECK(part.step == whole[step].step);
        CHECK(part.images.size(0) == part.size());
        CHECK(part.share ==
              doctest::Approx(static_cast<double>(part.size()) / static_cast<double>(whole[step].size())));
        share += part.share;
        append(indices, part.indices);
        append(images, part.images.to_vector<float>());
        if (options.soft_targets) {
          append(targets, part.targets.super.to_vector<float>());
        } else {
          append(labels, part.targets.super.to_vector<std::int32_t>());
        }
      }
      CHECK(share == doctest::Approx(1));
      CHECK(indices == whole[step].indices);
      const auto check_close = [tolerance](const std::vector<float>& found,
                                           const std::vector<float>& wanted) {
        REQUIRE(found.size() == wanted.size());
        float worst = 0;
        for (std::size_t i = 0; i < found.size(); ++i)
          worst = std::max(worst, std::abs(found[i] - wanted[i]));
        CHECK(worst <= tolerance);
      };
      check_close(images, whole[step].images.to_vector<float>());
      if (options.soft_targets) {
        check_close(targets, whole[step].targets.super.to_vector<float>());
      } else {
        CHECK(labels == whole[step].targets.super.to_vector<std::int32_t>());
      }
    }
  }
}

}  // namespace

TEST_CASE("loader of ranks: shares are the batch, the ragged last one too, on any number of threads") {
  for (const int threads : {0, 2}) {
    LoaderOptions options{.batch_size = 6, .shuffle = true, .threads = threads};  // the last batch has 5
    options.transform = TrainTransform{.rotation_degrees = 20, .remove_blur_cue = true};
    check_shares(options);
  }
}

TEST_CASE("loader of ranks: weights of targets hang on the whole batch") {
  LoaderOptions options{.batch_size = 5, .shuffle = true, .threads = 0};
  SoftTargets soft;
  soft.outlier_weight = 0.5f;
  soft.known.super = {1, 1, 0};
  soft.known.sub = std::vector<std::uint8_t>(kImages, 1);
  soft.known.sub.back() = 0;
  options.soft_targets = soft;
  check_shares(options);
}

TEST_CASE("loader of ranks: images are mixed with those of other ranks") {
  for (const Mixup mixup : {Mixup{0.4f, 0}, Mixup{0, 1}}) {
    LoaderOptions options{.batch_size = 7, .shuffle = true, .mixup = mixup, .threads = 0};
    options.soft_targets = SoftTargets{.label_smoothing = 0.1f};
    check_shares(options, 1e-6f);
  }
}
