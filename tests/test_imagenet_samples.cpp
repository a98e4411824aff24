// Real weights on real photographs: long, and only where ../shared is.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "apps/weights/classify.h"
#include "engine/io/csv.h"
#include "models/heads.h"
#include "tests/support/goldens.h"
#include "tests/support/skip.h"

using namespace tern;

TEST_CASE("imagenet samples: from JPEGs to logits as Pillow, torchvision and PyTorch") {
  const std::filesystem::path shared = TERN_SOURCE_DIR "/../shared";
  const std::filesystem::path folder = shared / "data" / "imagenet_samples";
  if (!std::filesystem::exists(folder)) {
    test::skip("no ../shared");
    return;
  }
  CsvTable labels = read_csv(folder / "labels.csv");
  std::sort(labels.rows.begin(), labels.rows.end());  // by the first column, the name
  const std::size_t name = labels.column("image"), label = labels.column("class_index");
  const auto goldens = test::read_goldens("imagenet_samples.txt");
  for (const std::string architecture : {"resnet18", "resnet50"}) {
    CAPTURE(architecture);
    const test::GoldenCase& golden = goldens.at(architecture);
    Model model(ModelSpec::imagenet(architecture), Initialiser::zeros());
    load_state_dict(model, shared / "weights" / (architecture + "-imagenet.pth"));
    model.set_training(false);
    int right = 0;
    REQUIRE(labels.rows.size() == 40);
    for (std::size_t i = 0; i < labels.rows.size(); ++i) {
      CAPTURE(labels.rows[i][name]);
      const Tensor input = imagenet_input(read_image(folder / labels.rows[i][name]));
      const std::vector<float> logits = model.inference(input).front().to_vector<float>();
      const auto first = std::max_element(logits.begin(), logits.end()) - logits.begin();
      double square = 0;
      for (const float logit : logits) square += double{logit} * logit;
      right += first == labels.integer(i, label);
      CHECK(first == static_cast<std::ptrdiff_t>(golden.array("first_class").values[i]));
      CHECK(logits[static_cast<std::size_t>(first)] ==
            doctest::Approx(golden.array("first_logit").values[i]).epsilon(1e-4));
      CHECK(std::sqrt(square) == doctest::Approx(golden.array("norm").values[i]).epsilon(1e-4));
    }
    CHECK(right == (architecture == "resnet18" ? 31 : 33));
  }
}
