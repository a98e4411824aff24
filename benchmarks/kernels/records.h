// What a Bench has written down.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "benchmarks/kernels/harness.h"

namespace tern::bench {

using Json = nlohmann::ordered_json;

struct Bench::Records {
  Json device;
  Json row;  ///< the one that has begun, else null
  Json rows = Json::array(), failed = Json::array(), left_out = Json::array();
  std::string side = kOurs;      ///< that is being measured
  std::set<std::string> others;  ///< the rows that sides other than tern have begun, as row_key() names them

  /// The rows, those of one kernel, shape and type behind one another, tern's first.
  std::vector<Json> side_by_side() const;
  /// What failed and what was left out, as a text.
  std::string not_measured() const;
};

/// Kernel, shape and type: what rows are compared by.
std::string row_key(const Json& row);
/// For tables: the kernel, and whose it is, if it is not tern's.
std::string kernel_cell(const Json& row);
/// For tables: the largest errors, and whether that is wrong.
std::string error_cell(const Json& row);

}  // namespace tern::bench
