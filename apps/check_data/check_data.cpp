#include "apps/check_data/check_data.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "apps/check_data/findings.h"
#include "apps/check_data/findings_page.h"
#include "apps/check_data/findings_text.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

/// Null if there are none.
std::unique_ptr<ImageSource> images_to_predict(const CheckDataOptions& options) {
  if (!options.images.empty()) return ImageSource::open(options.images);
  for (const char* name : {"test_images", "test_images.zip"}) {
    if (fs::exists(options.data / name)) return ImageSource::open(options.data / name);
  }
  return nullptr;
}

void add(CheckedImages& images, const std::vector<std::string>& names, std::vector<ImageFacts> facts) {
  images.names.insert(images.names.end(), names.begin(), names.end());
  images.facts.insert(images.facts.end(), facts.begin(), facts.end());
}

void check_out(const CheckDataOptions& options) {
  if (options.out.empty()) return;
  try {
    check_writable(options.out);
  } catch (const Error& error) {
    throw Error("--out", error.what());
  }
  for (const char* file : {"train_data.csv", "superclass_mapping.csv", "subclass_mapping.csv",
                           "train_images.zip", "test_images.zip"})
    check_not_input("--out", options.out, "the data", options.data / file);
  check_not_input("--out", options.out, "the images", options.images);
}

}  // namespace

int check_data(const CheckDataOptions& options) {
  prepare_runtime(options.runtime);
  check_out(options);
  LabelledImages labelled = open_study(options.data);
  const std::unique_ptr<ImageSource> others = images_to_predict(options);
  if (!labelled.dataset.passed_over.empty()) fmt::print("{}", labelled.dataset.passed_over);

  CheckedImages images;
  images.classes = std::move(labelled.dataset.classes);
  images.superclasses = std::move(labelled.dataset.superclasses);
  images.subclasses = std::move(labelled.dataset.subclasses);
  add(images, labelled.dataset.names, look_at(*labelled.source, labelled.dataset.names, "labelled"));
  if (others) add(images, others->names(), look_at(*others, others->names(), "to predict"));
  const Findings findings = findings_of(images);
  fmt::print("{}", findings_text(images, findings));
  if (!options.out.empty()) {
    write_file(options.out, findings_page(images, findings, {labelled.source.get(), others.get()}));
    fmt::print("written to {}\n", options.out.string());
  }
  std::fflush(stdout);
  if (findings.unreadable.empty()) return 0;
  throw Error(options.data.string(), "images that can be read",
              fmt::format("{} that cannot: {}", findings.unreadable.size(),
                          images.facts[static_cast<std::size_t>(findings.unreadable.front())].error));
}

}  // namespace tern
