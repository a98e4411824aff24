#include "apps/measure/tree_distance.h"

#include "engine/metrics/hierarchical_distance.h"

namespace tern {
namespace {

/// The nodes of true and answered classes of one kind of images.
struct Nodes {
  std::vector<std::int32_t> truth, answers;

  std::optional<double> distance(const ClassTree& tree) const {
    if (truth.empty()) return std::nullopt;
    return hierarchical_distance(tree, truth, answers).balanced_mean;
  }
};

/// The node that a pair of classes names. A known subclass is a leaf, whatever the superclass beside it.
std::int32_t node_of(const ClassTable& classes, std::int32_t super, std::int32_t sub) {
  const std::int32_t groups = classes.superclass_count() - 1;
  if (sub != classes.novel_subclass()) return sub;
  const std::int32_t leaves = classes.subclass_count() - 1;
  return super != classes.novel_superclass() ? leaves + super : leaves + groups;
}

}  // namespace

TreeDistances tree_distances(const StudyData& data, const PartAnswers& answers) {
  const ClassTable& classes = data.dataset.classes;
  std::vector<std::int32_t> groups = classes.subclass_to_super;
  groups.pop_back();  // of the novel subclass
  const ClassTree tree = two_level_tree(groups, classes.superclass_count() - 1);
  Nodes known, novel_subclass, novel_superclass;
  const auto add = [&](const std::vector<std::int64_t>& images, const ByLevel<Answers>& given,
                       bool held_out) {
    for (std::size_t i = 0; i < images.size() && i < given.sub.classes.size(); ++i) {
      const auto image = static_cast<std::size_t>(images[i]);
      const std::int32_t super = data.dataset.superclasses[image];
      const std::int32_t sub = held_out ? classes.novel_subclass() : data.dataset.subclasses[image];
      Nodes& kind = super == classes.novel_superclass() ? novel_superclass
                    : sub == classes.novel_subclass()   ? novel_subclass
                                                        : known;
      kind.truth.push_back(node_of(classes, super, sub));
      kind.answers.push_back(node_of(classes, given.super.classes[i], given.sub.classes[i]));
    }
  };
  add(data.split.validation, {answers.validation.super, answers.validation.sub}, false);
  add(data.split.pseudo_novel, {answers.pseudo_novel.super, answers.pseudo_novel.sub}, true);
  if (!answers.pseudo_novel_super.super.classes.empty()) {
    Nodes& kind = novel_superclass;
    for (std::size_t i = 0; i < answers.pseudo_novel_super.sub.classes.size(); ++i) {
      kind.truth.push_back(node_of(classes, classes.novel_superclass(), classes.novel_subclass()));
      kind.answers.push_back(node_of(classes, answers.pseudo_novel_super.super.classes[i],
                                     answers.pseudo_novel_super.sub.classes[i]));
    }
  }
  return {known.distance(tree), novel_subclass.distance(tree), novel_superclass.distance(tree)};
}

}  // namespace tern
