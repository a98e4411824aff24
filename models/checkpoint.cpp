#include "models/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <system_error>

#include "engine/core/check.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"

namespace tern {
namespace {

constexpr const char* kReserved = "tern.";
constexpr const char* kContent = "tern.content";
constexpr const char* kModelContent = "model 1";
constexpr const char* kStateContent = "training state 1";
constexpr const char* kArchitecture = "tern.architecture";
constexpr const char* kBackbonePrefix = "tern.backbone_prefix";
constexpr const char* kHeads = "tern.heads";
constexpr const char* kEpoch = "tern.epoch";
constexpr const char* kStepInEpoch = "tern.step_in_epoch";
constexpr const char* kGlobalStep = "tern.global_step";
constexpr const char* kOptimizerSteps = "tern.optimizer_steps";

Metadata with_reserved(const std::filesystem::path& path, const Metadata& given) {
  for (const auto& [key, value] : given) {
    if (key.starts_with(kReserved)) throw Error(path.string(), "metadata keys of your own", "'" + key + "'");
  }
  return given;
}

const std::string& value_of(const Metadata& metadata, const std::string& key, const std::string& source) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw Error(source, "metadata '" + key + "'", "none");
  return found->second;
}

std::int64_t count_of(const Metadata& metadata, const std::string& key, const std::string& source) {
  const std::string& text = value_of(metadata, key, source);
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw Error(source, "a number >= 0 as metadata '" + key + "'", "'" + text + "'");
  }
  return value;
}

void require_content(const Metadata& metadata, const char* wanted, const std::string& source) {
  const auto found = metadata.find(kContent);
  const std::string got = found == metadata.end() ? "a file without that mark" : "'" + found->second + "'";
  if (got != "'" + std::string(wanted) + "'") {
    throw Error(source, "a file that tern wrote with content '" + std::string(wanted) + "'", got);
  }
}

Metadata without_reserved(const Metadata& metadata) {
  Metadata rest;
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with(kReserved)) rest.emplace(key, value);
  }
  return rest;
}

/// Nothing is built from a description that claims more than the file holds.
void check_size(const ModelSpec& spec, const StateDict& tensors, const std::string& source) {
  std::int64_t held = 0;
  for (const NamedTensor& entry : tensors) held += entry.tensor.numel();
  const std::int64_t features = resnet_architecture(spec.architecture).features();
  for (const HeadSpec& head : spec.heads) {
    held -= std::min(held, features * head.classes);
    if (held > 0) continue;
    throw Error(source, "tensors for the heads that it describes",
                std::to_string(head.classes) + " classes for '" + head.name + "', more than it holds");
  }
}

StateDict with_prefix(const std::string& prefix, StateDict tensors) {
  for (NamedTensor& entry : tensors) entry.name = prefix + entry.name;
  return tensors;
}

constexpr const char* kAveragePrefix = "average.";

/// The optimiser's tensors by the names that a training state gives them.
StateDict named_state(const std::vector<OptimizerTensor>& moments) {
  StateDict state;
  for (const OptimizerTensor& entry : moments) state.push_back({"optimizer." + entry.name, entry.value});
  return state;
}

/// A training's parts as one module, so that all are checked before one is changed.
class TrainingState : public Module {
 public:
  TrainingState(const Model& model, const Optimizer& optimizer, const Model* average)
      : model_(model), optimizer_(optimizer), average_(average) {}

  void visit(const std::string& prefix, StateVisitor& visitor) const override {
    model_.visit(prefix + "model.", visitor);
    for (const NamedTensor& entry : named_state(optimizer_.state())) {
      visitor.buffer(prefix + entry.name, entry.tensor);
    }
    if (average_ != nullptr) average_->visit(prefix + kAveragePrefix, visitor);
  }

 private:
  const Model& model_;
  const Optimizer& optimizer_;
  const Model* average_;
};

/// `tensors` as for_file() gives them.
void write_model(const std::filesystem::path& path, const ModelSpec& spec, const StateDict& tensors,
                 const Metadata& metadata) {
  Metadata all = with_reserved(path, metadata);
  all[kContent] = kModelContent;
  all[kArchitecture] = spec.architecture;
  all[kBackbonePrefix] = spec.backbone_prefix;
  Json heads = Json::array();
  for (const HeadSpec& head : spec.heads) {
    heads.push_back({{"name", head.name}, {"kind", name_of(head.kind)}, {"classes", head.classes}});
  }
  all[kHeads] = heads.dump();
  write_safetensors(path, tensors, all);
}

}  // namespace

void save_model(const std::filesystem::path& path, const Model& model, const Metadata& metadata) {
  write_model(path, model.spec(), for_file(model.state_dict()), metadata);
}

ModelSpec read_model_spec(const Metadata& metadata, const std::string& source) {
  require_content(metadata, kModelContent, source);
  ModelSpec spec;
  spec.architecture = value_of(metadata, kArchitecture, source);
  spec.backbone_prefix = value_of(metadata, kBackbonePrefix, source);
  try {
    const Json heads = Json::parse(value_of(metadata, kHeads, source));
    for (const Json& head : heads) {
      spec.heads.push_back({head.at("name").get<std::string>(),
                            parse_head_kind(head.at("kind").get<std::string>()),
                            whole_number(head.at("classes"))});
    }
    check_spec(spec);
  } catch (const std::exception& error) {  // JSON's and ours
    throw Error(source, std::string("the description of the model cannot be used: ") + error.what());
  }
  return spec;
}

LoadedModel load_model(const std::filesystem::path& path, Device device) {
  WeightFile file = read_weight_file(path);
  const ModelSpec spec = read_model_spec(file.metadata, path.string());
  check_size(spec, file.tensors, path.string());
  LoadedModel loaded{Model(spec, Initialiser::zeros(device)), without_reserved(file.metadata)};
  load_state_dict(loaded.model, for_use(std::move(file.tensors)), path.string());
  loaded.model.set_training(false);
  return loaded;
}

TrainingSnapshot::TrainingSnapshot(const Model& model, const Optimizer& optimizer, const Model* average,
                                   const std::vector<OptimizerTensor>* moments)
    : spec_(model.spec()),
      optimizer_steps_(optimizer.step_count()),
      model_(for_file(model.state_dict())),
      optimizer_(for_file(named_state(moments != nullptr ? *moments : optimizer.state()))) {
  if (average != nullptr) average_ = for_file(average->state_dict());
}

std::string TrainingSnapshot::non_finite_text() const {
  StateDict all = model_;
  all.insert(all.end(), optimizer_.begin(), optimizer_.end());
  for (NamedTensor& entry : with_prefix(kAveragePrefix, average_)) all.push_back(std::move(entry));
  return tern::non_finite_text(all);
}

void TrainingSnapshot::save_model(const std::filesystem::path& path, const Metadata& metadata) const {
  write_model(path, spec_, average_.empty() ? model_ : average_, metadata);
}

void TrainingSnapshot::save_state(const std::filesystem::path& path, const TrainingProgress& progress) const {
  Metadata all = with_reserved(path, progress.extra);
  all[kContent] = kStateContent;
  all[kEpoch] = std::to_string(progress.epoch);
  all[kStepInEpoch] = std::to_string(progress.step_in_epoch);
  all[kGlobalStep] = std::to_string(progress.global_step);
  all[kOptimizerSteps] = std::to_string(optimizer_steps_);
  StateDict tensors = with_prefix("model.", model_);
  tensors.insert(tensors.end(), optimizer_.begin(), optimizer_.end());
  for (NamedTensor& entry : with_prefix(kAveragePrefix, average_)) tensors.push_back(std::move(entry));
  write_safetensors(path, tensors, all);
}

TrainingProgress load_training_state(const std::filesystem::path& path, Model& model, Optimizer& optimizer,
                                     Model* average) {
  const std::string source = path.string();
  WeightFile file = read_weight_file(path);
  require_content(file.metadata, kStateContent, source);
  TrainingProgress progress;
  progress.epoch = count_of(file.metadata, kEpoch, source);
  progress.step_in_epoch = count_of(file.metadata, kStepInEpoch, source);
  progress.global_step = count_of(file.metadata, kGlobalStep, source);
  const std::int64_t optimizer_steps = count_of(file.metadata, kOptimizerSteps, source);
  progress.extra = without_reserved(file.metadata);
  load_state_dict(TrainingState(model, optimizer, average), for_use(std::move(file.tensors)), source);
  optimizer.set_step_count(optimizer_steps);
  model.forget_folded();
  if (average != nullptr) average->forget_folded();
  return progress;
}

}  // namespace tern
