// The files of a folder or zip that are no images by their names: counted by kind, to be told to people.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace tern {

class PassedOver {
 public:
  static constexpr const char* kSubFolder = "sub-folder";

  /// `kind` reads after a number: ".webp", "hidden", kSubFolder.
  void add(const std::string& kind, const std::string& name);
  /// The kind of a file by its name: ".webp", or "without extension".
  static std::string kind_of(const std::string& name);

  std::int64_t count() const;
  /// Whether a file of this name, without folders, is among them.
  bool contains(const std::string& name) const { return names_.contains(name); }
  /// "2 .webp (a.webp), 1 sub-folder (x/)": the most frequent kinds first, with the first name of each.
  std::string kinds_text() const;
  /// "passed over 3 files of DIR: <kinds_text()>\n"; empty if there are none.
  std::string text(const std::string& where) const;

 private:
  struct Kind {
    std::int64_t count = 0;
    std::string example;
  };
  std::map<std::string, Kind> kinds_;
  std::set<std::string> names_;
};

}  // namespace tern
