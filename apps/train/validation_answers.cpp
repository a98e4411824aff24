#include "apps/train/validation_answers.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/core/check.h"

namespace tern {

void ValidationAnswers::add(const StepResult& step) {
  const std::size_t heads = step.outputs.answers.size();
  check(heads <= kHeads && step.outputs.probabilities.size() == heads, "validation answers",
        "an answer and its probability from two heads at most", "others");
  const std::size_t first = rows_.size();
  for (const std::int64_t image : step.images) {
    Row& row = rows_.emplace_back(Row{});
    row.step = step.step;
    row.image = image;
    row.heads = static_cast<std::int32_t>(heads);
  }
  for (std::size_t head = 0; head < heads; ++head) {
    const std::vector<std::int32_t> answers = step.outputs.answers[head].to_vector<std::int32_t>();
    const std::vector<float> probabilities = step.outputs.probabilities[head].to_vector<float>();
    for (std::size_t i = 0; i < answers.size(); ++i) {
      rows_[first + i].answers[head] = answers[i];
      rows_[first + i].probabilities[head] = probabilities[i];
    }
  }
}

ValidationAnswers::Gathered ValidationAnswers::gather(Communicator& ranks) const {
  const std::string mine(reinterpret_cast<const char*>(rows_.data()), rows_.size() * sizeof(Row));
  std::vector<Row> rows;
  for (const std::string& text : ranks.gather(mine)) {
    const std::size_t before = rows.size();
    rows.resize(before + text.size() / sizeof(Row));
    if (!text.empty()) std::memcpy(rows.data() + before, text.data(), text.size());
  }
  // Of a batch the ranks have shares in their order.
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.step < b.step; });
  Gathered all;
  if (rows.empty()) return all;
  const auto count = static_cast<std::int64_t>(rows.size());
  for (const Row& row : rows) all.images.push_back(row.image);
  for (std::size_t head = 0; head < static_cast<std::size_t>(rows.front().heads); ++head) {
    Tensor& answers = all.answers.emplace_back(Tensor::empty({count}, DType::i32));
    Tensor& probabilities = all.probabilities.emplace_back(Tensor::empty({count}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      answers.data<std::int32_t>()[i] = rows[i].answers[head];
      probabilities.data<float>()[i] = rows[i].probabilities[head];
    }
  }
  return all;
}

}  // namespace tern
