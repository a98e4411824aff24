// A run's networks as torchvision's models have them: `conv1.weight`, `layer1.0.bn1.running_mean`, ...
//
// A run of two networks leads their names by "super." and "sub.". A network's only head is torchvision's `fc` if it is
// linear; other heads keep their names (models/heads.h): `super_head.weight`, `sub_head.0.scale`, `head.weight`.
#pragma once

#include "apps/measure/study_models.h"
#include "engine/io/state_dict.h"

namespace tern {

/// The tensors share their elements with the models. Adds to `metadata`:
///   networks   JSON; what leads the names of each network: [""] or ["super.", "sub."]
///   heads      JSON; of each head its level, name (as its tensors begin, with the last dot left out), kind and classes
///   format     "pt", which readers of safetensors ask for
StateDict torch_weights(const StudyModels& models, Metadata& metadata);

}  // namespace tern
