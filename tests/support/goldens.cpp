#include "tests/support/goldens.h"

#include <charconv>
#include <fstream>
#include <span>
#include <sstream>

#include "engine/core/check.h"
#include "tests/support/source_folder.h"

namespace tern::test {

const reference::Array& GoldenCase::array(const std::string& name) const {
  const auto found = arrays_.find(name);
  if (found == arrays_.end()) throw Error("golden case", "an array " + name, "none");
  return found->second;
}

Tensor GoldenCase::tensor(const std::string& name) const {
  const reference::Array& values = array(name);
  return Tensor::from(Shape(std::span<const std::int64_t>(values.shape)),
                      std::vector<float>(values.values.begin(), values.values.end()));
}

std::vector<std::int32_t> GoldenCase::integers(const std::string& name) const {
  const reference::Array& values = array(name);
  return {values.values.begin(), values.values.end()};
}

std::map<std::string, GoldenCase> read_goldens(const std::string& file) {
  const std::string path = golden(file).string();
  std::ifstream stream(path);
  if (!stream) throw Error(path, "a readable file", "none");
  std::map<std::string, GoldenCase> cases;
  GoldenCase* current = nullptr;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string name;
    if (!(words >> name) || name[0] == '#') continue;
    if (name == "case") {
      words >> name;
      current = &cases[name];
      continue;
    }
    std::size_t rank = 0;
    if (current == nullptr || !(words >> rank)) throw Error(path, "<array> <rank> ...", line.substr(0, 60));
    std::vector<std::int64_t> shape(rank);
    for (std::int64_t& extent : shape) words >> extent;
    reference::Array values(shape);
    std::string word;
    for (double& value : values.values) {
      if (!(words >> word)) throw Error(path, "a number for each element of " + name, "fewer");
      const auto [end, error] =
          std::from_chars(word.data(), word.data() + word.size(), value);  // knows "nan"
      if (error != std::errc() || *end != '\0') throw Error(path, "a number in " + name, word);
    }
    current->arrays_[name] = std::move(values);
  }
  return cases;
}

}  // namespace tern::test
