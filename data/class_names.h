// Classes by their names. Whether folders or a table's rows name them, the same names make the same classes with the same
// numbers, and are found again by the same rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/dataset.h"
#include "data/image_source.h"

namespace tern {

/// Names as they are met, in any order and again and again the same: what the classes are.
class ClassTree {
 public:
  /// Neither is "novel".
  void add(const std::string& superclass, const std::string& subclass);

  std::size_t subclass_count() const;

  /// Superclasses in natural order, and superclass by superclass their subclasses in natural order; "novel" is added as the
  /// last. A subclass whose name lies in several superclasses is called "superclass/subclass".
  ClassTable table() const;

 private:
  struct NaturalLess {
    bool operator()(const std::string& a, const std::string& b) const { return natural_less(a, b); }
  };

  std::map<std::string, std::set<std::string, NaturalLess>, NaturalLess> subclasses_;  ///< by superclass
  std::unordered_map<std::string, int> holders_;  ///< of a subclass's name: how many superclasses
};

/// The indices of names in `classes`, which must outlive it.
class ClassNames {
 public:
  explicit ClassNames(const ClassTable& classes);

  std::optional<std::int32_t> superclass(const std::string& name) const;
  /// Of a subclass that lies in this superclass, as far as `classes` knows: "superclass/name" if there is one of that name,
  /// else `name`; "novel" is novel in any. Several where the names of `classes` are not unique.
  std::vector<std::int32_t> subclasses(const std::string& superclass, const std::string& name) const;

  /// Of a name that was not found: what may have been meant, as the end of an error's text.
  std::string nearest_text(Level level, const std::string& name) const;

 private:
  const ClassTable& classes_;
  ByLevel<std::unordered_multimap<std::string, std::int32_t>> index_of_;
};

}  // namespace tern
