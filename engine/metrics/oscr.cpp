#include "engine/metrics/oscr.h"

#include "engine/metrics/ranking.h"

namespace tern {

std::vector<OscrPoint> oscr_curve(std::span<const double> seen, std::span<const std::uint8_t> seen_correct,
                                  std::span<const double> novel) {
  check_scores("oscr", "seen", seen);
  check_scores("oscr", "novel", novel);
  if (seen.size() != seen_correct.size()) {
    throw Error("oscr", "a flag for each of " + std::to_string(seen.size()) + " seen scores",
                std::to_string(seen_correct.size()));
  }
  std::vector<ScoreGroup> groups = rank_scores(seen, novel, seen_correct);
  const auto seen_count = static_cast<double>(seen.size()), novel_count = static_cast<double>(novel.size());
  std::vector<OscrPoint> curve{{-std::numeric_limits<double>::infinity(), 0, 0}};
  std::int64_t kept_correct = 0, kept_novel = 0;
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    kept_correct += group->positive;
    kept_novel += group->negative;
    curve.push_back({group->score, static_cast<double>(kept_novel) / novel_count,
                     static_cast<double>(kept_correct) / seen_count});
  }
  return curve;
}

double oscr(std::span<const double> seen, std::span<const std::uint8_t> seen_correct,
            std::span<const double> novel) {
  const std::vector<OscrPoint> curve = oscr_curve(seen, seen_correct, novel);
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const double width = curve[i].false_positive_rate - curve[i - 1].false_positive_rate;
    area += width * (curve[i].correct_classification_rate + curve[i - 1].correct_classification_rate) / 2;
  }
  return area;
}

}  // namespace tern
