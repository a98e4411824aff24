#include "apps/measure/level_rates.h"

#include "apps/measure/level_groups.h"

namespace tern {
namespace {

/// Of images that are all to be called novel; none if there are no images.
std::optional<NoveltyCounts> count_all_novel(const std::vector<std::int64_t>& images,
                                             const std::vector<std::int32_t>& answers, std::int32_t novel) {
  if (images.empty()) return std::nullopt;
  return count_novelty(std::vector<std::int32_t>(images.size(), novel), answers, novel);
}

}  // namespace

LevelRates level_rates(const StudyData& data, Level level, double tau, const PartAnswers& answers) {
  const std::vector<std::int32_t>& labels = data.dataset.labels(level);
  const std::int32_t novel = data.dataset.classes.novel(level);
  const Split& split = data.split;
  LevelRates rates{tau, {}, {}, {}};
  rates.validation =
      count_novelty(labels_of(labels, split.validation), answers.validation[level].classes, novel);
  const std::vector<std::int32_t>& pseudo = answers.pseudo_novel[level].classes;
  if (level == Level::sub) {
    rates.pseudo = count_all_novel(split.pseudo_novel, pseudo, novel);
  } else if (!split.pseudo_novel.empty()) {
    rates.pseudo = count_novelty(labels_of(labels, split.pseudo_novel), pseudo, novel);
  }
  rates.pseudo_super =
      count_all_novel(split.pseudo_novel_super, answers.pseudo_novel_super[level].classes, novel);
  return rates;
}

}  // namespace tern
