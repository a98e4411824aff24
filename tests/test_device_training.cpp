// A training on a device beside the CPU follows the CPU's: the same losses, checkpoints that either loads,
// and a resumed run that ends with the same checkpoints to the byte.
#include <doctest/doctest.h>

#include "apps/train/trainer.h"
#include "engine/backend/backend.h"
#include "engine/core/parallel.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "models/checkpoint.h"
#include "tests/support/skip.h"
#include "tests/support/tensors.h"
#include "tests/support/tiny_study.h"

using namespace tern;

namespace {

/// Eighteen images in three full batches, so that a step is recorded and replayed; three epochs are nine
/// steps; of the validation's one batch an epoch, the third is replayed. (Normalised over one or two values,
/// as in a last batch that is not full, a loss is its roundings'.)
class Fixture {
 public:
  Fixture() {
    set_thread_count(1);
    test::write_tiny_study(folder_ / "data", /*images_per_subclass=*/4);
  }

  Run train(const std::string& name, Device device, const std::vector<std::string>& more = {}) {
    std::vector<std::string> settings{"batch_size=6", "learning_rate=1e-5", "rotation_degrees=10"};
    settings.insert(settings.end(), more.begin(), more.end());
    Run run = Run::create(folder_ / name, test::tiny_config(settings));
    go_on(run, device);
    return run;
  }

  void go_on(Run& run, Device device) {
    const StudyData data = load_study_data(run.config, {folder_ / "data", {}});
    TrainerOptions options;
    options.device = device;
    Trainer trainer(run, Part::two_heads, data, options);
    trainer.train();
    was_recorded = trainer.is_recorded();
  }

  bool was_recorded = false;  ///< in the last training

 private:
  test::TemporaryFolder folder_;
};

/// Training and validation losses, epoch after epoch.
std::vector<double> losses_of(const Run& run) {
  const CsvTable csv = read_csv(run.metrics_file());
  std::vector<double> losses;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    losses.push_back(csv.number(row, csv.column("train_loss")));
    losses.push_back(csv.number(row, csv.column("val_loss")));
  }
  return losses;
}

std::vector<Device> devices_beside_the_cpu() {
  std::vector<Device> devices = test::devices();
  devices.erase(devices.begin());
  return devices;
}

}  // namespace

TEST_CASE("device training: follows the CPU's losses, resumes to the same bytes, in bf16 comes close") {
  if (test::devices().size() == 1) return test::skip_without_cuda("no device beside the CPU");
  for (const Device device : devices_beside_the_cpu()) {
    Fixture fixture;
    const Run cpu = fixture.train("cpu", Device::cpu(), {"epochs=3"});
    CHECK_FALSE(fixture.was_recorded);
    const Run whole = fixture.train("whole", device, {"epochs=3"});
    CHECK(fixture.was_recorded);
    const std::vector<double> wanted = losses_of(cpu), got = losses_of(whole);
    REQUIRE(got.size() == 6);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(wanted[i]).epsilon(1e-3));

    const LoadedModel model = load_model(whole.last_model(Part::two_heads));  // on the CPU
    const StateDict state = model.model.state_dict();
    CHECK(find(state, "backbone.bn1.num_batches_tracked")->to_vector<std::int64_t>().front() == 9);

    Run parted = fixture.train("parted", device, {"epochs=1"});
    parted.config.epochs = 3;
    fixture.go_on(parted, device);
    CHECK(read_file(whole.last_model(Part::two_heads)) == read_file(parted.last_model(Part::two_heads)));

    if (!backend_of(device).has_bfloat16()) continue;
    const Run half = fixture.train("half", device, {"precision=bf16", "epochs=1"});
    CHECK(losses_of(half)[0] == doctest::Approx(wanted[0]).epsilon(0.02));
  }
}

TEST_CASE(
    "device training: mixed batches, soft targets, a masked column and an averaged model follow the CPU's") {
  if (test::devices().size() == 1) return test::skip_without_cuda("no device beside the CPU");
  const std::vector<std::string> settings{"epochs=3",
                                          "random_erasing=0.5",
                                          "mixup=0.4",
                                          "ema_decay=0.5",
                                          "outlier_exposure=0.5",
                                          "sampler=balanced",
                                          "label_smoothing=0.1",
                                          "metric_counts_extra=false"};
  for (const Device device : devices_beside_the_cpu()) {
    Fixture fixture;
    const std::vector<double> wanted = losses_of(fixture.train("cpu", Device::cpu(), settings));
    const std::vector<double> got = losses_of(fixture.train("device", device, settings));
    CHECK(fixture.was_recorded);
    REQUIRE(got.size() == 6);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(wanted[i]).epsilon(1e-3));
  }
}
