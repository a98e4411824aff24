// What an optimiser needs to know of a parameter, and how parameters are sorted into groups.
#pragma once

#include <string>
#include <vector>

#include "engine/autograd/variable.h"

namespace tern {

/// What a parameter does decides whether weight decay makes sense for it.
enum class ParameterKind {
  weight,  ///< of a convolution or a product
  bias,
  norm,   ///< gamma or beta of a normalisation
  scale,  ///< the temperature of a cosine head
};

const char* name_of(ParameterKind kind);  ///< "weight", "bias", ...

struct ParameterEntry {
  std::string name;  ///< as in the state dict, "backbone.conv1.weight"
  Variable value;    ///< a leaf; shares its value with the module
  ParameterKind kind = ParameterKind::weight;
};

/// Parameters that are treated alike.
struct ParameterGroup {
  std::vector<ParameterEntry> parameters;
  float learning_rate_factor = 1;
  float weight_decay = 0;
};

/// The parameters that require gradients, as one or two groups. With `decay_exempt` only those of kind weight
/// decay; without it all do. Empty groups are left
/// out; the order within a group is kept.
std::vector<ParameterGroup> make_parameter_groups(const std::vector<ParameterEntry>& parameters,
                                                  float weight_decay, bool decay_exempt,
                                                  float learning_rate_factor = 1);

}  // namespace tern
