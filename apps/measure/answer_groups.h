// Images by what was answered, for a page of pictures, and which of them it shows where they are too many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "apps/measure/predictions.h"

namespace tern {

/// What an image's two answers say together; one of the three. novel_subclass: of a known superclass. Where there is one
/// level of classes it is a novel class, whichever answer says so, and nothing is a novel superclass.
enum class AnswerKind { novel_superclass, novel_subclass, known };

AnswerKind kind_of(const ClassTable& classes, std::int32_t superclass, std::int32_t subclass);

/// How many images are of a kind, and what it is called by programs ("novel_subclass") and people ("of a novel subclass of
/// a known superclass").
struct KindCount {
  AnswerKind kind = AnswerKind::known;
  std::string name, words;
  std::size_t images = 0;
};

/// Of every kind that there can be, known first; their sum is the number of images.
std::vector<KindCount> count_kinds(const ClassTable& classes, const ByLevel<Answers>& answers);

/// The class that two answers, or an image's two labels, say where there is one level of classes: the novel one if either is.
std::int32_t only_class(const ClassTable& classes, std::int32_t superclass, std::int32_t subclass);

/// Whether both answers to an image are its labels; with one level, whether only_class() of both is the same.
bool is_right(const Dataset& images, const ByLevel<Answers>& answers, std::size_t image);

struct AnswerGroup {
  AnswerKind kind = AnswerKind::known;
  std::int32_t superclass =
      0;  ///< the answer; of a known subclass, the superclass that it lies in; 0 with one level
  std::int32_t subclass = 0;         ///< the answer
  std::vector<std::int64_t> images;  ///< the most novel first
};

/// Those that have images: of a novel superclass, of a novel subclass of each superclass, and of each subclass, by
/// superclass. Where the levels disagree, an image is with the subclass that was answered, unless its superclass is novel.
std::vector<AnswerGroup> answer_groups(const ClassTable& classes, const Predictions& predictions);

/// At most `limit` of the images that the groups hold, ascending. All if they are no more. Else half of the limit for the
/// most novel of all, and the other half shared out: as many to each group, until it has no more, spread evenly over its
/// order.
std::vector<std::int64_t> choose_shown(const std::vector<AnswerGroup>& groups, const Predictions& predictions,
                                       std::size_t limit);

}  // namespace tern
