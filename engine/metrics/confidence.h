// The most probable class of each row of logits and how probable it is; below a threshold the answer is
// "novel".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tern {

struct MostProbable {
  std::vector<std::int32_t> classes;  ///< by row; the first of equals
  std::vector<float> probabilities;   ///< of that class: the row's largest softmax value
};

/// logits: [rows, class_count], row-major. Classes with allowed[c] == 0 are left out of the softmax as if
/// they had no column; an empty `allowed` allows all. A row with a NaN gets a NaN probability, which is below
/// every threshold. Throws Error if the sizes disagree or no class is allowed.
MostProbable most_probable(std::span<const float> logits, std::int32_t class_count,
                           std::span<const std::uint8_t> allowed = {});

/// Classes of this group are within reach of every row.
inline constexpr std::int32_t kEveryGroup = -2;

/// The same, but row i answers the most probable of the classes whose group is group_of_row[i] or
/// kEveryGroup. Its probability stays what it is among all allowed classes. A row without such a class
/// answers class_count - 1, the last one, with probability 0.
MostProbable most_probable_within(std::span<const float> logits, std::int32_t class_count,
                                  std::span<const std::uint8_t> allowed,
                                  std::span<const std::int32_t> group_of_class,
                                  std::span<const std::int32_t> group_of_row);

/// The classes, with novel_index wherever the probability is not at least tau.
std::vector<std::int32_t> threshold(const MostProbable& rows, double tau, std::int32_t novel_index);

}  // namespace tern
