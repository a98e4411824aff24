#include "apps/check_data/findings_json.h"

#include <vector>

#include "apps/check_data/findings_text.h"

namespace tern {
namespace {

/// The image's name and its classes; those of one to be predicted nobody knows.
Json image_json(const CheckedImages& images, std::int64_t index) {
  const auto at = static_cast<std::size_t>(index);
  Json json = {{"image", images.names[at]}, {"labelled", images.is_labelled(index)}};
  if (!images.is_labelled(index)) return json;
  json["superclass"] = images.classes.superclass_names[static_cast<std::size_t>(images.superclasses[at])];
  json["subclass"] = images.classes.subclass_names[static_cast<std::size_t>(images.subclasses[at])];
  return json;
}

Json range_json(const std::vector<std::int64_t>& sorted) {
  return {{"smallest", sorted.front()}, {"median", sorted[sorted.size() / 2]}, {"largest", sorted.back()}};
}

Json alike_json(const CheckedImages& images, const Alike& group) {
  Json json = {{"same_pixels", group.same_pixels},
               {"several_classes", group.several_classes},
               {"labelled_and_to_be_predicted", group.in_both},
               {"images", Json::array()}};
  for (const std::int64_t index : group.images) json["images"].push_back(image_json(images, index));
  return json;
}

}  // namespace

Json findings_json(const CheckedImages& images, const Findings& findings) {
  Json json = {{"labelled_images", images.labelled()},
               {"images_to_be_predicted", images.count() - images.labelled()},
               {"warnings", warnings_of(images, findings)}};
  if (!images.passed_over.empty())
    json["passed_over"] = images.passed_over.substr(0, images.passed_over.find('\n'));
  if (!findings.widths.empty()) {
    json["width_pixels"] = range_json(findings.widths);
    json["height_pixels"] = range_json(findings.heights);
  }
  json["classes"] = Json::array();
  for (const ClassCount& count : findings.classes) {
    json["classes"].push_back(
        {{"superclass", images.classes.superclass_names[static_cast<std::size_t>(count.superclass)]},
         {"subclass", images.classes.subclass_names[static_cast<std::size_t>(count.subclass)]},
         {"images", count.images}});
  }
  json["unreadable"] = Json::array();
  for (const std::int64_t index : findings.unreadable) {
    Json image = image_json(images, index);
    image["error"] = images.facts[static_cast<std::size_t>(index)].error;
    json["unreadable"].push_back(std::move(image));
  }
  json["alike"] = Json::array();
  for (const Alike& group : findings.alike) json["alike"].push_back(alike_json(images, group));
  return json;
}

}  // namespace tern
