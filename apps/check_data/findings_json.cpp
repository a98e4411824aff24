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

/// Of a folder or zip; null if all was taken.
Json passed_over_json(const PassedOver& files) {
  if (files.count() == 0) return nullptr;
  Json json = {{"path", files.where()}, {"files", files.count()}, {"reasons", Json::array()}};
  for (const PassedOver::Kind& kind : files.kinds())
    json["reasons"].push_back({{"reason", kind.name}, {"files", kind.count}, {"examples", kind.examples}});
  return json;
}

Json alike_json(const CheckedImages& images, const Alike& group) {
  Json json = {{"same_pixels", group.same_pixels},
               {"mirrored", group.mirrored},
               {"several_classes", group.several_classes},
               {"labelled_and_to_be_predicted", group.in_both},
               {"images", Json::array()}};
  for (std::size_t i = 0; i < group.images.size(); ++i) {
    Json image = image_json(images, group.images[i]);
    image["mirrored"] = static_cast<bool>(group.is_mirrored[i]);
    json["images"].push_back(std::move(image));
  }
  return json;
}

}  // namespace

Json findings_json(const CheckedImages& images, const Findings& findings) {
  Json json = {{"labelled_images", images.labelled()},
               {"images_to_be_predicted", images.count() - images.labelled()},
               {"warnings", warnings_of(images, findings)}};
  json["passed_over"] = Json::array();
  for (const PassedOver& files : images.passed_over) {
    Json of_one = passed_over_json(files);
    if (!of_one.is_null()) json["passed_over"].push_back(std::move(of_one));
  }
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
