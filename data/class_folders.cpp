#include "data/class_folders.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "data/class_names.h"
#include "data/label_table.h"
#include "engine/core/check.h"
#include "engine/io/utf8.h"

namespace tern {
namespace {

constexpr int kDepth = 2;  // superclass/subclass/

/// Where an image lies: no folder, {class}, or {superclass, subclass}.
using Place = std::vector<std::string>;

Place place_of(const std::string& name) {
  Place place;
  std::size_t begin = 0;
  for (std::size_t end; (end = name.find('/', begin)) != name.npos; begin = end + 1) {
    place.push_back(name.substr(begin, end - begin));
  }
  return place;
}

bool is_novel(const Place& place) {
  return place.front() == kNovelClass;
}

bool is_to_be_predicted(const Place& place) {
  return place.front() == kTestImages;
}

/// A data set that is parted already looks like two superclasses, "train" and "val", of the same subclasses.
void refuse_parts_of_a_split(const ImageSource& images, const std::set<std::string>& tops) {
  constexpr std::array kParts{"train", "training", "val", "valid", "validation", "test", "testing"};
  std::string train;
  for (const std::string& top : tops) {
    std::string folded = top;
    for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::find(kParts.begin(), kParts.end(), folded) == kParts.end()) return;
    if (folded.starts_with("train")) train = top;
  }
  if (train.empty()) return;
  throw Error(images.path().string(), "folders of classes",
              "the parts of a split: name " + (images.path() / train).string() +
                  ", of which tern sets images aside to validate with");
}

/// The first image of `level` folders that is not novel.
const std::string* first_of_level(const ImageSource& images, std::size_t level) {
  for (const std::string& name : images.names()) {
    const Place place = place_of(name);
    if (place.size() == level && !is_novel(place) && !is_to_be_predicted(place)) return &name;
  }
  return nullptr;
}

/// 1 or 2.
std::size_t levels_of(const ImageSource& images) {
  const std::string* const of_one = first_of_level(images, 1);
  const std::string* const of_two = first_of_level(images, 2);
  if (of_one != nullptr && of_two != nullptr) {
    throw Error(images.path().string(), "images in class/ alone or in superclass/subclass/ alone",
                *of_one + " and " + *of_two);
  }
  return of_two != nullptr ? 2 : 1;
}

/// The superclass and the subclass of a place that is not novel; with one level the superclass is kOnlySuperclass.
std::pair<std::string, std::string> classes_at(const Place& place, std::size_t levels) {
  return {levels == 2 ? place.front() : kOnlySuperclass, place.back()};
}

ClassTree tree_of(const ImageSource& images, std::size_t levels) {
  ClassTree tree;
  std::set<std::string> tops;
  std::string any, with_novel;  // a class; a superclass that holds a folder novel/
  for (const std::string& name : images.names()) {
    const Place place = place_of(name);
    if (place.empty() || is_to_be_predicted(place)) continue;
    for (const std::string& folder : place)
      check_name_is_utf8(images.path().string(), "a folder's name", folder);
    tops.insert(place.front());
    if (is_novel(place)) continue;
    const auto [superclass, subclass] = classes_at(place, levels);
    if (subclass == kNovelClass)
      with_novel = superclass;
    else
      tree.add(superclass, any = subclass);
  }
  if (levels == 2) refuse_parts_of_a_split(images, tops);
  if (!with_novel.empty())
    throw Error(images.path().string(), "a folder novel/ beside the superclasses",
                "one in " + with_novel + "/");
  if (tree.subclass_count() < 2) {
    throw Error(images.path().string(),
                "images in folders of at least two classes, class/ or superclass/subclass/",
                any.empty() ? "none in a class's folder" : "one class, " + any);
  }
  return tree;
}

}  // namespace

std::unique_ptr<ImageSource> open_class_folders(const std::filesystem::path& folder) {
  return ImageSource::open_tree(folder, kDepth,
                                "train_data.csv, or images in folders class/ or superclass/subclass/");
}

Dataset label_by_folders(const ImageSource& images) {
  const std::size_t levels = levels_of(images);
  Dataset dataset;
  dataset.classes = tree_of(images, levels).table();
  const ClassNames names(dataset.classes);
  PassedOver passed_over = images.passed_over();
  for (const std::string& name : images.names()) {
    const Place place = place_of(name);
    if (place.empty()) {
      passed_over.add("in no class's folder", name);
      continue;
    }
    if (is_to_be_predicted(place)) continue;
    const auto [superclass, subclass] = is_novel(place)
                                            ? std::pair<std::string, std::string>(kNovelClass, kNovelClass)
                                            : classes_at(place, levels);
    dataset.names.push_back(name);
    dataset.superclasses.push_back(*names.superclass(superclass));
    dataset.subclasses.push_back(names.subclasses(superclass, subclass).front());
  }
  dataset.is_extra.assign(dataset.names.size(), 0);
  dataset.passed_over = std::move(passed_over);
  return dataset;
}

}  // namespace tern
