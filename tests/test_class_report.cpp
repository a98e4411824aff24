#include "apps/measure/class_report.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "apps/measure/evaluation_json.h"
#include "apps/measure/evaluation_text.h"
#include "tests/support/tiny_level.h"

using namespace tern;

namespace {

/// 10 + 10 + 10 seen validation images of subclasses 0, 2, 3, then 7 novel ones.
Answers validation_answers() {
  Answers answers;
  answers.classes.assign(10, 0);
  for (int i = 0; i < 10; ++i) answers.classes.push_back(i < 6 ? 2 : 3);
  for (int i = 0; i < 10; ++i) answers.classes.push_back(i < 2 ? 4 : 3);
  answers.classes.insert(answers.classes.end(), 7, 4);
  return answers;
}

}  // namespace

TEST_CASE("class_report: recall and precision, and for a held-out class how often it is called novel") {
  const StudyData data = test::made_up_study();
  Answers pseudo;
  pseudo.classes.assign(30, 4);
  std::fill_n(pseudo.classes.begin(), 12, 0);
  const ClassReport report = make_class_report(data, Level::sub, validation_answers(), pseudo);
  const Json classes = classes_json(report);
  REQUIRE(classes.size() == 5);
  CHECK(classes[0].at("recall_percent") == 100.0);
  CHECK(classes[0].at("precision_percent").get<double>() ==
        doctest::Approx(100.0 * 10 / 22));  // 12 owls among them
  CHECK(classes[1].at("held_out") == true);
  CHECK(classes[1].at("recall_percent") == 60.0);
  CHECK_FALSE(classes[1].contains("precision_percent"));
  CHECK(classes[1].at("most_taken_for") == 0);  // novel is right
  CHECK(classes[1].at("taken_for_images") == 12);
  CHECK(classes[2].at("recall_percent") == 60.0);
  CHECK(classes[2].at("most_taken_for") == 3);
  CHECK(classes[3].at("called_novel") == 2);
  CHECK(classes[4].at("recall_percent") == 100.0);
  const Json confusion = confusion_json(report.matrix);
  CHECK(confusion[1] == Json({12, 0, 0, 0, 18}));
  CHECK(confusion[2] == Json({0, 0, 6, 4, 0}));
  const Json pairs = confusion_pairs_json(report.matrix);
  REQUIRE(pairs.size() == 8);
  CHECK(pairs[1] == Json({1, 0, 12}));
  CHECK(pairs[3] == Json({2, 2, 6}));
  const std::string text = worst_classes_text(report, 2);
  CHECK(text.find("the 2 worst of 5") != std::string::npos);
  CHECK(text.find("owl (held out)") != std::string::npos);
  CHECK(text.find("collie (4)") != std::string::npos);
  CHECK(text.find("crow (12)") != std::string::npos);  // what owls are taken for
  CHECK(text.find("  0 crow") == std::string::npos);
}

TEST_CASE("class_report: of very many classes evaluation.json has the pairs that came, not every cell") {
  const auto json_of = [](std::int32_t classes) {
    ConfusionMatrix matrix(classes);
    matrix.add(3, 4);
    Evaluation evaluation;
    evaluation.classes.push_back({Level::sub, {}, matrix});
    return to_json(evaluation);
  };
  const Json few = json_of(kWholeConfusion), many = json_of(kWholeConfusion + 1);
  CHECK(few.at("confusion_matrix_images").at("sub").size() == kWholeConfusion);
  CHECK_FALSE(few.contains("confusion_pairs_images"));
  CHECK(many.at("confusion_pairs_images").at("sub") == Json::array({Json({3, 4, 1})}));
  CHECK_FALSE(many.contains("confusion_matrix_images"));
}

TEST_CASE("class_report: superclasses count validation images alone") {
  const StudyData data = test::made_up_study();
  Answers answers;
  answers.classes.assign(10, 0);
  answers.classes.insert(answers.classes.end(), 20, 1);
  answers.classes.insert(answers.classes.end(), 7, 2);
  const ClassReport report = make_class_report(data, Level::super, answers, {});
  CHECK(report.matrix.total() == 37);
  CHECK(*report.matrix.accuracy() == 100);
  CHECK(worst_classes_text(report).find("superclasses:") != std::string::npos);
}
