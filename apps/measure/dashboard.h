// The numbers of an evaluation: a table for people and the same as JSON.
#pragma once

#include <optional>
#include <string>

#include "engine/io/json.h"
#include "engine/metrics/accuracy.h"

namespace tern {

/// One level of classes with its threshold.
struct LevelDashboard {
  double tau = 0;
  NoveltyCounts validation;             ///< novel: the CIFAR images
  std::optional<NoveltyCounts> pseudo;  ///< of held-out subclasses. Superclass level: all are seen there.
                                        ///< Subclass level: all count as novel
  std::optional<NoveltyCounts> pseudo_super;  ///< of a superclass never trained on: all count as novel
};

struct Dashboard {
  Json settings;  ///< what the numbers depend on, copied into the output
  std::optional<LevelDashboard> super, sub;

  Json to_json() const;
  std::string table() const;
};

/// The rates of one set as JSON, each named with its unit; those that nothing was counted for are left out.
Json to_json(const NoveltyCounts& counts);

}  // namespace tern
