#include "apps/export/torch_weights.h"

#include <string>
#include <vector>

#include "engine/io/json.h"

namespace tern {
namespace {

/// What a head is called: torchvision's name where it is torchvision's classifier.
std::string exported_name(const ModelSpec& spec, const HeadSpec& head) {
  return spec.heads.size() == 1 && head.kind == HeadKind::linear ? "fc" : head.name;
}

/// Of a tensor of a model, with its head by its exported name and without the backbone's prefix.
std::string exported_name(const ModelSpec& spec, const std::string& tensor) {
  if (tensor.starts_with(spec.backbone_prefix)) return tensor.substr(spec.backbone_prefix.size());
  for (const HeadSpec& head : spec.heads) {
    if (tensor.starts_with(head.name + "."))
      return exported_name(spec, head) + tensor.substr(head.name.size());
  }
  return tensor;
}

}  // namespace

StateDict torch_weights(const StudyModels& models, Metadata& metadata) {
  const std::vector<StudyModels::Network> networks = models.networks();
  StateDict tensors;
  Json prefixes = Json::array(), heads = Json::array();
  for (const StudyModels::Network& network : networks) {
    const ModelSpec& spec = network.model.spec();
    const std::vector<Level> levels = levels_of(network.part);
    const std::string prefix = networks.size() == 1 ? "" : std::string(name_of(levels.front())) + ".";
    prefixes.push_back(prefix);
    for (const NamedTensor& entry : network.model.state_dict()) {
      tensors.push_back({prefix + exported_name(spec, entry.name), entry.tensor});
    }
    for (std::size_t i = 0; i < levels.size(); ++i) {
      heads.push_back({{"level", name_of(levels[i])},
                       {"name", prefix + exported_name(spec, spec.heads[i])},
                       {"kind", name_of(spec.heads[i].kind)},
                       {"classes", spec.heads[i].classes}});
    }
  }
  metadata["networks"] = prefixes.dump();
  metadata["heads"] = heads.dump();
  metadata["format"] = "pt";
  return tensors;
}

}  // namespace tern
