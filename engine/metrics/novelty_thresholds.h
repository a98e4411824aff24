// Where to put the threshold of a novelty score, which may be any real number: an answer becomes "novel"
// where score > threshold. (engine/metrics/thresholds.h is about largest probabilities, where lower means
// novel.)
//
// Images come in groups, and each group has a weight: its share of the mix that is expected. With w_g the
// weight of a group over the sum of its side's weights (known or novel), and over the sum of all for the
// last:
//
//   kept(t)     = sum_known w_g |images of g with score <= t| / |g|
//   right(t)    = sum_known w_g |images of g with score <= t and a right class| / |g|
//   found(t)    = sum_novel w_g |images of g with score > t| / |g|
//   accuracy(t) = sum_known w_g (right of g) + sum_novel w_g (found of g): expected over the mix
//
// Between two neighbouring scores of any group all thresholds say the same, so that trying one in each gap,
// its middle, is trying all.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/metrics/accuracy.h"

namespace tern {

/// Images of one kind.
struct NoveltyGroup {
  bool is_novel = false;
  std::vector<double> scores;         ///< higher: more novel
  std::vector<std::uint8_t> correct;  ///< of a known group, by image: 1 if the class is right, were it kept
  /// Share of the mix, in any unit. None: the number of images. All groups have one, or none has.
  std::optional<double> weight = std::nullopt;
};

/// In percent; none where there are no such images.
struct NoveltyRates {
  double threshold = 0;
  Percent known_kept, known_right, novel_found;
  Percent harmonic_mean;      ///< of known_right and novel_found
  Percent expected_accuracy;  ///< over the mix
};

class NoveltyThresholds {
 public:
  /// A group without images or with a weight of 0 is left out. Throws Error{"novelty thresholds", ...} if no
  /// known image is left, a score is NaN, flags do not fit the scores, a weight is negative or not finite, or
  /// some groups have weights and others have none.
  explicit NoveltyThresholds(std::span<const NoveltyGroup> groups);

  NoveltyRates rates_at(double threshold) const;

  // The rules, O(n log n) each. Those that need novel images give none where there are none.

  /// The lowest threshold that keeps at least 1 - rate of the known images: one of their scores. Throws
  /// Error{"novelty thresholds", ...} unless 0 <= rate < 1.
  double lose_at_most(double rate) const;
  /// As high as finds at least `rate` of the novel images, in the middle of that gap between scores; none if
  /// no number is low enough, which only scores of -infinity can bring about. Throws
  /// Error{"novelty thresholds", ...} unless 0 < rate <= 1.
  std::optional<double> find_at_least(double rate) const;
  /// Of the largest accuracy(t); of several the highest, which calls the fewest images novel.
  std::optional<double> best_expected_accuracy() const;
  /// Of the largest harmonic mean of right(t) and found(t); of several the highest.
  std::optional<double> best_harmonic_mean() const;
  /// As many known images lost as novel ones missed, in shares, or as nearly as can be; of several the
  /// highest.
  std::optional<double> equal_error_rate() const;

 private:
  struct Counted {  ///< a group
    bool is_novel = false;
    double weight = 0;  ///< over the sum of its side's
    std::int64_t images = 0;
    std::vector<std::int64_t> kept, right;  ///< [i]: of the images with score <= scores_[i]
  };
  struct Shares {
    double kept = 0, right = 0, found = 0, accuracy = 0;
  };

  void count(const NoveltyGroup& group, double weight);
  // A cut keeps the scores before scores_[cut]: from first_cut_ to scores_.size().
  Shares shares(std::size_t cut) const;
  double threshold_of(std::size_t cut) const;
  template <typename Value>
  std::optional<double> best(const Value& value) const;

  std::vector<double> scores_;  ///< distinct, of all groups, rising
  std::vector<Counted> groups_;
  double known_weight_ = 0, novel_weight_ = 0;  ///< the sides', over the sum of both
  std::size_t first_cut_ = 0;                   ///< 1 if no threshold lies under the lowest score
};

/// A threshold by class.
struct ClassThresholdOptions {
  std::int64_t least_images = 20;  ///< a class with fewer known images has the threshold of all
  double prior_images = 20;        ///< how many images the threshold of all counts for in a class's own
};
using ThresholdRule = std::function<std::optional<double>(const NoveltyThresholds&)>;

/// By class, (n t_class + prior_images t_all) / (n + prior_images), where t_all is what the rule says of all
/// images, and t_class of those that are answered with the class, n known ones among them. A class with
/// n < least_images, or of which the rule says nothing or no finite number, has t_all. The images of a class
/// weigh what they weigh among all. answers: by group and image, the class that is answered if it is kept.
/// Throws Error{"novelty thresholds", ...} as the class above does; if the answers do not fit the scores or
/// are not in 0 .. class_count - 1; if an option is negative or not finite; or if the rule says nothing of
/// all images.
std::vector<double> class_thresholds(std::span<const NoveltyGroup> groups,
                                     std::span<const std::vector<std::int32_t>> answers,
                                     std::int32_t class_count, const ThresholdRule& rule,
                                     const ClassThresholdOptions& options = {});

}  // namespace tern
