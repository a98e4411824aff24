// From settings to the parts of a training.
#include "apps/train/training_setup.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "tests/support/files.h"

using namespace tern;

namespace {

ClassTable classes() {
  return {{"a", "b", "novel"}, {"a0", "b0", "b1", "novel"}, {0, 1, 1, 2}};
}

std::int64_t trained_parameters(const Optimizer& optimizer) {
  std::int64_t count = 0;
  for (const OptimizerTensor& moment : optimizer.state()) {
    if (moment.name.ends_with(".first_moment")) count += moment.value.numel();
  }
  return count;
}

}  // namespace

TEST_CASE("training setup: heads of each part") {
  const Config a = make_config({"super_head=cosine"});
  const ModelSpec two = model_spec(a, Part::two_heads, classes());
  REQUIRE(two.heads.size() == 2);
  CHECK(two.heads[0].name == "super_head");
  CHECK(two.heads[0].kind == HeadKind::cosine);
  CHECK(two.heads[0].classes == 3);
  CHECK(two.heads[1].name == "sub_head");
  CHECK(two.heads[1].classes == 4);
  const ModelSpec sub = model_spec(make_config({"approach=two_models"}), Part::sub, classes());
  REQUIRE(sub.heads.size() == 1);
  CHECK(sub.heads[0].name == "head");
  CHECK(sub.heads[0].classes == 4);
}

TEST_CASE("training setup: the novel subclass maps to the novel superclass, or nowhere") {
  const auto map = [](const char* kind) {
    const Config config = make_config({std::string("kl_novel_subclass=") + kind});
    return sub_to_super_map(config, classes()).to_vector<std::int32_t>();
  };
  CHECK(map("map") == std::vector<std::int32_t>{0, 1, 1, 2});
  CHECK(map("leave_out") == std::vector<std::int32_t>{0, 1, 1, -1});
}

TEST_CASE(
    "training setup: a batch of one image is found before it is met, where batch norm cannot train on it") {
  const auto error_of = [](std::vector<std::string> sets, std::int64_t images) {
    return test::error_of([&] { check_batch_size(make_config(sets), images); });
  };
  CHECK(error_of({"image_size=32", "batch_size=19"}, 20) ==
        "batch_size: wanted one that leaves no image alone in a batch, which gives batch norm one value a "
        "channel at "
        "image_size 32 (18, say, of 20 training images), got 19, which leaves 1");
  CHECK(error_of({"image_size=8", "batch_size=2"}, 3).find("(3, say, of 3") != std::string::npos);
  CHECK(error_of({"image_size=32", "batch_size=1"}, 20).find("(2, say, of 20") != std::string::npos);
  CHECK(error_of({"image_size=32", "batch_size=64"}, 1).find("size 32 (1 training images)") !=
        std::string::npos);
  const char* frozen = "fine_tune=frozen";
  const std::string kNone = "no error";
  CHECK(error_of({"image_size=32", "batch_size=19", frozen, "frozen_batch_norm=training"}, 20) != kNone);
  CHECK(error_of({"image_size=32", "batch_size=19", frozen}, 20) == kNone);
  CHECK(error_of({"image_size=33", "batch_size=19"}, 20) == kNone);
  CHECK(error_of({"image_size=32", "batch_size=19"}, 21) == kNone);
  CHECK(error_of({"image_size=32", "batch_size=20"}, 20) == kNone);
}

TEST_CASE("training setup: the schedule counts updates, with a shorter one at an epoch's end") {
  const Schedule schedule = make_schedule(
      make_config({"accumulate=4", "epochs=3", "schedule=step", "step_epochs=2", "warmup_steps=5"}), 10);
  CHECK(schedule.total_steps == 9);  // 4 + 4 + 2 batches are three updates an epoch
  CHECK(schedule.step_every == 6);
  CHECK(schedule.warmup_steps == 5);
  CHECK(schedule.kind == Schedule::Kind::step);
}

TEST_CASE("training setup: frozen trains the heads alone, at their own rate") {
  const Config frozen = make_config({"approach=two_models", "fine_tune=frozen"});
  CHECK(base_learning_rate(frozen) == doctest::Approx(1e-2));
  CHECK(base_learning_rate(Config{}) == doctest::Approx(1e-4));
  const Model head_only = make_model(frozen, Part::sub, classes(), {}, Device::cpu());
  CHECK(head_only.frozen());
  CHECK(trained_parameters(*make_study_optimizer(frozen, head_only)) == 512 * 4 + 4);
  const Model all = make_model(Config{}, Part::two_heads, classes(), {}, Device::cpu());
  CHECK(trained_parameters(*make_study_optimizer(Config{}, all)) == parameter_count(all));
}

TEST_CASE("training setup: the two models of a run start from different numbers, each run from the same") {
  const Config config = make_config({"approach=two_models", "seed=3"});
  const auto first_weight = [&](Part part) {
    const Model model = make_model(config, part, classes(), {}, Device::cpu());
    return model.backbone_parameters().front().value.data().to_vector<float>();
  };
  CHECK(first_weight(Part::super) == first_weight(Part::super));
  CHECK(first_weight(Part::super) != first_weight(Part::sub));
}

TEST_CASE("training setup: the blur cue is removed where there are CIFAR images") {
  StudyData data;
  data.dataset.is_extra = {0, 1};
  data.split.train = {0};
  const Config config = make_config({"flip=false", "rotation_degrees=5", "batch_size=7", "seed=9"});
  const LoaderOptions without = train_loader_options(config, Part::sub, data, Device::cpu());
  CHECK(without.shuffle);
  CHECK(without.batch_size == 7);
  CHECK(without.seed == 9);
  CHECK_FALSE(std::get<TrainTransform>(without.transform).flip);
  CHECK(std::get<TrainTransform>(without.transform).rotation_degrees == 5);
  CHECK_FALSE(std::get<TrainTransform>(without.transform).remove_blur_cue);
  data.split.train = {0, 1};
  const LoaderOptions with = train_loader_options(config, Part::sub, data, Device::cpu());
  CHECK(std::get<TrainTransform>(with.transform).remove_blur_cue);
  const LoaderOptions evaluation = evaluation_loader_options(config, Device::cpu());
  CHECK_FALSE(evaluation.shuffle);
  CHECK(std::holds_alternative<EvaluationTransform>(evaluation.transform));
}

TEST_CASE("training setup: by default nothing is cropped, erased, mixed, averaged, balanced or exposed") {
  StudyData data;
  data.dataset.is_extra = {0, 1};
  data.split.train = {0, 1};
  const LoaderOptions options = train_loader_options(Config{}, Part::two_heads, data, Device::cpu());
  CHECK_FALSE(needs_cpu(options));
  CHECK_FALSE(options.balanced);
  CHECK_FALSE(options.soft_targets);
  CHECK_FALSE(validation_loader_options(Config{}, data, Device::cpu()).soft_targets);
  CHECK_FALSE(novel_mask(Config{}, classes(), Level::sub, Device::cpu()).defined());
  const Model model = make_model(Config{}, Part::two_heads, classes(), {}, Device::cpu());
  CHECK(make_ema(Config{}, model, Device::cpu()) == nullptr);
}

TEST_CASE("training setup: what the settings ask of the loader") {
  StudyData data;
  data.dataset.classes = classes();
  data.dataset.is_extra = {0, 0, 0, 1};
  data.dataset.superclasses = {0, 1, 1, 2};
  data.dataset.subclasses = {0, 1, 1, 3};
  data.split.train = {0, 1, 2, 3};
  const auto options = [&](Part part, const std::vector<std::string>& sets) {
    return train_loader_options(make_config(sets), part, data, Device::cpu());
  };
  const LoaderOptions strong = options(
      Part::sub, {"random_resized_crop=true", "crop_scale_min=0.3", "crop_scale_max=0.9", "rand_augment=3",
                  "rand_augment_magnitude=5", "random_erasing=0.25", "random_erasing_value=random",
                  "mixup=0.2", "cutmix=0.7", "label_smoothing=0.1", "sampler=balanced"});
  const TrainTransform& transform = std::get<TrainTransform>(strong.transform);
  REQUIRE(transform.crop);
  CHECK(transform.crop->lowest_scale == 0.3f);
  CHECK(transform.crop->highest_scale == 0.9f);
  CHECK(transform.rand_augment.operations == 3);
  CHECK(transform.rand_augment.magnitude == 5);
  CHECK(transform.erasing.probability == 0.25f);
  CHECK(transform.erasing.noise);
  CHECK(strong.mixup.mixup_alpha == 0.2f);
  CHECK(strong.mixup.cutmix_alpha == 0.7f);
  REQUIRE(strong.soft_targets);
  CHECK(strong.soft_targets->label_smoothing == 0.1f);
  CHECK(strong.soft_targets->known.sub.empty());
  CHECK(strong.balanced->level == Level::sub);
  CHECK_FALSE(strong.balanced->unbalanced);
  CHECK(options(Part::super, {"sampler=balanced"}).balanced->level == Level::super);
  CHECK(options(Part::two_heads, {"sampler=balanced"}).balanced->level == Level::sub);

  const LoaderOptions exposed = options(Part::super, {"outlier_exposure=0.5", "sampler=balanced"});
  CHECK(exposed.balanced->unbalanced == 2);
  REQUIRE(exposed.soft_targets);
  CHECK(exposed.soft_targets->outlier_weight == 0.5f);
  CHECK(exposed.soft_targets->known.super == std::vector<std::uint8_t>{1, 1, 0});
  CHECK(exposed.soft_targets->known.sub == std::vector<std::uint8_t>{1, 1, 0, 0});  // b1 has no images
  const Config config = make_config({"outlier_exposure=0.5"});
  CHECK(validation_loader_options(config, data, Device::cpu()).soft_targets);
  CHECK(novel_mask(config, classes(), Level::super, Device::cpu()).to_vector<float>() ==
        std::vector<float>{0, 0, kMaskedLogit});
}

TEST_CASE("training setup: loss options") {
  const Config config =
      make_config({"label_smoothing=0.1", "kl_alpha=0.3", "kl_direction=head_to_implied", "kl_detach=head",
                   "kl_temperature=2", "approach=two_models", "teacher_weight=0.2"});
  const StudyLossOptions options = make_loss_options(config, classes(), Device::cpu());
  CHECK(options.cross_entropy.label_smoothing == doctest::Approx(0.1));
  CHECK(options.kl_weight == doctest::Approx(0.3));
  CHECK(options.kl.direction == HierarchicalKlOptions::Direction::head_to_implied);
  CHECK(options.kl.detach == HierarchicalKlOptions::Detach::head);
  CHECK(options.kl.temperature == 2);
  CHECK(options.consistency_weight == doctest::Approx(0.2));
}

TEST_CASE("training setup: weights that are none are found before a run begins") {
  const test::TemporaryFolder folder;
  CHECK_NOTHROW(check_backbone_weights(Config{}, {}));
  CHECK_THROWS_AS(check_backbone_weights(Config{}, folder / "absent.pth"), Error);
  write_file(folder / "text.pth", "hello");
  CHECK_THROWS_WITH_AS(check_backbone_weights(Config{}, folder / "text.pth"), doctest::Contains("text.pth"),
                       Error);
}
