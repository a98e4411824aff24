#include "apps/export/onnx_novelty.h"
#include "apps/common/level_words.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "engine/core/check.h"
#include "models/losses.h"
#include "models/novelty_state.h"

namespace tern {
namespace {

using Attributes = std::vector<OnnxAttribute>;

Attributes of_rows() {
  return {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{1}}};
}

Tensor floats(const Shape& shape, const std::vector<double>& values) {
  return Tensor::from(shape, std::vector<float>(values.begin(), values.end()));
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Tensor floats(const Matrix& matrix) {
  const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rounded = matrix.cast<float>();
  return Tensor::from(Shape{matrix.rows(), matrix.cols()},
                      std::span<const float>(rounded.data(), static_cast<std::size_t>(rounded.size())));
}

/// The relative Mahalanobis score of centred x, in a form that keeps its digits in f32: a difference of two distances,
/// each many times as large, would lose them.
///
///   min_c |L^-1 x - m_c|^2 - |T^-1 x|^2 = min_c (|m_c|^2 - 2 x' L^-T m_c) + x' (S^-1 - S0^-1) x
///
/// where S = L L', S0 = T T', and m_c the whitened means of classes. S0 - S is a multiple of the covariance of the
/// class means (models/novelty_distance.h), so with an orthonormal basis Q of the m_c
///
///   S^-1 - S0^-1 = Z (I - (Z' S0 Z)^-1) Z' = G G'     Z = L^-T Q
struct RelativeForm {
  Matrix linear;     ///< L^-T m_c by column, [D, classes]
  Matrix quadratic;  ///< G, [D, at most classes]
};

RelativeForm relative_form(const std::vector<double>& shared, const std::vector<double>& total,
                           const std::vector<double>& means, std::int64_t columns) {
  const Eigen::Map<const Matrix> lower(shared.data(), columns, columns),
      other(total.data(), columns, columns);
  const Eigen::Map<const Matrix> rows(means.data(), static_cast<std::int64_t>(means.size()) / columns,
                                      columns);
  const auto upper = lower.transpose().triangularView<Eigen::Upper>();
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> factored(rows.transpose());
  const Eigen::MatrixXd basis = factored.householderQ() * Eigen::MatrixXd::Identity(columns, factored.rank());
  const Eigen::MatrixXd z = upper.solve(basis);
  const Eigen::MatrixXd spread = other.transpose().triangularView<Eigen::Upper>() * z;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(spread.transpose() * spread);
  const Eigen::VectorXd roots = (1 - solver.eigenvalues().array().inverse()).max(0.0).sqrt();
  return {upper.solve(Eigen::MatrixXd(rows.transpose())), z * solver.eigenvectors() * roots.asDiagonal()};
}

/// The inverse of a lower triangular matrix [n, n], row-major.
std::vector<double> inverse_of(const std::vector<double>& lower, std::int64_t n) {
  std::vector<double> result(lower.size());
  Eigen::Map<Matrix> inverse(result.data(), n, n);
  inverse.setIdentity();
  Eigen::Map<const Matrix>(lower.data(), n, n).triangularView<Eigen::Lower>().solveInPlace(inverse);
  return result;
}

/// Of each row the sum of squares.
std::vector<double> squares_of(const std::vector<double>& rows, std::int64_t columns) {
  std::vector<double> squares(rows.size() / static_cast<std::size_t>(columns), 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    squares[i / static_cast<std::size_t>(columns)] += rows[i] * rows[i];
  }
  return squares;
}

/// One score of one level's model: every value is [batch, 1] where nothing else is said.
class ScoreNodes {
 public:
  /// `name` leads the names of all values.
  ScoreNodes(OnnxGraph& graph, std::string name, const NoveltyScorer& scorer, std::string features,
             std::string logits, std::int32_t classes, const OnnxHead& head)
      : graph_(graph),
        name_(std::move(name)),
        features_(std::move(features)),
        logits_(std::move(logits)),
        classes_(classes),
        head_(head) {
    scorer.write(NoveltyStateWriter(state_));
    known_ = numbers<std::uint8_t>("known");
  }

  std::string score(std::string_view which) {
    if (which == "max_softmax") return max_softmax(1);
    if (which == "temperature_scaled") return max_softmax(numbers<double>("temperature").front());
    if (which == "max_logit") return negative(largest(known_columns(logits_)));
    if (which == "energy") return energy(logits_);
    if (which == "react") return react();
    if (which == "knn") return nearest();
    if (which == "vim") return vim();
    const bool normalized = which.starts_with("normalized_");
    const std::string model = normalized ? "normalized_mahalanobis." : "mahalanobis.";
    if (which.ends_with("relative_mahalanobis")) return relative_mahalanobis(model, normalized);
    return mahalanobis(model, normalized);
  }

 private:
  std::string node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {}) {
    return graph_.node(op, name_ + "." + name, inputs, attributes);
  }
  std::string constant(const std::string& name, auto value) {
    return graph_.constant(name_ + "." + name, value);
  }
  std::string sum(const std::string& name, const std::string& rows) {
    return node("ReduceSum", name, {rows, constant(name + ".axes", std::vector<std::int64_t>{1})},
                {{"keepdims", std::int64_t{1}}});
  }
  std::string largest(const std::string& rows) { return node("ReduceMax", "largest", {rows}, of_rows()); }
  std::string negative(const std::string& x) { return node("Neg", "negative", {x}); }

  /// A field of the fitted score.
  template <typename T>
  std::vector<T> numbers(const std::string& field) {
    std::vector<T> values;
    NoveltyStateReader reader(state_);
    reader(field, values);
    return values;
  }

  /// [batch, known classes].
  std::string known_columns(const std::string& logits) {
    if (std::find(known_.begin(), known_.end(), 0) == known_.end()) return logits;
    std::vector<std::int64_t> columns;
    for (std::size_t c = 0; c < known_.size(); ++c) {
      if (known_[c] != 0) columns.push_back(static_cast<std::int64_t>(c));
    }
    return node("Gather", "known_logits", {logits, constant("known_columns", columns)},
                {{"axis", std::int64_t{1}}});
  }

  /// 1 - p of the most probable known class, summed from the others, so that p near 1 keeps its digits.
  std::string max_softmax(double temperature) {
    const std::string scaled =
        temperature == 1
            ? logits_
            : node("Div", "scaled", {logits_, constant("temperature", static_cast<float>(temperature))});
    const std::string probabilities = node("Softmax", "probabilities", {scaled}, {{"axis", std::int64_t{1}}});
    const std::string best = node("ArgMax", "best", {known_or_masked()},
                                  {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{1}}});
    std::vector<std::int64_t> columns(static_cast<std::size_t>(classes_));
    std::iota(columns.begin(), columns.end(), std::int64_t{0});
    const std::string is_best = node("Equal", "is_best", {best, constant("columns", columns)});
    return sum("others",
               node("Where", "other_probabilities", {is_best, constant("none", 0.0f), probabilities}));
  }

  /// [batch, classes]: the logits with kMaskedLogit for what is no known class.
  std::string known_or_masked() {
    if (std::find(known_.begin(), known_.end(), 0) == known_.end()) return logits_;
    const Tensor flags = Tensor::from_bytes(Shape{static_cast<std::int64_t>(known_.size())}, DType::boolean,
                                            std::as_bytes(std::span(known_)));
    return node("Where", "known_or_masked",
                {constant("known", flags), logits_, constant("masked", kMaskedLogit)});
  }

  std::string energy(const std::string& logits) {
    const std::string known = known_columns(logits), top = largest(known);
    const std::string powers = node("Exp", "powers", {node("Sub", "differences", {known, top})});
    const std::string logarithm = node("Log", "logarithm", {sum("sum", powers)});
    return negative(node("Add", "log_sum_exp", {top, logarithm}));
  }

  std::string react() {
    const std::string limit = constant("limit", numbers<float>("react_threshold").front());
    const std::string clipped = node("Min", "clipped", {features_, limit});
    return energy(head_.add_logits(graph_, clipped, name_ + ".logits"));
  }

  /// Features of length 1, [batch, D]; zeros stay zeros.
  std::string unit_features() {
    const std::string norm = node("ReduceL2", "norm", {features_}, of_rows());
    const std::string divisor = node("Max", "divisor", {norm, constant("least_norm", 1e-30f)});
    return node("Div", "unit_features", {features_, divisor});
  }

  /// The distance from the k-th nearest training vector.
  std::string nearest() {
    const auto columns = numbers<std::int64_t>("knn.columns").front();
    const std::vector<float> values = numbers<float>("knn.training");
    const std::string training = constant(
        "training", Tensor::from(Shape{static_cast<std::int64_t>(values.size()) / columns, columns}, values));
    const std::string units = unit_features();
    const std::string products = node("Gemm", "products", {units, training}, {{"transB", std::int64_t{1}}});
    const std::string found = name_ + ".nearest";
    graph_.node("TopK", {name_ + ".nearest_products", found},
                {products, constant("k", numbers<std::int64_t>("knn.k"))}, {{"axis", std::int64_t{1}}});
    const std::string last = constant("last", Tensor::from(Shape{}, std::vector<std::int64_t>{-1}));
    const std::string kth = node("Gather", "kth", {found, last}, {{"axis", std::int64_t{1}}});
    const std::string neighbours = node("Gather", "neighbours", {training, kth}, {{"axis", std::int64_t{0}}});
    return node("ReduceL2", "distance", {node("Sub", "difference", {units, neighbours})}, of_rows());
  }

  /// x - mean, [batch, D], of features as they are or of length 1.
  std::string centred_features(const std::string& model, bool normalized) {
    const std::vector<double> mean = numbers<double>(model + "mean");
    const std::string x = normalized ? unit_features() : features_;
    return node("Sub", "centred",
                {x, constant("mean", floats({static_cast<std::int64_t>(mean.size())}, mean))});
  }

  /// min_c (|m_c|^2 - 2 x'm_c), `means` by column.
  std::string nearest_class(const std::string& x, const Tensor& means, const std::vector<double>& squares) {
    const Tensor bias = floats({static_cast<std::int64_t>(squares.size())}, squares);
    const std::string distances =
        node("Gemm", "distances", {x, constant("class_means", means), constant("class_squares", bias)},
             {{"alpha", -2.0f}});
    return node("ReduceMin", "nearest", {distances}, of_rows());
  }

  std::string mahalanobis(const std::string& model, bool normalized) {
    const auto columns = numbers<std::int64_t>(model + "columns").front();
    const std::vector<double> means = numbers<double>(model + "means");
    const std::vector<double> inverse = inverse_of(numbers<double>(model + "shared"), columns);
    const std::string whitening = constant("whitening", floats({columns, columns}, inverse));
    const std::string white = node("Gemm", "white", {centred_features(model, normalized), whitening},
                                   {{"transB", std::int64_t{1}}});
    const Eigen::Map<const Matrix> rows(means.data(), static_cast<std::int64_t>(means.size()) / columns,
                                        columns);
    const std::string nearest =
        nearest_class(white, floats(Matrix(rows.transpose())), squares_of(means, columns));
    const std::string square = node("ReduceSumSquare", "white_square", {white}, of_rows());
    return node("Max", "distance", {node("Add", "square", {nearest, square}), constant("zero", 0.0f)});
  }

  std::string relative_mahalanobis(const std::string& model, bool normalized) {
    const auto columns = numbers<std::int64_t>(model + "columns").front();
    const std::vector<double> means = numbers<double>(model + "means");
    const RelativeForm form =
        relative_form(numbers<double>(model + "shared"), numbers<double>(model + "total"), means, columns);
    const std::string centred = centred_features(model, normalized);
    const std::string nearest = nearest_class(centred, floats(form.linear), squares_of(means, columns));
    const std::string between =
        node("MatMul", "between", {centred, constant("quadratic", floats(form.quadratic))});
    return node("Add", "relative",
                {nearest, node("ReduceSumSquare", "between_square", {between}, of_rows())});
  }

  std::string vim() {
    const auto columns = numbers<std::int64_t>("vim.columns").front();
    const std::vector<double> directions = numbers<double>("vim.directions");
    const std::string origin = constant("origin", floats({columns}, numbers<double>("vim.origin")));
    const std::string basis = constant(
        "directions", floats({columns, static_cast<std::int64_t>(directions.size()) / columns}, directions));
    const std::string outside =
        node("MatMul", "outside", {node("Sub", "centred", {features_, origin}), basis});
    const std::string residual = node("ReduceL2", "residual", {outside}, of_rows());
    const std::string alpha = constant("alpha", static_cast<float>(numbers<double>("vim.alpha").front()));
    known_ = numbers<std::uint8_t>("vim.known");
    return node("Add", "virtual", {energy(logits_), node("Mul", "virtual_logit", {residual, alpha})});
  }

  OnnxGraph& graph_;
  std::string name_, features_, logits_;
  std::int32_t classes_;
  const OnnxHead& head_;
  StateDict state_;
  std::vector<std::uint8_t> known_;
};

/// (value - mean) / deviation.
std::string add_standard(OnnxGraph& graph, const NoveltyConfidence::Standard& standard,
                         const std::string& value, const std::string& name) {
  const std::string mean = graph.constant(name + ".mean", static_cast<float>(standard.mean));
  const std::string deviation = graph.constant(name + ".deviation", static_cast<float>(standard.deviation));
  return graph.node("Div", name, {graph.node("Sub", name + ".less_mean", {value, mean}), deviation});
}

}  // namespace

void check_scores_for_onnx(const ByLevel<ScoreChoice>& choices, bool one_level) {
  for (const Level level : kLevels) {
    for (const ScoreTerm& term : choices[level].terms) {
      if (term.name != "gen" && term.name != "openmax") continue;
      throw Error(
          "--score",
          "a score that an ONNX graph computes as tern does: any but gen and openmax (--score "
          "max_softmax exports the largest probability)",
          text_of(choices[level], level) + ", which decides at the level " + level_word(level, one_level));
    }
  }
}

std::string OnnxScores::term(const ScoreTerm& term) {
  const auto [found, is_new] = terms_.try_emplace({term.of, term.name});
  if (!is_new) return found->second;
  const std::string name = std::string(name_of(term.of)) + "_score." + term.name;
  ScoreNodes nodes(graph_, name, *confidence_.scorers().front()[term.of], inputs_.features[term.of],
                   inputs_.logits[term.of], inputs_.classes[term.of], *inputs_.heads[term.of]);
  return found->second = nodes.score(term.name);
}

std::string OnnxScores::add_confidence(Level level) {
  const NoveltyConfidence::LevelScore& score = confidence_.level(level);
  if (score.choice.terms.empty()) return {};
  const std::string name = std::string(name_of(level)) + "_novelty";
  std::string sum;
  for (std::size_t t = 0; t < score.choice.terms.size(); ++t) {
    const std::string number = name + ".term" + std::to_string(t + 1);
    const std::string value =
        add_standard(graph_, score.of_terms[t].front(), term(score.choice.terms[t]), number);
    sum = t == 0 ? value : graph_.node("Add", number + ".sum", {sum, value});
  }
  const std::string known =
      graph_.node("Neg", name + ".known", {add_standard(graph_, score.of_sum, sum, name)});
  const std::string column = graph_.node("Sigmoid", name + ".confidence_column", {known});
  const std::string axes = graph_.constant(name + ".axes", std::vector<std::int64_t>{1});
  return graph_.node("Squeeze", name + ".confidence", {column, axes});
}

}  // namespace tern
