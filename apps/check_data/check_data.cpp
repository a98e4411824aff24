#include "apps/check_data/check_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "apps/check_data/findings.h"
#include "apps/check_data/findings_json.h"
#include "apps/check_data/findings_page.h"
#include "apps/check_data/findings_text.h"
#include "apps/page/html.h"
#include "apps/run/study_data.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

void add(CheckedImages& images, const std::vector<std::string>& names, std::vector<ImageFacts> facts) {
  images.names.insert(images.names.end(), names.begin(), names.end());
  images.facts.insert(images.facts.end(), facts.begin(), facts.end());
}

/// What training would refuse.
void check_findings(const fs::path& data, const CheckedImages& images, const Findings& findings) {
  if (!findings.unreadable.empty()) {
    throw Error(
        data.string(), "images that can be read",
        findings.unreadable.size() == 1
            ? "1 that cannot: " + images.facts[static_cast<std::size_t>(findings.unreadable.front())].error
            : fmt::format("{} that cannot", findings.unreadable.size()));
  }
  const auto classes = std::count_if(findings.classes.begin(), findings.classes.end(),
                                     [](const ClassCount& count) { return count.images > 0; });
  if (classes < 2)
    throw Error(data.string(), "labelled images of at least 2 classes, to be told apart", "of 1");
}

}  // namespace

int check_data(const CheckDataOptions& options) {
  prepare_runtime(options.runtime);
  const fs::path to_predict = options.images.empty() ? find_test_images(options.data) : options.images;
  if (!options.out.empty()) {
    check_writable("--out", options.out);
    check_not_data("--out", options.out, options.data);
    check_not_input("--out", options.out, "the images", to_predict);
    if (!to_predict.empty()) check_not_image("--out", options.out, to_predict);
    check_page_place("--out", options.out);
  }
  LabelledImages labelled = open_study(options.data);
  const std::unique_ptr<ImageSource> others = to_predict.empty() ? nullptr : ImageSource::open(to_predict);

  CheckedImages images;
  images.passed_over = {std::move(labelled.dataset.passed_over)};
  if (others) images.passed_over.push_back(others->passed_over());
  for (const PassedOver& files : images.passed_over) warn("{}", files.text());
  images.classes = std::move(labelled.dataset.classes);
  images.superclasses = std::move(labelled.dataset.superclasses);
  images.subclasses = std::move(labelled.dataset.subclasses);
  add(images, labelled.dataset.names, look_at(*labelled.source, labelled.dataset.names, "labelled"));
  if (others) add(images, others->names(), look_at(*others, others->names(), "to predict"));
  const Findings findings = findings_of(images);
  if (options.print == ResultForm::text) print_now(stdout, findings_text(images, findings));
  if (options.print == ResultForm::json) print_json(findings_json(images, findings));
  if (!options.out.empty()) {
    write_file(options.out, findings_page(images, findings, {labelled.source.get(), others.get()}));
    remark("written to {}\n", options.out.string());
  }
  std::fflush(stdout);
  check_findings(options.data, images, findings);
  return 0;
}

}  // namespace tern
