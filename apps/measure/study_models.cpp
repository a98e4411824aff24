#include "apps/measure/study_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "apps/common/non_finite.h"
#include "apps/common/progress.h"
#include "apps/common/recorded_step.h"
#include "apps/common/runtime.h"
#include "apps/measure/whole_batches.h"
#include "apps/train/training_setup.h"
#include "data/loader.h"
#include "engine/core/check.h"
#include "engine/io/event_log.h"
#include "models/checkpoint.h"
#include "models/grad_cam.h"
#include "models/novelty_vim.h"

namespace tern {
namespace {

Model load_best(const Run& run, Part part, const ClassTable& classes, Device device) {
  const std::filesystem::path file = run.best_model(part);
  if (!std::filesystem::exists(file)) {
    throw Error(file.string(), "a checkpoint (made after the first epoch of tern train)", "none");
  }
  LoadedModel loaded = load_model(file, device);
  const ModelSpec wanted = model_spec(run.config, part, classes);
  const std::vector<HeadSpec>& heads = loaded.model.spec().heads;
  const bool same = std::equal(
      heads.begin(), heads.end(), wanted.heads.begin(), wanted.heads.end(),
      [](const HeadSpec& a, const HeadSpec& b) { return a.name == b.name && a.classes == b.classes; });
  if (!same) throw Error(file.string(), "the heads that the run's summary.json describes", "others");
  return std::move(loaded.model);
}

void append(std::vector<float>& to, const Tensor& logits) {
  const std::vector<float> values = logits.to_vector<float>();
  to.insert(to.end(), values.begin(), values.end());
}

/// Of a level's head among those of its part.
std::size_t head_index(Part part, Level level) {
  return part == Part::two_heads && level == Level::sub ? 1 : 0;
}

const Tensor& find_parameter(const std::vector<ParameterEntry>& parameters, const std::string& name) {
  for (const ParameterEntry& entry : parameters) {
    if (entry.name == name) return entry.value.data();
  }
  throw Error("head", "a parameter " + name, "none");
}

}  // namespace

StudyModels::StudyModels(const Run& run, Device device) : config_(run.config), device_(device) {
  const ClassTable classes = run.classes();
  for (const Part part : parts_of(config_)) {
    members_.push_back({part, load_best(run, part, classes, device), run.best_model(part)});
    Model& model = members_.back().model;
    model.set_training(false);
    // A run of a GPU's precision can be evaluated anywhere.
    if (has_precision(device, config_.precision)) model.set_precision(config_.precision);
  }
}

void StudyModels::share_among(Communicator* ranks) {
  ranks_ = ranks != nullptr ? ranks : alone_.get();
}

bool StudyModels::has(Level level) const {
  return std::any_of(members_.begin(), members_.end(),
                     [&](const Member& member) { return has_level(member.part, level); });
}

std::vector<Level> StudyModels::levels() const {
  std::vector<Level> present;
  for (const Level level : kLevels) {
    if (has(level)) present.push_back(level);
  }
  return present;
}

std::vector<StudyModels::Network> StudyModels::networks() const {
  std::vector<Network> networks;
  for (const Member& one : members_) networks.push_back({one.part, one.model});
  return networks;
}

StudyModels::Member& StudyModels::member(Level level) {
  for (Member& one : members_) {
    if (has_level(one.part, level)) return one;
  }
  throw Error("run", std::string("a model of the level ") + name_of(level), "none");
}

StepOutputs StudyModels::outputs(const Tensor& images) {
  StepOutputs outputs;
  for (Member& one : members_) {
    outputs.features.push_back(one.model.features(images));
    for (Tensor& logits : one.model.head_logits(outputs.features.back())) {
      outputs.logits.push_back(std::move(logits));
    }
  }
  return outputs;
}

void StudyModels::keep(const StepOutputs& outputs, std::size_t images, bool with_features,
                       Scores& scores) const {
  // Reserved, as vectors that grow hold up to twice what they need: of thousands of classes gigabytes.
  const auto add = [images](std::vector<float>& to, const Tensor& rows) {
    to.reserve(images * static_cast<std::size_t>(rows.size(1)));
    append(to, rows);
  };
  auto features = outputs.features.begin();
  auto logits = outputs.logits.begin();
  for (const Member& one : members_) {
    if (with_features) scores.feature_count = features->size(1);
    for (const Level level : levels_of(one.part)) {
      if (with_features) add(scores.features[level], *features);
      add(scores.logits[level], *logits++);
    }
    ++features;
  }
}

Scores StudyModels::score(const Dataset& dataset, const std::vector<std::int64_t>& indices, const char* label,
                          bool with_features, const Augmentation& view) {
  Progress progress(label, static_cast<std::int64_t>(indices.size()), "images");
  const Scored show = [&progress](std::int64_t done) { progress.update(done); };
  return score(dataset, indices, show, with_features, view);
}

Scores StudyModels::score(const Dataset& dataset, const std::vector<std::int64_t>& indices,
                          const Scored& scored, bool with_features, const Augmentation& view) {
  const WholeBatches shares(static_cast<std::int64_t>(indices.size()), config_.batch_size, ranks_->size());
  Scores scores;
  std::int64_t round = 0, done = 0;
  const auto finish_round = [&](const StepOutputs& own) {
    for (int rank = 0; rank < ranks_->size(); ++rank) {
      const std::int64_t images = shares.size(round, rank);
      if (images == 0) break;
      keep(outputs_of(rank, own, images, with_features), indices.size(), with_features, scores);
      done += images;
    }
    ++round;
    scored(done);
  };
  std::vector<std::int64_t> own = shares.of_rank(ranks_->rank());
  for (std::int64_t& image : own) image = indices[static_cast<std::size_t>(image)];
  if (!own.empty()) score_batches(dataset, own, view, finish_round);
  while (round < shares.rounds()) finish_round({});  // the last one, of which this rank has no batch
  return scores;
}

void StudyModels::score_batches(const Dataset& dataset, const std::vector<std::int64_t>& indices,
                                const Augmentation& view,
                                const std::function<void(const StepOutputs&)>& found) {
  LoaderOptions loading = evaluation_loader_options(config_, device_);
  loading.transform = EvaluationTransform{view};
  const std::unique_ptr<BatchSource> batches = make_batches(dataset, indices, loading, device_);
  RecordedStep step("scoring step", device_, config_.batch_size,
                    [this](const Batch& batch) { return outputs(batch.images); });
  StepResults results(device_);
  const auto take = [&](const std::optional<StepResult>& result) {
    if (!result) return;
    check_finite(*result, dataset);
    found(result->outputs);
  };
  Batch batch;
  batches->start_epoch(0);
  while (batches->next(batch)) {
    take(with_memory_advice(config_.batch_size, [&] { return results.exchange(batch, step(batch)); }));
  }
  take(results.take_last());
}

StepOutputs StudyModels::outputs_of(int rank, const StepOutputs& own, std::int64_t images,
                                    bool with_features) const {
  if (ranks_->size() == 1) return own;
  const bool is_mine = rank == ranks_->rank();
  StepOutputs all;
  const auto add = [&](std::vector<Tensor>& to, const std::vector<Tensor>& from, std::int64_t columns) {
    Tensor rows = is_mine ? from[to.size()] : Tensor::empty({images, columns});
    ranks_->broadcast_from(rank, {static_cast<std::byte*>(rows.raw()), rows.bytes()});
    to.push_back(std::move(rows));
  };
  for (const Member& one : members_) {
    if (with_features) {
      add(all.features, own.features, one.model.feature_count());
    } else {
      all.features.emplace_back();
    }
    for (const HeadSpec& head : one.model.spec().heads) add(all.logits, own.logits, head.classes);
  }
  return all;
}

HeatMaps StudyModels::heat_maps(const Dataset& dataset, const std::vector<std::int64_t>& indices,
                                const std::vector<std::int32_t>& classes, Level level, const char* label) {
  Member& of_level = member(level);
  const std::unique_ptr<BatchSource> batches =
      make_batches(dataset, indices, evaluation_loader_options(config_, device_), device_);
  Progress progress(label, batches->images(), "images");
  HeatMaps maps;
  maps.stage = heat_map_stage(dataset.image_size);
  std::size_t done = 0;
  Batch batch;
  batches->start_epoch(0);
  while (batches->next(batch)) {
    const std::span<const std::int32_t> wanted =
        std::span(classes).subspan(done, static_cast<std::size_t>(batch.size()));
    const Tensor heat =
        grad_cam(of_level.model, batch.images, head_index(of_level.part, level), wanted, maps.stage);
    maps.rows = heat.size(1);
    maps.columns = heat.size(2);
    append(maps.values, heat);
    progress.update(static_cast<std::int64_t>(done += wanted.size()));
  }
  return maps;
}

void StudyModels::check_finite(const StepResult& result, const Dataset& dataset) const {
  const auto check_rows = [&](const Member& one, const Tensor& rows, const char* what) {
    const std::optional<NonFinite> found = find_non_finite(rows);
    if (!found) return;
    const std::int64_t image = result.images[static_cast<std::size_t>(found->row)];
    throw Error(one.file.string(), fmt::format("a model with finite {}", what),
                fmt::format("{} for {}", found->what, dataset.names[static_cast<std::size_t>(image)]));
  };
  auto features = result.outputs.features.begin();
  auto logits = result.outputs.logits.begin();
  for (const Member& one : members_) {
    for (std::size_t head = 0; head < one.model.spec().heads.size(); ++head) {
      check_rows(one, *logits++, "logits");
    }
    check_rows(one, *features++, "features");
  }
}

HeadFunction StudyModels::head(Level level) {
  Member& found = member(level);
  return
      [&model = found.model, index = head_index(found.part, level), device = device_](const Rows& features) {
        const Tensor rows = Tensor::from(Shape{features.count(), features.columns}, features.values);
        return model.head_logits(rows.to(device))[index].to_vector<float>();
      };
}

std::vector<float> StudyModels::head_origin(Level level, KnownColumns known) {
  const Member& found = member(level);
  const HeadSpec& spec = found.model.spec().heads[head_index(found.part, level)];
  if (spec.kind != HeadKind::linear) return {};
  const std::vector<ParameterEntry> parameters = found.model.head_parameters();
  const std::vector<float> weight = find_parameter(parameters, spec.name + ".weight").to_vector<float>();
  const std::vector<float> bias = find_parameter(parameters, spec.name + ".bias").to_vector<float>();
  const Rows rows{weight, found.model.feature_count()};
  std::vector<float> known_weight, known_bias;
  for (std::int64_t c = 0; c < rows.count(); ++c) {
    if (!is_known(known, c)) continue;
    known_weight.insert(known_weight.end(), rows.row(c).begin(), rows.row(c).end());
    known_bias.push_back(bias[static_cast<std::size_t>(c)]);
  }
  return tern::head_origin({known_weight, rows.columns}, known_bias);
}

std::uint32_t StudyModels::fingerprint() const {
  std::vector<float> heads;
  for (const Member& one : members_) {
    for (const ParameterEntry& parameter : one.model.head_parameters()) append(heads, parameter.value.data());
  }
  return crc32c(std::as_bytes(std::span(heads)));
}

}  // namespace tern
