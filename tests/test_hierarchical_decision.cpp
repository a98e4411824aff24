#include "models/hierarchical_decision.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "engine/metrics/hierarchical_distance.h"

using namespace tern;
using doctest::Contains;

namespace {

using Values = std::vector<double>;

/// Three known groups of four, seven known classes of nine; group 2 has none that is known.
struct Case {
  std::vector<std::int32_t> group_of_class{0, 0, 1, 1, 1, 0, 2, 3, -7};
  std::vector<std::uint8_t> known_classes{1, 1, 1, 1, 1, 1, 0, 1, 0}, known_groups{1, 1, 1, 1, 0};
  std::int64_t count = 0;
  std::vector<float> group_logits, class_logits;
  Values novel_group, novel_class;

  Case(std::uint32_t stream, std::int64_t rows, double scale) : count(rows) {
    RandomStream random(16, random_purpose::test, stream);
    const auto draw = [&] { return static_cast<float>(scale * random.normal()); };
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::size_t g = 0; g < known_groups.size(); ++g) group_logits.push_back(draw());
      for (std::size_t c = 0; c < known_classes.size(); ++c) class_logits.push_back(draw());
      novel_group.push_back(random.uniform());
      novel_class.push_back(random.uniform());
    }
  }
  std::int64_t groups() const { return static_cast<std::int64_t>(known_groups.size()); }
  std::int64_t classes() const { return static_cast<std::int64_t>(known_classes.size()); }
  GroupedClasses grouped() const {
    return {{class_logits, classes()}, known_classes, group_of_class, static_cast<std::int32_t>(groups())};
  }
  HierarchicalInputs inputs() const {
    return {{group_logits, groups()}, known_groups, grouped(), novel_group, novel_class};
  }
  bool in(std::int64_t c, std::int64_t g) const {
    return known_classes[static_cast<std::size_t>(c)] && group_of_class[static_cast<std::size_t>(c)] == g;
  }
};

double exp_of(const std::vector<float>& logits, std::int64_t index) {
  return std::exp(static_cast<double>(logits[static_cast<std::size_t>(index)]));
}

/// A row of the distribution from its definition; by_group: P(novel class | g).
Values naive_row(const Case& data, std::int64_t i, const Values& by_group) {
  const std::int64_t G = data.groups(), C = data.classes();
  const double novel = data.novel_group[static_cast<std::size_t>(i)];
  double all_groups = 0;
  for (std::int64_t g = 0; g < G; ++g) {
    if (data.known_groups[static_cast<std::size_t>(g)]) all_groups += exp_of(data.group_logits, i * G + g);
  }
  Values row(static_cast<std::size_t>(C + G + 1), 0.0);
  row.back() = novel;
  for (std::int64_t g = 0; g < G; ++g) {
    if (!data.known_groups[static_cast<std::size_t>(g)]) continue;
    const double mass = (1 - novel) * exp_of(data.group_logits, i * G + g) / all_groups;
    double sum = 0, stop = by_group[static_cast<std::size_t>(g)];
    for (std::int64_t c = 0; c < C; ++c) sum += data.in(c, g) ? exp_of(data.class_logits, i * C + c) : 0;
    if (sum == 0) stop = 1;
    row[static_cast<std::size_t>(C + g)] = mass * stop;
    for (std::int64_t c = 0; c < C; ++c) {
      if (data.in(c, g))
        row[static_cast<std::size_t>(c)] = mass * (1 - stop) * exp_of(data.class_logits, i * C + c) / sum;
    }
  }
  return row;
}

/// How good it is to answer one node where another is true: right levels, or edges between them, negative.
double gain(const Case& data, const ClassTree& tree, std::int64_t answer, std::int64_t truth, NodeRule rule) {
  if (rule == NodeRule::expected_distance) {
    return -tree.distance(static_cast<std::int32_t>(answer), static_cast<std::int32_t>(truth));
  }
  const std::int64_t C = data.classes(), root = C + data.groups();
  const auto level1 = [&](std::int64_t node) {
    return node == root ? -1 : node >= C ? node - C : data.group_of_class[static_cast<std::size_t>(node)];
  };
  const auto level2 = [&](std::int64_t node) { return node < C ? node : -1; };
  return (level1(answer) == level1(truth)) + (level2(answer) == level2(truth));
}

}  // namespace

TEST_CASE("hierarchical_decision: the distribution of the definition, of sum 1") {
  for (const double scale : {0.5, 5.0, 30.0}) {
    CAPTURE(scale);
    Case data(1, 40, scale);
    for (const bool by_group : {false, true}) {
      CAPTURE(by_group);
      Values stops;
      RandomStream random(17, random_purpose::test);
      for (std::int64_t i = 0; i < data.count * data.groups(); ++i) {
        stops.push_back(by_group ? random.uniform()
                                 : data.novel_class[static_cast<std::size_t>(i / data.groups())]);
      }
      HierarchicalInputs inputs = data.inputs();
      if (by_group) inputs.novel_class = stops;
      const NodeDistribution distribution = node_distribution(inputs);
      REQUIRE(distribution.count() == data.count);
      REQUIRE(distribution.nodes() == data.classes() + data.groups() + 1);
      for (std::int64_t i = 0; i < data.count; ++i) {
        const auto begin = stops.begin() + i * data.groups();
        const Values wanted = naive_row(data, i, Values(begin, begin + data.groups()));
        const std::span<const double> row = distribution.row(i);
        for (std::size_t node = 0; node < row.size(); ++node) {
          CHECK(std::abs(row[node] - wanted[node]) < 1e-12);
        }
        CHECK(std::accumulate(row.begin(), row.end(), 0.0) == doctest::Approx(1).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("hierarchical_decision: no known node is a better answer, by all pairs of answer and truth") {
  for (const NodeRule rule : {NodeRule::expected_accuracy, NodeRule::expected_distance}) {
    CAPTURE(static_cast<int>(rule));
    Case data(2, 300, 2);
    for (double& p : data.novel_group) p *= 0.6;
    for (double& p : data.novel_class) p *= p;
    const ClassTree tree = two_level_tree(data.group_of_class, static_cast<std::int32_t>(data.groups()));
    const NodeDistribution distribution = node_distribution(data.inputs());
    const HierarchicalAnswers answers = decide(distribution, rule);
    std::vector<int> chosen(3, 0);
    for (std::int64_t i = 0; i < data.count; ++i) {
      const std::span<const double> p = distribution.row(i);
      const auto expected = [&](std::int64_t answer) {
        double sum = 0;
        for (std::size_t truth = 0; truth < p.size(); ++truth) {
          sum += p[truth] * gain(data, tree, answer, static_cast<std::int64_t>(truth), rule);
        }
        return sum;
      };
      const auto row = static_cast<std::size_t>(i);
      const std::int32_t answer = answers.nodes[row];
      REQUIRE(distribution.known_nodes[static_cast<std::size_t>(answer)] == 1);
      for (std::int32_t other = 0; other < distribution.nodes(); ++other) {
        if (distribution.known_nodes[static_cast<std::size_t>(other)]) {
          CHECK(expected(other) <= expected(answer) + 1e-12);
        }
      }
      if (rule == NodeRule::expected_accuracy) {
        CHECK(expected(answer) == doctest::Approx(answers.group_accuracy[row] + answers.class_accuracy[row]));
      }
      ++chosen[answers.classes[row] >= 0 ? 0 : answers.groups[row] >= 0 ? 1 : 2];
      if (answers.classes[row] >= 0) {
        CHECK(answers.classes[row] == answer);
        CHECK(answers.groups[row] == data.group_of_class[static_cast<std::size_t>(answer)]);
      } else if (answers.groups[row] >= 0) {
        CHECK(answers.groups[row] + data.classes() == answer);
      }
    }
    CAPTURE(chosen[0]);
    for (const int times : chosen) CHECK(times > 10);  // each kind of answer was tried
  }
}

TEST_CASE("hierarchical_decision: where two cuts disagree") {
  // Group 0 is likely and its two classes are equally so; a novel image is novel at the second level either
  // way.
  const std::vector<float> group_logits{std::log(0.9f), std::log(0.1f)};
  const std::vector<float> class_logits{0, 0, 0};
  const std::vector<std::int32_t> group_of_class{0, 0, 1};
  const auto decided = [&](double novel_group, double novel_class,
                           NodeRule rule = NodeRule::expected_accuracy) {
    const Values u{novel_group}, v{novel_class};
    const HierarchicalAnswers answers = decide(
        node_distribution({{group_logits, 2}, {}, {{class_logits, 3}, {}, group_of_class, 2}, u, v}), rule);
    return std::pair(answers.groups[0], answers.classes[0]);
  };
  using Answer = std::pair<std::int32_t, std::int32_t>;
  CHECK(decided(0.1, 0.1) ==
        Answer(0, 0));  // .81 + .3645, against .81 + .19 as a novel class; of equals the first
  CHECK(decided(0.1, 0.4) == Answer(0, -1));
  CHECK(decided(0.45, 0.1) == Answer(0, -1));  // .495 + .505, against .45 + .505 and .495 + .22
  CHECK(decided(0.5, 0.1) == Answer(-1, -1));
  CHECK(decided(0, 0) == Answer(0, 0));
  CHECK(decided(1, 0) == Answer(-1, -1));
  CHECK(decided(0, 1) == Answer(0, -1));
  // No class of the two of group 0 has over half of the mass, the group has.
  CHECK(decided(0.1, 0.1, NodeRule::expected_distance) == Answer(0, -1));
  CHECK(decided(0.45, 0.1, NodeRule::expected_distance) == Answer(-1, -1));
}

TEST_CASE("hierarchical_decision: ProHOC's entropies, by hand and from the definition") {
  const std::vector<float> logits{std::log(0.2f), std::log(0.2f), std::log(0.6f)};
  const std::vector<std::int32_t> group_of_class{0, 0, 1};
  const Values stops = entropy_of_groups({{logits, 3}, {}, group_of_class, 3});
  REQUIRE(stops.size() == 3);
  CHECK(stops[0] == doctest::Approx(std::log(2) / (0.4 + std::log(2))));
  CHECK(stops[1] == 0);  // a group of one class has no entropy
  CHECK(stops[2] == 1);  // no class
  const double entropy = -0.4 * std::log(0.2) - 0.6 * std::log(0.6);
  CHECK(entropy_of_root({{logits, 3}, {}, group_of_class, 3})[0] == doctest::Approx(entropy / (1 + entropy)));
  CHECK(entropy_of_root({{logits, 3}, {}, group_of_class, 3}, 0.5)[0] ==
        doctest::Approx(entropy / (2 + entropy)));
  CHECK(entropy_of_root({{logits, 3}, {}, group_of_class, 3}, 0)[0] == 0);

  Case data(4, 30, 3);
  const Values of_groups = entropy_of_groups(data.grouped()), of_root = entropy_of_root(data.grouped());
  for (std::int64_t i = 0; i < data.count; ++i) {
    double all = 0, root_entropy = 0;
    const auto p = [&](std::int64_t c) { return exp_of(data.class_logits, i * data.classes() + c); };
    const auto known = [&](std::int64_t c) { return data.known_classes[static_cast<std::size_t>(c)] != 0; };
    for (std::int64_t c = 0; c < data.classes(); ++c) all += known(c) ? p(c) : 0;
    for (std::int64_t c = 0; c < data.classes(); ++c) {
      if (known(c)) root_entropy -= p(c) / all * std::log(p(c) / all);
    }
    CHECK(of_root[static_cast<std::size_t>(i)] == doctest::Approx(root_entropy / (1 + root_entropy)));
    for (std::int64_t g = 0; g < data.groups(); ++g) {
      double mass = 0, group_entropy = 0;
      for (std::int64_t c = 0; c < data.classes(); ++c) mass += data.in(c, g) ? p(c) / all : 0;
      for (std::int64_t c = 0; c < data.classes(); ++c) {
        if (data.in(c, g)) group_entropy -= p(c) / all / mass * std::log(p(c) / all / mass);
      }
      const double wanted = mass == 0 ? 1 : group_entropy / (mass + group_entropy);
      CHECK(of_groups[static_cast<std::size_t>(i * data.groups() + g)] ==
            doctest::Approx(wanted).epsilon(1e-10));
    }
  }
}

TEST_CASE("hierarchical_decision: large logits, a group that has no mass, no rows") {
  const std::vector<float> group_logits{0, 3000}, class_logits{3e4f, 2e4f, -3e4f, -3e4f};
  const std::vector<std::int32_t> group_of_class{0, 0, 1, 1};
  const GroupedClasses classes{{class_logits, 4}, {}, group_of_class, 2};
  const Values u{0.25}, v{0.5};
  const NodeDistribution distribution = node_distribution({{group_logits, 2}, {}, classes, u, v});
  const Values wanted{0, 0, 0.1875, 0.1875, 0, 0.375, 0.25};
  CHECK(std::equal(wanted.begin(), wanted.end(), distribution.probabilities.begin()));
  CHECK(entropy_of_groups(classes) == Values{0, 1});  // all of the mass in one class; none in group 1
  CHECK(entropy_of_root(classes) == Values{0});

  const NodeDistribution none = node_distribution({{{}, 2}, {}, {{{}, 4}, {}, group_of_class, 2}, {}, {}});
  CHECK(none.count() == 0);
  CHECK(decide(none).nodes.empty());
}

TEST_CASE("hierarchical_decision: what cannot be decided") {
  const Case data(5, 2, 1);
  const auto with = [&](const auto& change) {
    Case changed = data;
    change(changed);
    return node_distribution(changed.inputs());
  };
  CHECK_THROWS_WITH_AS(with([](Case& c) { c.novel_group[1] = 1.5; }),
                       "hierarchical decision: wanted probabilities of a novel group, got 1.500000", Error);
  CHECK_THROWS_WITH_AS(with([](Case& c) { c.novel_class[0] = std::nan(""); }), Contains("a novel class"),
                       Error);
  CHECK_THROWS_WITH_AS(with([](Case& c) { c.novel_group.pop_back(); }), Contains("wanted 2 probabilities"),
                       Error);
  CHECK_THROWS_WITH_AS(with([](Case& c) { c.novel_class.push_back(0); }), Contains("wanted 10 probabilities"),
                       Error);
  CHECK_THROWS_WITH_AS(with([](Case& c) { c.group_of_class[0] = 5; }),
                       Contains("class 0 in one of 5 groups, got 5"), Error);
  CHECK_THROWS_WITH_AS(with([](Case& c) { c.group_of_class[0] = 4; }),
                       Contains("class 0 in a known group, got 4"), Error);
  CHECK_THROWS_AS(with([](Case& c) { c.group_of_class.pop_back(); }), Error);
  CHECK_THROWS_AS(with([](Case& c) { c.group_logits.resize(5); }), Error);
  CHECK_THROWS_AS(with([](Case& c) { c.class_logits.pop_back(); }), Error);
  CHECK_THROWS_AS(with([](Case& c) { c.class_logits[3] = NAN; }), Error);
  CHECK_THROWS_AS(with([](Case& c) { c.group_logits[3] = INFINITY; }), Error);
  CHECK_THROWS_AS(with([](Case& c) { c.known_groups.assign(5, 0); }), Error);
  CHECK_THROWS_AS(with([](Case& c) { c.known_classes.assign(9, 0); }), Error);
  HierarchicalInputs inputs = data.inputs();
  inputs.classes.group_count = 4;
  CHECK_THROWS_WITH_AS(node_distribution(inputs), Contains("wanted 4 columns of group logits, got 5"), Error);
  inputs.classes.group_count = -1;
  CHECK_THROWS_AS(node_distribution(inputs), Error);
  CHECK_THROWS_AS(entropy_of_groups(inputs.classes), Error);
  CHECK_THROWS_AS(entropy_of_root(data.grouped(), -1), Error);
  CHECK_THROWS_AS(entropy_of_root(data.grouped(), std::nan("")), Error);
}
