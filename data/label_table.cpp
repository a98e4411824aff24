#include "data/label_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "data/image_source.h"
#include "engine/core/check.h"
#include "engine/io/utf8.h"

namespace tern {
namespace {

bool has_column(const CsvTable& table, const char* name) {
  return std::find(table.header.begin(), table.header.end(), name) != table.header.end();
}

}  // namespace

std::string in_quotes(const std::string& text) {
  return "\"" + text + "\"";
}

std::string at_line(const CsvTable& table, std::size_t row) {
  return table.path.string() + " line " + std::to_string(table.lines[row]);
}

std::int32_t index_at(const CsvTable& table, std::size_t row, std::size_t column, std::int64_t count) {
  const std::int64_t value = table.integer(row, column);
  if (value < 0 || value >= count) {
    throw Error(at_line(table, row),
                "0 to " + std::to_string(count - 1) + " in column " + in_quotes(table.header[column]),
                std::to_string(value));
  }
  return static_cast<std::int32_t>(value);
}

LabelTable::LabelTable(const std::filesystem::path& path)
    : table_(read_csv(path)), image_column_(table_.column("image")) {
  if (has_column(table_, "superclass_index") || has_column(table_, "subclass_index")) {
    columns_ = {table_.column("superclass_index"), table_.column("subclass_index")};
  } else if (has_column(table_, "superclass") || has_column(table_, "subclass")) {
    kind_ = Kind::by_name;
    columns_ = {table_.column("superclass"), table_.column("subclass")};
  } else if (has_column(table_, "class")) {
    kind_ = Kind::one_level;
    columns_.super = columns_.sub = table_.column("class");
  } else {
    throw Error(path.string(),
                "columns superclass_index and subclass_index, or superclass and subclass, or class", "none");
  }
  for (std::size_t row = 0; row < count(); ++row) {
    const auto [earlier, is_new] = row_of_.emplace(image(row), row);
    if (!is_new) {
      throw Error(at_line(table_, row), "each image once",
                  in_quotes(image(row)) + " as on line " + std::to_string(table_.lines[earlier->second]));
    }
  }
}

const std::string& LabelTable::field(std::size_t row, Level level) const {
  static const std::string only = kOnlySuperclass;
  const std::string& text = table_.rows[row][columns_[level]];
  return kind_ == Kind::one_level && level == Level::super && text != kNovelClass ? only : text;
}

ClassTable LabelTable::classes() const {
  const auto natural = [](const std::string& a, const std::string& b) { return natural_less(a, b); };
  ClassTable classes;
  for (const Level level : kLevels) {
    std::set<std::string, decltype(natural)> found(natural);
    for (std::size_t row = 0; row < count(); ++row) {
      const std::string& name = field(row, level);
      const std::string column = "column " + in_quotes(table_.header[columns_[level]]);
      if (name.empty()) throw Error(at_line(table_, row), "a name in " + column, "nothing");
      check_name_is_utf8(at_line(table_, row), "a class name", name);
      if (name != kNovelClass) found.insert(name);
    }
    std::vector<std::string>& names =
        level == Level::super ? classes.superclass_names : classes.subclass_names;
    names.assign(found.begin(), found.end());
    names.emplace_back(kNovelClass);
  }
  classes.subclass_to_super.assign(classes.subclass_names.size(), -1);
  classes.subclass_to_super.back() = classes.novel_superclass();
  return classes;
}

LabelReader::LabelReader(const LabelTable& labels, const ClassTable& classes)
    : labels_(labels), classes_(classes) {
  if (!labels.is_by_name()) return;
  for (const Level level : kLevels) {
    std::int32_t index = 0;
    for (const std::string& name : classes.names(level)) index_of_[level].emplace(name, index++);
  }
}

std::int32_t LabelReader::at(std::size_t row, Level level) const {
  const CsvTable& table = labels_.table();
  const std::size_t column = labels_.columns_[level];
  if (!labels_.is_by_name()) {
    const bool any = classes_.names(level).empty();
    return index_at(table, row, column, any ? INT32_MAX : classes_.count(level));
  }
  const std::string& name = labels_.field(row, level);
  const auto found = index_of_[level].find(name);
  if (found != index_of_[level].end()) return found->second;
  throw Error(at_line(table, row), "a class of the data in column " + in_quotes(table.header[column]),
              in_quotes(name));
}

}  // namespace tern
