// A model's file and a training's state, as tern writes them into a run folder, and other people's names of tensors.
// Link: tern_models
// Dictionary: safetensors
// Parser: models/checkpoint.cpp:read_model_spec,load_,value_of,count_of,require_content,check_size,without_reserved
// Parser: models/module.cpp:load_state_dict,with_counter_type,negative_variance,non_finite,counter_value models/weight_names.cpp
#include "models/checkpoint.h"

#include "engine/optim/optimizer.h"
#include "models/weight_names.h"
#include "tests/fuzz/checks.h"

using namespace tern;

namespace {

/// Small enough for a fuzzer's file to fit.
class SmallNetwork : public Module {
 public:
  SmallNetwork() : initialiser_(Initialiser::zeros()), norm_(2, initialiser_), linear_(2, 3, initialiser_) {}
  void visit(const std::string& prefix, StateVisitor& visitor) const override {
    norm_.visit(prefix + "bn1.", visitor);
    linear_.visit(prefix + "fc.", visitor);
  }

 private:
  Initialiser initialiser_;
  BatchNorm2d norm_;
  Linear linear_;
};

}  // namespace

TERN_FUZZER(checkpoint) {
  static Model model({"resnet18", {{"head", HeadKind::linear, 3}}, "backbone."}, Initialiser::zeros());
  static const auto optimizer = make_optimizer("sgd", make_parameter_groups(model.parameters(), 0, false));
  static const SmallNetwork small;
  const fuzz::MemoryFile file(input);
  fuzz::read_weights(file.path());
  fuzz::accepted([&] { load_model(file.path()); });
  fuzz::accepted([&] { load_training_state(file.path(), model, *optimizer); });
  fuzz::accepted([&] {
    StateDict tensors = load_weights(file.path());
    find_classifier(tensors);
    fuzz::accepted([&] { load_state_dict(small, tensors, "fuzz.safetensors"); });
    fit_names(tensors, small.state_dict());
    fuzz::accepted([&] { load_state_dict(small, tensors, "fuzz.safetensors"); });
    fit_names(tensors, model.state_dict(), {"fc."});
  });
}
