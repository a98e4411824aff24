// Reads tests/goldens/*.txt: cases of named arrays, as make_ops_goldens.py writes them:
//   case <name>
//   <array> <rank> <extents...> <values...>
#pragma once

#include <map>
#include <string>

#include "engine/tensor/tensor.h"
#include "tests/reference/reference.h"

namespace tern::test {

class GoldenCase {
 public:
  const reference::Array& array(const std::string& name) const;  ///< throws Error if there is none
  Tensor tensor(const std::string& name) const;                  ///< the same as f32 on the CPU
  std::vector<std::int32_t> integers(const std::string& name) const;

 private:
  friend std::map<std::string, GoldenCase> read_goldens(const std::string& file);
  std::map<std::string, reference::Array> arrays_;
};

/// Every case of tests/goldens/<file>.
std::map<std::string, GoldenCase> read_goldens(const std::string& file);

}  // namespace tern::test
