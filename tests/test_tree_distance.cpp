#include "apps/measure/tree_distance.h"

#include <doctest/doctest.h>

#include "tests/support/tiny_level.h"

using namespace tern;

namespace {

/// Of each image the same pair of answers.
ByLevel<Answers> all_the_same(std::size_t images, std::int32_t super, std::int32_t sub) {
  ByLevel<Answers> answers;
  answers.super.classes.assign(images, super);
  answers.sub.classes.assign(images, sub);
  return answers;
}

}  // namespace

TEST_CASE("tree_distance: edges between a leaf, its superclass and the root, balanced over true nodes") {
  const StudyData data =
      test::made_up_study();  // 0, 1 in superclass 0; 2, 3 in 1; 1 held out; 4 and 2 are novel
  const auto distances = [&](std::int32_t super, std::int32_t sub) {
    return tree_distances(data, {all_the_same(data.split.validation.size(), super, sub),
                                 all_the_same(data.split.pseudo_novel.size(), super, sub),
                                 {}});
  };
  // Everything is called subclass 0: right for a third of the known nodes, four edges from the subclasses of the other
  // superclass; one edge from "novel, but of superclass 0", two from the root.
  const TreeDistances leaf = distances(0, 0);
  CHECK(*leaf.known == doctest::Approx((0 + 4 + 4) / 3.0));
  CHECK(*leaf.novel_subclass == 1);
  CHECK(*leaf.novel_superclass == 2);
  const TreeDistances inner = distances(0, 4);
  CHECK(*inner.known == doctest::Approx((1 + 3 + 3) / 3.0));
  CHECK(*inner.novel_subclass == 0);
  CHECK(*inner.novel_superclass == 1);
  const TreeDistances root = distances(2, 4);
  CHECK(*root.known == 2);
  CHECK(*root.novel_subclass == 1);
  CHECK(*root.novel_superclass == 0);
}

TEST_CASE("tree_distance: none of what there are no images of; a superclass never trained on is the root") {
  StudyData data = test::made_up_study();
  std::swap(data.split.pseudo_novel, data.split.pseudo_novel_super);
  const TreeDistances distances =
      tree_distances(data, {all_the_same(data.split.validation.size(), 2, 4),
                            {},
                            all_the_same(data.split.pseudo_novel_super.size(), 1, 4)});
  CHECK_FALSE(distances.novel_subclass);
  // The root is the truth of 7 images that are called so, and of 30 that are one edge away.
  CHECK(*distances.novel_superclass == doctest::Approx(30.0 / 37));
}
