#include "data/label_table.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <utility>

#include "engine/core/check.h"
#include "engine/io/utf8.h"

namespace tern {
namespace {

bool has_column(const CsvTable& table, const char* name) {
  return std::find(table.header.begin(), table.header.end(), name) != table.header.end();
}

/// Of an image's name that is no path from the folder or zip of the images: what it is; else nothing.
std::string fault_of_path(const std::string& image) {
  const auto is_slash = [](char c) { return c == '/' || c == '\\'; };
  const bool has_drive = image.size() > 2 && image[1] == ':' && is_slash(image[2]) &&
                         std::isalpha(static_cast<unsigned char>(image[0]));
  if (has_drive || (!image.empty() && is_slash(image[0]))) return ", which is absolute";
  const std::filesystem::path path = std::filesystem::path(image).lexically_normal();
  return !path.empty() && *path.begin() == ".." ? ", which leads out of them" : "";
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
    if (const std::string fault = fault_of_path(image(row)); !fault.empty()) {
      throw Error(at_line(table_, row), "a path within the images in column \"image\"",
                  in_quotes(image(row)) + fault);
    }
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

std::string LabelTable::text(std::size_t row, Level level) const {
  const std::string& text = field(row, level);
  return std::string(name_of(level)) + "class " + (is_by_name() ? in_quotes(text) : text);
}

void LabelTable::refuse_half_novel(std::size_t row) const {
  throw Error(at_line(table_, row), "a training image that is novel at both levels or at none",
              text(row, Level::super) + ", " + text(row, Level::sub));
}

ClassTable LabelTable::classes() const {
  ClassTree tree;
  for (std::size_t row = 0; row < count(); ++row) {
    for (const Level level : kLevels) {
      const std::string& name = field(row, level);
      const std::string column = "column " + in_quotes(table_.header[columns_[level]]);
      if (name.empty()) throw Error(at_line(table_, row), "a name in " + column, "nothing");
      check_name_is_utf8(at_line(table_, row), "a class name", name);
      if (name.starts_with(' ') || name.ends_with(' '))
        throw Error(at_line(table_, row), "a name without a space at its ends in " + column, in_quotes(name));
    }
    const std::string &superclass = field(row, Level::super), &subclass = field(row, Level::sub);
    if ((superclass == kNovelClass) != (subclass == kNovelClass)) refuse_half_novel(row);
    if (superclass != kNovelClass) tree.add(superclass, subclass);
  }
  return tree.table();
}

LabelReader::LabelReader(const LabelTable& labels, const ClassTable& classes)
    : LabelReader(labels, classes, {}) {}

LabelReader::LabelReader(const LabelTable& labels, const ClassTable& classes,
                         const ByLevel<std::vector<std::string>>& own_names)
    : labels_(labels), classes_(classes), own_names_(own_names), names_(classes) {
  for (const Level level : kLevels) {  // the same: no question even where two classes have one name
    if (own_names_[level] == classes.names(level)) own_names_[level].clear();
  }
}

LabelReader::Label LabelReader::label(std::size_t row, Level level) const {
  if (labels_.is_by_name()) return {-1, labels_.field(row, level)};
  const std::vector<std::string>& own = own_names_[level];
  const bool any = classes_.names(level).empty();
  const std::size_t count = own.empty() ? classes_.names(level).size() : own.size();
  const std::int32_t index = index_at(labels_.table(), row, labels_.columns_[level],
                                      any ? INT32_MAX : static_cast<std::int64_t>(count));
  if (own.empty()) return {index, std::nullopt};
  return {-1, own[static_cast<std::size_t>(index)]};
}

void LabelReader::refuse(std::size_t row, Level level, const std::string& name) const {
  const CsvTable& table = labels_.table();
  if (level == Level::super && labels_.kind_ == LabelTable::Kind::one_level) {
    throw Error(table.path.string(), "columns superclass and subclass, as there are two levels of classes",
                "a column class");
  }
  if (level == Level::super && classes_.has_one_level()) {
    throw Error(table.path.string(), "a column class, as there is one level of classes",
                "columns superclass and subclass");
  }
  const std::size_t column = labels_.columns_[level];
  const std::string by = labels_.is_by_name() ? "" : table.rows[row][column] + ", which is called ";
  throw Error(at_line(table, row), "a known class or \"novel\" in column " + in_quotes(table.header[column]),
              by + in_quotes(name) + names_.nearest_text(level, name));
}

ByLevel<std::int32_t> LabelReader::at(std::size_t row) const {
  Label super = label(row, Level::super), sub = label(row, Level::sub);
  if (super.name) {
    const std::optional<std::int32_t> found = names_.superclass(*super.name);
    if (!found) refuse(row, Level::super, *super.name);
    super.index = *found;
  }
  if (sub.name) {
    const std::string& superclass = classes_.superclass_names[static_cast<std::size_t>(super.index)];
    const std::vector<std::int32_t> found = names_.subclasses(superclass, *sub.name);
    if (found.empty()) refuse(row, Level::sub, *sub.name);
    if (found.size() > 1) {
      throw Error(at_line(labels_.table(), row), "the name of one class",
                  in_quotes(*sub.name) + ", which " + std::to_string(found.size()) + " have");
    }
    sub.index = found.front();
  }
  return {super.index, sub.index};
}

}  // namespace tern
