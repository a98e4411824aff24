// Comma-separated values as RFC 4180 has them: fields may be quoted, and then hold commas, line ends and
// doubled quotes. Line ends may be LF or CRLF, the last may be missing, and a UTF-8 byte order mark is
// skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

struct CsvTable {
  std::filesystem::path path;  ///< for messages
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  ///< each as long as the header
  std::vector<std::int64_t> lines;             ///< the line, counted from 1, on which rows[i] starts

  /// The index of a column. Throws Error naming the file, the column and those present.
  std::size_t column(std::string_view name) const;

  /// A field as a number, spaces around it allowed. Throws Error naming file, line, column and text.
  std::int64_t integer(std::size_t row, std::size_t column) const;
  double number(std::size_t row, std::size_t column) const;
};

/// The first line is the header. Blank lines are skipped. Throws Error{path, ...} with the line for rows of
/// another length than the header, unterminated or misplaced quotes, repeated column names, empty files,
/// UTF-16, and a header separated by semicolons, tabs or bars.
CsvTable read_csv(const std::filesystem::path& path);
CsvTable parse_csv(const std::filesystem::path& path, std::string_view text);  ///< path: for messages only

/// The fields as one line with its line end "\n", quoted where they need it.
std::string csv_line(std::span<const std::string> fields);

}  // namespace tern
