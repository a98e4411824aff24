// A backbone with any list of heads on its pooled features.
//
//   linear              logits = W f + b                          <name>.weight, <name>.bias
//   cosine              logits = scale cos(f, w_c)                <name>.weight, <name>.scale
//   cosine_relu_linear  the reference's: linear(relu(cosine))     <name>.0.weight, <name>.0.scale,
//                                                                 <name>.2.weight, <name>.2.bias
//
// With the backbone under "backbone." and heads named "super_head" and "sub_head", or "head" alone, a saved
// model loads in the reference notebook with strict=True.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/resnet.h"

namespace tern {

enum class HeadKind { linear, cosine, cosine_relu_linear };

/// "linear", "cosine", "cosine_relu_linear"; throws Error naming the valid ones for any other.
HeadKind parse_head_kind(const std::string& text);
const char* name_of(HeadKind kind);

struct HeadSpec {
  std::string name;  ///< "super_head"; becomes the prefix of its tensors
  HeadKind kind = HeadKind::linear;
  std::int64_t classes = 0;
};

struct ModelSpec {
  std::string architecture;  ///< one of resnet_names()
  std::vector<HeadSpec> heads;
  std::string backbone_prefix = "backbone.";

  /// torchvision's own classifier: no prefix, one linear head "fc".
  static ModelSpec imagenet(const std::string& architecture, std::int64_t classes = 1000);
};

/// Throws Error for an unknown architecture, no head, a head without a name or with a number of classes
/// outside 1..2^20, or a name given twice.
void check_spec(const ModelSpec& spec);

/// The initial scale of a cosine head.
inline constexpr float kCosineScale = 30;

class Head : public Module {
 public:
  virtual Variable forward(const Variable& features) const = 0;  ///< [N, D] -> [N, classes]
  virtual void set_tf32(bool tf32) = 0;                          ///< whether its products may be TF32
};

std::unique_ptr<Head> make_head(HeadKind kind, std::int64_t features, std::int64_t classes,
                                Initialiser& initialiser);

/// Where weights come from: a file, and in one of several state dicts the key, as read_weight_file() takes
/// it.
struct WeightSource {
  WeightSource() = default;
  WeightSource(std::filesystem::path of_file, std::string with_key = {})  // a file alone is a source
      : file(std::move(of_file)), key(std::move(with_key)) {}

  bool empty() const { return file.empty(); }

  std::filesystem::path file;
  std::string key;
};

class Model : public Module {
 public:
  /// Throws Error where check_spec() does.
  Model(ModelSpec spec, Initialiser initialiser);

  /// images [N,H,W,3] f32 or bf16 -> the logits of each head, [N, classes], in the order of the spec. Records
  /// history where gradients are wanted.
  std::vector<Variable> forward(const Variable& images);

  /// For evaluation mode only (throws Error in training mode): the same without history, through the folded
  /// backbone, which is built on the first call, and folded again where the mode changes or weights are
  /// loaded.
  std::vector<Tensor> inference(const Tensor& images);
  Tensor features(const Tensor& images);  ///< [N, D], as inference()
  /// What a stage of the backbone gives, [N,P,Q,C]; the means over P, Q of the last one's are the features.
  Tensor feature_maps(const Tensor& images, int stage = kStages);
  std::vector<Tensor> head_logits(const Tensor& pooled_features);  ///< [N, D] -> the logits of each head
  /// The logits of one head, by its place in the spec, from feature_maps() of a stage, with history. For evaluation mode only.
  Variable forward_from(int stage, const Variable& maps, std::size_t head);

  void visit(const std::string& prefix, StateVisitor& visitor) const override;

  /// Training mode: the batch's statistics in batch normalisation, unless frozen. A new model is in training
  /// mode. Call it with true before the weights change, and with false before inference(), recorded or not.
  void set_training(bool training);
  bool training() const { return training_; }

  /// The backbone's parameters need no gradients any more. With batch_norm_in_evaluation (the corrected
  /// setting) its running statistics stay as they are too, and forward() takes the folded backbone; without
  /// it (the faithful one) they follow the batches in training mode.
  void freeze(bool batch_norm_in_evaluation);
  /// A new model computes in fp32. Throws Error if its device has no such precision.
  void set_precision(Precision precision);
  /// Counts a training's batch as num_batches_tracked, which forward() leaves to whoever trains.
  void count_batch() { backbone_.count_batch(); }
  bool frozen() const { return frozen_; }

  /// Copies the backbone of a file into this one: of a classifier of torchvision's, whose "fc." is passed
  /// over, also with the names that fit_names() of weight_names.h knows, or of a model of tern's with
  /// whatever heads. Call the free load_state_dict(model, ...) for a whole model, and then forget_folded().
  /// Returns what was taken and renamed, for people; empty if the file is a plain one.
  std::string load_backbone(const WeightSource& source);
  /// Says that weights were changed from outside while in evaluation mode. Work that was recorded with
  /// inference() in it must then be recorded anew; so it must after freeze(), set_precision() and
  /// load_backbone().
  void forget_folded() { folded_.reset(); }

  const ModelSpec& spec() const { return spec_; }
  std::int64_t feature_count() const { return backbone_.features(); }
  ResNet& backbone() { return backbone_; }
  const ResNet& backbone() const { return backbone_; }
  std::vector<ParameterEntry> backbone_parameters() const;
  std::vector<ParameterEntry> head_parameters() const;
  /// The place of a head in the results. Throws Error if there is none of that name.
  std::size_t head_index(const std::string& name) const;

 private:
  const FoldedResNet& folded();

  ModelSpec spec_;
  ResNet backbone_;
  std::vector<std::unique_ptr<Head>> heads_;
  std::optional<FoldedResNet> folded_;
  bool training_ = true, frozen_ = false, frozen_in_evaluation_ = false;
};

}  // namespace tern
