#include "apps/measure/dashboard.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace tern {
namespace {

struct DashboardRow {
  const char* set;
  const char* level;
  const char* metric;
  Percent value;
  const char* meaning;
};

void add_validation(std::vector<DashboardRow>& rows, const char* level, const NoveltyCounts& counts) {
  const auto add = [&](const char* metric, Percent value, const char* meaning) {
    if (value) rows.push_back({"validation", level, metric, value, meaning});
  };
  add("accuracy, all", counts.accuracy(), "right answers, CIFAR images (novel) among them");
  add("accuracy, seen", counts.seen_accuracy(), "known classes answered rightly");
  add("accuracy, novel (CIFAR)", counts.novel_accuracy(), "CIFAR images called novel");
  add("false-novel rate", counts.false_novel_rate(), "known classes called novel");
  add("misclassified rate", counts.misclassified_rate(), "known classes answered as another known class");
  add("1 - seen accuracy", counts.one_minus_accuracy(),
      "the sum of the two: the reference's \"false novel\"");
}

void add_pseudo(std::vector<DashboardRow>& rows, const Dashboard& dashboard) {
  const auto add = [&](const char* level, const char* metric, Percent value, const char* meaning) {
    if (value) rows.push_back({"pseudo-novel", level, metric, value, meaning});
  };
  if (dashboard.super && dashboard.super->pseudo) {
    const NoveltyCounts& counts = *dashboard.super->pseudo;
    add("super", "accuracy, seen", counts.seen_accuracy(),
        "their superclass, which is known, answered rightly");
    add("super", "false-novel rate", counts.false_novel_rate(), "their superclass called novel");
  }
  if (dashboard.sub && dashboard.sub->pseudo) {
    const NoveltyCounts& counts = *dashboard.sub->pseudo;
    add("sub", "called novel", counts.novel_accuracy(), "held-out subclasses called novel (good)");
    add("sub", "mapped to seen", percent(counts.novel - counts.novel_correct, counts.novel),
        "held-out subclasses answered as a known one (bad)");
  }
}

void add_pseudo_super(std::vector<DashboardRow>& rows, const char* level,
                      const std::optional<LevelDashboard>& dashboard) {
  if (!dashboard || !dashboard->pseudo_super) return;
  rows.push_back({"far held out", level, "called novel", dashboard->pseudo_super->novel_accuracy(),
                  "images of a superclass never trained on called novel (good)"});
}

Json level_json(const LevelDashboard& level, const NoveltyCounts& counts) {
  Json json = {{"tau", level.tau}};
  json.update(to_json(counts));
  return json;
}

}  // namespace

Json to_json(const NoveltyCounts& counts) {
  Json json = {{"seen_images", counts.seen}, {"novel_images", counts.novel}};
  const std::vector<std::pair<const char*, Percent>> rates{
      {"accuracy_overall_percent", counts.accuracy()},
      {"accuracy_seen_percent", counts.seen_accuracy()},
      {"accuracy_novel_percent", counts.novel_accuracy()},
      {"false_novel_rate_percent", counts.false_novel_rate()},
      {"misclassified_rate_percent", counts.misclassified_rate()},
      {"one_minus_seen_accuracy_percent", counts.one_minus_accuracy()}};
  for (const auto& [name, value] : rates) {
    if (value) json[name] = *value;
  }
  return json;
}

Json Dashboard::to_json() const {
  Json json = {{"settings", settings}};
  if (super) json["validation"]["super"] = level_json(*super, super->validation);
  if (sub) json["validation"]["sub"] = level_json(*sub, sub->validation);
  if (super && super->pseudo) json["pseudo_novel"]["super"] = level_json(*super, *super->pseudo);
  if (sub && sub->pseudo) json["pseudo_novel"]["sub"] = level_json(*sub, *sub->pseudo);
  if (super && super->pseudo_super)
    json["pseudo_novel_super"]["super"] = level_json(*super, *super->pseudo_super);
  if (sub && sub->pseudo_super) json["pseudo_novel_super"]["sub"] = level_json(*sub, *sub->pseudo_super);
  return json;
}

std::string Dashboard::table() const {
  std::vector<DashboardRow> rows;
  if (super) add_validation(rows, "super", super->validation);
  if (sub) add_validation(rows, "sub", sub->validation);
  add_pseudo(rows, *this);
  add_pseudo_super(rows, "super", super);
  add_pseudo_super(rows, "sub", sub);
  std::string text =
      fmt::format("{:<13} {:<6} {:<24} {:>9}  {}\n", "images", "level", "metric", "value", "meaning");
  for (const DashboardRow& row : rows) {
    text += fmt::format("{:<13} {:<6} {:<24} {:>7.2f} %  {}\n", row.set, row.level, row.metric, *row.value,
                        row.meaning);
  }
  text += "settings:";
  for (const auto& [key, value] : settings.items()) {
    text += fmt::format(" {}={}", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text + "\n";
}

}  // namespace tern
