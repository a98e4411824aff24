#include "apps/measure/dump.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "apps/measure/study_models.h"
#include "engine/core/check.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;

namespace {

DumpOptions options_for(const test::TinyRun& trained) {
  DumpOptions options;
  options.run = trained.run();
  options.out = trained / "dump.safetensors";
  options.runtime.threads = 1;
  return options;
}

}  // namespace

TEST_CASE("dump: features, logits and labels of every part; a head of the features gives the logits") {
  const test::TinyRun trained({"epochs=1", "approach=two_models", "cifar=small", "cifar_count=8",
                               "hold_out=true", "hold_out_fraction=0.2"});
  DumpOptions options = options_for(trained);
  CHECK(dump(options) == 0);
  const SafetensorsFile file = read_safetensors(options.out);
  const auto tensor = [&](const char* name) -> const Tensor& {
    const Tensor* found = find(file.tensors, name);
    REQUIRE(found != nullptr);
    return *found;
  };
  CHECK(tensor("super_features").shape() == Shape{56, 128});
  CHECK(tensor("sub_features").shape() == Shape{56, 128});
  CHECK(tensor("super_logits").shape() == Shape{56, 4});
  CHECK(tensor("sub_logits").shape() == Shape{56, 7});
  const std::vector<std::uint8_t> parts = tensor("part").to_vector<std::uint8_t>();
  CHECK(std::count(parts.begin(), parts.end(), 0) == 36);  // 30 + 6 CIFAR
  CHECK(std::count(parts.begin(), parts.end(), 1) == 12);
  CHECK(std::count(parts.begin(), parts.end(), 2) == 8);
  const std::vector<std::uint8_t> extra = tensor("is_extra").to_vector<std::uint8_t>();
  CHECK(std::count(extra.begin(), extra.end(), 1) == 8);

  const Run run = Run::open(trained.run());
  const Json names = Json::parse(file.metadata.at("image_names"));
  const StudyData data = load_run_data(run, {});
  CHECK(names.size() == 56);
  CHECK(names[0] == data.dataset.names[static_cast<std::size_t>(data.split.train[0])]);
  CHECK(Json::parse(file.metadata.at("parts")) ==
        Json({"train", "validation", "pseudo_novel", "pseudo_novel_super"}));
  CHECK(Json::parse(file.metadata.at("held_out_subclasses")) == Json(data.split.held_out));
  CHECK(tensor("subclasses").to_vector<std::int32_t>()[55] ==
        data.dataset.subclasses[static_cast<std::size_t>(data.split.pseudo_novel.back())]);

  StudyModels models(run, Device::cpu());
  for (const Level level : models.levels()) {
    const std::string name = name_of(level);
    const std::vector<float> features = tensor((name + "_features").c_str()).to_vector<float>();
    const std::vector<float> logits = models.head(level)({features, 128});
    const std::vector<float> wanted = tensor((name + "_logits").c_str()).to_vector<float>();
    REQUIRE(logits.size() == wanted.size());
    for (std::size_t i = 0; i < logits.size(); ++i)
      CHECK(logits[i] == doctest::Approx(wanted[i]).epsilon(1e-4));
    // Where all logits are 0: the features to which ViM measures.
    const std::vector<float> at_origin = models.head(level)({models.head_origin(level, {}), 128});
    for (const float logit : at_origin) CHECK(std::abs(logit) < 1e-3);
  }

  SUBCASE("one part, and files that are not to be replaced") {
    options.parts = {"validation"};
    dump(options);
    CHECK(find(read_safetensors(options.out).tensors, "part")->numel() == 12);
    options.out = run.best_model(Part::sub);
    CHECK_THROWS_WITH_AS(dump(options), Contains("--out"), Error);
  }
}

TEST_CASE("dump: two heads share their features; a part without images") {
  const test::TinyRun trained({"epochs=1"});
  DumpOptions options = options_for(trained);
  dump(options);
  const SafetensorsFile file = read_safetensors(options.out);
  CHECK(find(file.tensors, "features")->shape() == Shape{48, 128});
  CHECK(find(file.tensors, "super_features") == nullptr);
  options.parts = {"pseudo_novel"};
  CHECK_THROWS_WITH_AS(
      dump(options),
      Contains("--part: wanted one of train, validation: the parts of this run that have images, got "
               "pseudo_novel"),
      Error);
}
