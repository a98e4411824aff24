// A table of labels, a row an image:
//   image,superclass_index,subclass_index    by index
//   image,superclass,subclass                by name
//   image,class                              by name, one level; the superclass is kOnlySuperclass
// Other columns are ignored. The last index of a level, and the name "novel", mean none of the classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>

#include "data/dataset.h"
#include "engine/io/csv.h"

namespace tern {

std::string in_quotes(const std::string& text);
/// "FILE line 3".
std::string at_line(const CsvTable& table, std::size_t row);
/// An integer of [0, count). Throws Error naming file, line and column.
std::int32_t index_at(const CsvTable& table, std::size_t row, std::size_t column, std::int64_t count);

class LabelTable {
 public:
  /// Throws Error for missing columns and for an image with two rows.
  explicit LabelTable(const std::filesystem::path& path);

  const CsvTable& table() const { return table_; }
  std::size_t count() const { return table_.rows.size(); }
  const std::string& image(std::size_t row) const { return table_.rows[row][image_column_]; }
  const std::unordered_map<std::string, std::size_t>& row_of() const { return row_of_; }  ///< by image
  bool is_by_name() const { return kind_ != Kind::by_index; }

  /// Of a table by name: the names that it holds, in natural order, and "novel"; subclass_to_super is -1 but for novel.
  ClassTable classes() const;

 private:
  friend class LabelReader;
  enum class Kind { by_index, by_name, one_level };

  const std::string& field(std::size_t row, Level level) const;

  CsvTable table_;
  std::size_t image_column_;
  Kind kind_ = Kind::by_index;
  ByLevel<std::size_t> columns_;  ///< the same with one level
  std::unordered_map<std::string, std::size_t> row_of_;
};

/// A table's labels as indices of `classes`; of any index where those are empty and the table is by index. Both must
/// outlive it.
class LabelReader {
 public:
  LabelReader(const LabelTable& labels, const ClassTable& classes);
  /// Throws Error naming file, line and column for what is no class.
  std::int32_t at(std::size_t row, Level level) const;

 private:
  const LabelTable& labels_;
  const ClassTable& classes_;
  ByLevel<std::unordered_map<std::string, std::int32_t>> index_of_;
};

}  // namespace tern
