#include "models/heads.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "engine/core/check.h"
#include "engine/ops/cosine_head.h"
#include "engine/ops/relu.h"
#include "models/weight_names.h"

namespace tern {
namespace {

class LinearHead : public Head {
 public:
  LinearHead(std::int64_t features, std::int64_t classes, Initialiser& initialiser)
      : linear_(features, classes, initialiser) {}
  Variable forward(const Variable& features) const override { return linear_.forward(features); }
  void set_tf32(bool tf32) override { linear_.set_tf32(tf32); }
  void visit(const std::string& prefix, StateVisitor& visitor) const override {
    linear_.visit(prefix, visitor);
  }

 private:
  Linear linear_;
};

/// weight [classes, features], xavier_uniform: U(+-sqrt(6 / (features + classes))); scale [1].
class CosineHead : public Head {
 public:
  CosineHead(std::int64_t features, std::int64_t classes, Initialiser& initialiser)
      : weight_(initialiser.uniform({classes, features},
                                    std::sqrt(6.0f / static_cast<float>(features + classes)))),
        scale_(initialiser.constant({1}, kCosineScale)) {}
  Variable forward(const Variable& features) const override {
    return cosine_head(features, weight_, scale_, tf32_);
  }
  void set_tf32(bool tf32) override { tf32_ = tf32; }
  void visit(const std::string& prefix, StateVisitor& visitor) const override {
    visitor.parameter(prefix + "weight", weight_, ParameterKind::weight);
    visitor.parameter(prefix + "scale", scale_, ParameterKind::scale);
  }

 private:
  Variable weight_, scale_;
  bool tf32_ = false;
};

/// The numbers are the places in the reference's nn.Sequential; its ReLU, 1, has no state.
class CosineReluLinearHead : public Head {
 public:
  CosineReluLinearHead(std::int64_t features, std::int64_t classes, Initialiser& initialiser)
      : cosine_(features, classes, initialiser), linear_(classes, classes, initialiser) {}
  Variable forward(const Variable& features) const override {
    return linear_.forward(relu(cosine_.forward(features)));
  }
  void set_tf32(bool tf32) override {
    cosine_.set_tf32(tf32);
    linear_.set_tf32(tf32);
  }
  void visit(const std::string& prefix, StateVisitor& visitor) const override {
    cosine_.visit(prefix + "0.", visitor);
    linear_.visit(prefix + "2.", visitor);
  }

 private:
  CosineHead cosine_;
  Linear linear_;
};

}  // namespace

void check_spec(const ModelSpec& spec) {
  resnet_architecture(spec.architecture);
  if (spec.heads.empty()) throw Error("model", "at least one head", "none");
  std::set<std::string> names;
  for (const HeadSpec& head : spec.heads) {
    if (head.name.empty()) throw Error("model", "a name for each head", "an empty one");
    if (!names.insert(head.name).second) throw Error("model", "each head once", "'" + head.name + "' twice");
    constexpr std::int64_t kMaxClasses = 1 << 20;
    if (head.classes < 1 || head.classes > kMaxClasses) {
      throw Error("model", "1.." + std::to_string(kMaxClasses) + " classes for head '" + head.name + "'",
                  std::to_string(head.classes));
    }
  }
}

HeadKind parse_head_kind(const std::string& text) {
  for (const HeadKind kind : {HeadKind::linear, HeadKind::cosine, HeadKind::cosine_relu_linear}) {
    if (text == name_of(kind)) return kind;
  }
  throw Error("head", "'linear', 'cosine' or 'cosine_relu_linear'", "'" + text + "'");
}

const char* name_of(HeadKind kind) {
  switch (kind) {
    case HeadKind::linear:
      return "linear";
    case HeadKind::cosine:
      return "cosine";
    case HeadKind::cosine_relu_linear:
      return "cosine_relu_linear";
  }
  return "unknown";
}

ModelSpec ModelSpec::imagenet(const std::string& architecture, std::int64_t classes) {
  return {architecture, {{"fc", HeadKind::linear, classes}}, ""};
}

std::unique_ptr<Head> make_head(HeadKind kind, std::int64_t features, std::int64_t classes,
                                Initialiser& initialiser) {
  switch (kind) {
    case HeadKind::linear:
      return std::make_unique<LinearHead>(features, classes, initialiser);
    case HeadKind::cosine:
      return std::make_unique<CosineHead>(features, classes, initialiser);
    case HeadKind::cosine_relu_linear:
      return std::make_unique<CosineReluLinearHead>(features, classes, initialiser);
  }
  throw Error("head", "a known kind", "another");
}

Model::Model(ModelSpec spec, Initialiser initialiser)
    : spec_((check_spec(spec), std::move(spec))),
      backbone_(resnet_architecture(spec_.architecture), initialiser) {
  for (const HeadSpec& head : spec_.heads) {
    heads_.push_back(make_head(head.kind, feature_count(), head.classes, initialiser));
  }
}

std::vector<Variable> Model::forward(const Variable& images) {
  const bool use_folded = frozen_in_evaluation_ || (frozen_ && !training_);
  const Variable pooled = use_folded ? Variable(folded().forward(images.data())) : backbone_.forward(images);
  std::vector<Variable> logits;
  for (const auto& head : heads_) logits.push_back(head->forward(pooled));
  return logits;
}

std::vector<Tensor> Model::inference(const Tensor& images) {
  return head_logits(features(images));
}

Tensor Model::features(const Tensor& images) {
  check(!training_, "model", "evaluation mode for inference", "training mode");
  return folded().forward(images);
}

Tensor Model::feature_maps(const Tensor& images, int stage) {
  check(!training_, "model", "evaluation mode for inference", "training mode");
  return folded().maps(images, stage);
}

Variable Model::forward_from(int stage, const Variable& maps, std::size_t head) {
  check(!training_, "model", "evaluation mode for inference", "training mode");
  return heads_[head]->forward(backbone_.forward_from(stage, maps));
}

std::vector<Tensor> Model::head_logits(const Tensor& pooled_features) {
  const NoGrad no_grad;
  const Variable pooled(pooled_features);
  std::vector<Tensor> logits;
  for (const auto& head : heads_) logits.push_back(head->forward(pooled).data());
  return logits;
}

const FoldedResNet& Model::folded() {
  if (!folded_) folded_.emplace(backbone_);
  return *folded_;
}

void Model::visit(const std::string& prefix, StateVisitor& visitor) const {
  backbone_.visit(prefix + spec_.backbone_prefix, visitor);
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    heads_[i]->visit(prefix + spec_.heads[i].name + ".", visitor);
  }
}

void Model::set_training(bool training) {
  training_ = training;
  backbone_.set_training(training && !frozen_in_evaluation_);
  if (frozen_in_evaluation_ || !folded_) return;  // what was folded stays as it is
  if (!training) return folded_->update(backbone_);
  // Recorded work of a device reads it at its place; on the CPU the memory is worth more.
  if (backbone_.stem().conv.weight().data().device().is_cpu()) folded_.reset();
}

void Model::freeze(bool batch_norm_in_evaluation) {
  backbone_.set_requires_grad(false);
  frozen_ = true;
  frozen_in_evaluation_ = batch_norm_in_evaluation;
  forget_folded();
  set_training(training_);
}

void Model::set_precision(Precision precision) {
  backbone_.set_precision(precision);
  for (const auto& head : heads_) head->set_tf32(precision != Precision::fp32);
  forget_folded();
}

std::string Model::load_backbone(const WeightSource& source) {
  WeightFile file = read_weight_file(source.file, source.key);
  StateDict tensors = for_use(std::move(file.tensors));
  const auto is_of_backbone = [this](const NamedTensor& entry) {
    return entry.name.starts_with(spec_.backbone_prefix);
  };
  // A model of tern's: what is not its backbone is a head.
  if (std::any_of(tensors.begin(), tensors.end(), is_of_backbone)) {
    std::erase_if(tensors, std::not_fn(is_of_backbone));
    for (NamedTensor& entry : tensors) entry.name.erase(0, spec_.backbone_prefix.size());
  }
  const LoadOptions options{.ignored_prefixes = {"fc."}, .prefix = ""};
  const std::string note =
      join_notes(text_of(file.place), fit_names(tensors, backbone_.state_dict(), options.ignored_prefixes));
  load_state_dict(backbone_, tensors, with_note(source.file.string(), note), options);
  forget_folded();
  return note;
}

std::vector<ParameterEntry> Model::backbone_parameters() const {
  return backbone_.parameters(spec_.backbone_prefix);
}

std::vector<ParameterEntry> Model::head_parameters() const {
  std::vector<ParameterEntry> parameters;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    for (ParameterEntry& entry : heads_[i]->parameters(spec_.heads[i].name + ".")) {
      parameters.push_back(std::move(entry));
    }
  }
  return parameters;
}

std::size_t Model::head_index(const std::string& name) const {
  for (std::size_t i = 0; i < spec_.heads.size(); ++i) {
    if (spec_.heads[i].name == name) return i;
  }
  throw Error("model", "a head named '" + name + "'", "none");
}

}  // namespace tern
