#include "data/class_names.h"

#include <algorithm>

#include "engine/core/nearest.h"

namespace tern {
namespace {

/// What a subclass is called where several superclasses have one of its name.
std::string qualified_name(const std::string& superclass, const std::string& subclass) {
  return superclass + "/" + subclass;
}

}  // namespace

void ClassTree::add(const std::string& superclass, const std::string& subclass) {
  if (subclasses_[superclass].insert(subclass).second) ++holders_[subclass];
}

std::size_t ClassTree::subclass_count() const {
  std::size_t count = 0;
  for (const auto& [superclass, subclasses] : subclasses_) count += subclasses.size();
  return count;
}

ClassTable ClassTree::table() const {
  ClassTable classes;
  for (const auto& [superclass, subclasses] : subclasses_) {
    for (const std::string& subclass : subclasses) {
      classes.subclass_names.push_back(holders_.at(subclass) > 1 ? qualified_name(superclass, subclass)
                                                                 : subclass);
      classes.subclass_to_super.push_back(classes.superclass_count());
    }
    classes.superclass_names.push_back(superclass);
  }
  classes.superclass_names.emplace_back(kNovelClass);
  classes.subclass_names.emplace_back(kNovelClass);
  classes.subclass_to_super.push_back(classes.novel_superclass());
  return classes;
}

ClassNames::ClassNames(const ClassTable& classes) : classes_(classes) {
  for (const Level level : kLevels) {
    std::int32_t index = 0;
    for (const std::string& name : classes.names(level)) index_of_[level].emplace(name, index++);
  }
}

std::optional<std::int32_t> ClassNames::superclass(const std::string& name) const {
  const auto found = index_of_.super.find(name);
  if (found == index_of_.super.end()) return std::nullopt;
  return found->second;
}

std::vector<std::int32_t> ClassNames::subclasses(const std::string& superclass,
                                                 const std::string& name) const {
  if (name == kNovelClass) return {classes_.novel_subclass()};
  const std::optional<std::int32_t> wanted = this->superclass(superclass);
  for (const std::string& called : {qualified_name(superclass, name), name}) {
    std::vector<std::int32_t> found;
    const auto [begin, end] = index_of_.sub.equal_range(called);
    for (auto entry = begin; entry != end; ++entry) {
      const std::int32_t lies_in = classes_.subclass_to_super[static_cast<std::size_t>(entry->second)];
      if (lies_in < 0 || lies_in == wanted) found.push_back(entry->second);
    }
    if (!found.empty()) return found;
  }
  return {};
}

std::string ClassNames::nearest_text(Level level, const std::string& name) const {
  if (const auto found = index_of_.sub.find(name); level == Level::sub && found != index_of_.sub.end()) {
    const auto lies_in = static_cast<std::size_t>(
        std::max(0, classes_.subclass_to_super[static_cast<std::size_t>(found->second)]));
    return ", which lies in superclass \"" + classes_.superclass_names[lies_in] + "\"";
  }
  return nearest_remark(name, classes_.names(level));
}

}  // namespace tern
