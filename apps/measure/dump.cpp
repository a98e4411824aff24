#include "apps/measure/dump.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "apps/common/console.h"
#include "apps/common/ranks.h"
#include "apps/measure/on_ranks.h"
#include "apps/measure/study_models.h"
#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"

namespace tern {
namespace {

const std::vector<std::string> kParts{"train", "validation", "pseudo_novel", "pseudo_novel_super"};

/// The images to run, and where each comes from.
struct Selection {
  std::vector<std::int64_t> indices;
  std::vector<std::uint8_t> parts;
};

/// In the order of kParts.
std::array<const std::vector<std::int64_t>*, 4> parts_of(const Split& split) {
  return {&split.train, &split.validation, &split.pseudo_novel, &split.pseudo_novel_super};
}

std::vector<std::string> parts_with_images(const Split& split) {
  std::vector<std::string> names;
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    if (!parts_of(split)[part]->empty()) names.push_back(kParts[part]);
  }
  return names;
}

Selection select(const Split& split, const std::vector<std::string>& wanted) {
  const auto lists = parts_of(split);
  Selection selection;
  for (std::size_t part = 0; part < kParts.size(); ++part) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), kParts[part]) == wanted.end()) continue;
    selection.indices.insert(selection.indices.end(), lists[part]->begin(), lists[part]->end());
    selection.parts.resize(selection.indices.size(), static_cast<std::uint8_t>(part));
  }
  return selection;
}

Tensor rows_of(const std::vector<float>& values, std::int64_t rows) {
  return Tensor::from(Shape{rows, static_cast<std::int64_t>(values.size()) / rows}, values);
}

template <typename T>
Tensor picked(const std::vector<T>& values, const std::vector<std::int64_t>& indices) {
  std::vector<T> result;
  for (const std::int64_t index : indices) result.push_back(values[static_cast<std::size_t>(index)]);
  return Tensor::from(Shape{static_cast<std::int64_t>(result.size())}, result);
}

Metadata metadata_of(const StudyData& data, const Selection& selection) {
  Json names = Json::array();
  for (const std::int64_t index : selection.indices) {
    names.push_back(data.dataset.names[static_cast<std::size_t>(index)]);
  }
  const auto text = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  return {{"parts", text(kParts)},
          {"image_names", text(names)},
          {"superclass_names", text(data.dataset.classes.superclass_names)},
          {"subclass_names", text(data.dataset.classes.subclass_names)},
          {"held_out_subclasses", text(data.split.held_out)}};
}

StateDict tensors_of(const Run& run, const StudyData& data, const Selection& selection,
                     const Scores& scores) {
  const auto rows = static_cast<std::int64_t>(selection.indices.size());
  StateDict tensors;
  const auto add = [&](const char* name, const std::vector<float>& values) {
    if (!values.empty()) tensors.push_back({name, rows_of(values, rows)});
  };
  if (run.config.approach == Approach::two_heads) {
    add("features", scores.features.super);
  } else {
    add("super_features", scores.features.super);
    add("sub_features", scores.features.sub);
  }
  add("super_logits", scores.logits.super);
  add("sub_logits", scores.logits.sub);
  tensors.push_back({"superclasses", picked(data.dataset.superclasses, selection.indices)});
  tensors.push_back({"subclasses", picked(data.dataset.subclasses, selection.indices)});
  tensors.push_back({"part", Tensor::from(Shape{rows}, selection.parts)});
  tensors.push_back({"is_extra", picked(data.dataset.is_extra, selection.indices)});
  return tensors;
}

int dump_on(Communicator& ranks, const DumpOptions& options) {
  const Device device = prepare_ranks(ranks, options.runtime, "a dump");
  const Run run = Run::open(options.run);
  warn("{}", run.unfinished_text());
  if (options.out.extension() != ".safetensors")
    throw Error("--out " + options.out.string(), "a name that ends in .safetensors", "another");
  if (ranks.is_root()) check_writable("--out", options.out);
  run.check_not_own("--out", options.out);
  StudyModels models(run, device);
  const StudyData data = load_run_data(run, options.folders);
  const Selection selection = select(data.split, options.parts);
  if (selection.indices.empty()) {
    throw Error("--part",
                fmt::format("one of {}: the parts of this run that have images",
                            fmt::join(parts_with_images(data.split), ", ")),
                fmt::format("{}", fmt::join(options.parts, ", ")));
  }
  check_alike(ranks, "the images and labels", data.fingerprint);
  check_alike(ranks, "the models", fmt::format("{:08x}", models.fingerprint()));
  models.share_among(&ranks);
  const Scores scores = models.score(data.dataset, selection.indices, "dump", true);
  if (!ranks.is_root()) return 0;
  const StateDict tensors = tensors_of(run, data, selection, scores);
  write_safetensors(options.out, tensors, metadata_of(data, selection));
  remark("{} images, {} tensors, written to {}\n", selection.indices.size(), tensors.size(),
         options.out.string());
  return 0;
}

}  // namespace

int dump(const DumpOptions& options) {
  return on_ranks(options.runtime, [&](Communicator& ranks) { return dump_on(ranks, options); });
}

}  // namespace tern
