// The files of a folder or zip that are no images by their names: counted by kind, to be told to people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern {

class PassedOver {
 public:
  static constexpr const char* kSubFolder = "sub-folder";
  static constexpr std::size_t kExamples = 3;

  struct Kind {
    std::string name;  ///< reads after a number: ".webp", "hidden", kSubFolder
    std::int64_t count = 0;
    std::vector<std::string> examples;  ///< the first kExamples in natural order
  };

  PassedOver() = default;
  /// Of the folder or zip `where`.
  explicit PassedOver(std::string where) : where_(std::move(where)) {}

  void add(const std::string& kind, const std::string& name);
  /// The kind of a file by its name: ".webp", or "without extension".
  static std::string kind_of(const std::string& name);

  const std::string& where() const { return where_; }
  std::int64_t count() const;
  std::vector<Kind> kinds() const;  ///< the most frequent first
  /// Whether a file of this name, without folders, is among them.
  bool contains(const std::string& name) const { return names_.contains(name); }
  /// "2 .webp (a.webp), 1 sub-folder (x/)": the most frequent kinds first, with the first name of each.
  std::string kinds_text() const;
  /// "passed over 2 files and 1 folder of WHERE: <kinds_text()>\n"; empty if there are none.
  std::string text() const;

 private:
  std::string where_;
  std::map<std::string, Kind> kinds_;  // by name
  std::int64_t folders_ = 0;           // among them: names that end with a slash
  std::set<std::string> names_;
};

}  // namespace tern
