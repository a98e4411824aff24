#include "apps/weights/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>
#include <utility>

#include "apps/common/non_finite.h"
#include "data/augment.h"
#include "data/resize.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "engine/io/utf8.h"
#include "models/heads.h"
#include "models/weight_names.h"

namespace tern {
namespace {

constexpr int kCrop = 224;
static_assert(kMinResize >= kCrop);

std::vector<std::string> names_from_csv(const std::filesystem::path& path, const std::string& text,
                                        std::int64_t classes) {
  const CsvTable table = parse_csv(path, text);
  const std::size_t index_column = table.column("class_index"), name_column = table.column("class");
  std::vector<std::string> names(static_cast<std::size_t>(classes));
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::int64_t index = table.integer(row, index_column);
    const std::string& name = table.rows[row][name_column];
    const std::string where = fmt::format("{} line {}", path.string(), table.lines[row]);
    if (index < 0 || index >= classes) {
      throw Error(where,
                  fmt::format("class_index in 0..{}, as the weights have {} classes", classes - 1, classes),
                  std::to_string(index));
    }
    check_name_is_utf8(where, "a class name", name);
    const auto place = static_cast<std::size_t>(index);
    if (!names[place].empty() && names[place] != name) {
      throw Error(where, fmt::format("'{}' again for class_index {}", names[place], index), "'" + name + "'");
    }
    names[place] = name;
  }
  return names;
}

std::vector<std::string> names_from_lines(const std::filesystem::path& path, std::string_view text,
                                          std::int64_t classes) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string name(text.substr(begin, end - begin));
    if (name.ends_with('\r')) name.pop_back();
    check_name_is_utf8(fmt::format("{} line {}", path.string(), names.size() + 1), "a class name", name);
    names.push_back(std::move(name));
    begin = end + 1;
  }
  while (!names.empty() && names.back().empty()) names.pop_back();  // blank lines at the end
  if (static_cast<std::int64_t>(names.size()) != classes) {
    throw Error(path.string(),
                fmt::format("{} names, one a line, as the weights have {} classes", classes, classes),
                std::to_string(names.size()));
  }
  return names;
}

std::int64_t class_count(const StateDict& weights, const std::string& source) {
  const Tensor* head = find_classifier(weights);
  if (head == nullptr || head->rank() != 2) {
    throw Error(source, "a classifier's weights with 'fc.weight' [classes, features]",
                head == nullptr ? "none of that name" : head->shape().text());
  }
  return head->size(0);
}

/// The network with the file's weights, in evaluation mode. What was taken and renamed is added to `notes`.
Model load_classifier(const ClassifyOptions& options, std::ostream& notes) {
  WeightFile file = read_weight_file(options.weights, options.key);
  std::string note = text_of(file.place);
  StateDict weights = for_use(std::move(file.tensors));
  const std::int64_t classes = class_count(weights, with_note(options.weights.string(), note));
  Model model(ModelSpec::imagenet(options.architecture, classes), Initialiser::zeros());
  note = join_notes(note, fit_names(weights, model.state_dict()));
  load_state_dict(model, weights, with_note(options.weights.string(), note));
  model.set_training(false);
  if (!note.empty()) notes << visible(with_note(options.weights.string(), note)) << "\n";
  return model;
}

/// What a batch of one gave, kept for --logits.
struct Record {
  std::vector<float> images, logits;
};

/// imagenet_input() of a file, which its errors name.
Tensor input_of(const std::filesystem::path& path, int resize) {
  const Image image = read_image(path);
  try {
    return imagenet_input(image, resize);
  } catch (const Error& error) {
    throw Error(path.string(), error.what());  // a side that is too long for resizing
  }
}

/// That --logits can be written, and is none of the inputs.
void check_logits(const ClassifyOptions& options) {
  check_not_input("--logits", options.logits, "the weights", options.weights);
  check_not_input("--logits", options.logits, "the class names", options.classes);
  for (const std::filesystem::path& image : options.images) {
    check_not_input("--logits", options.logits, "the image", image);
  }
  check_writable("--logits", options.logits);
}

void save_logits(const ClassifyOptions& options, const Record& record, std::int64_t classes) {
  const auto count = static_cast<std::int64_t>(options.images.size());
  StateDict tensors;
  tensors.push_back({"images", Tensor::from({count, kCrop, kCrop, 3}, record.images)});
  tensors.push_back({"logits", Tensor::from({count, classes}, record.logits)});
  // The file's layout, NCHW, comes from the same exchange of axes that convolution weights get.
  save_weights(options.logits, tensors, {{"architecture", options.architecture}});
}

struct TopClass {
  std::size_t index = 0;
  double probability = 0;
  std::string name;  ///< empty: none is known
};

/// The `top` most probable classes, or all if there are fewer.
std::vector<TopClass> top_classes(const std::vector<float>& logits, const std::vector<std::string>& names,
                                  int top) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto shown = std::min(static_cast<std::size_t>(top), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;  // ties: lower first
                    });
  const double max_logit = logits[order.front()];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - max_logit);
  std::vector<TopClass> classes;
  for (std::size_t i = 0; i < shown; ++i) {
    const std::size_t index = order[i];
    classes.push_back({index, std::exp(logits[index] - max_logit) / sum,
                       index < names.size() ? names[index] : std::string()});
  }
  return classes;
}

std::string text_of(const std::vector<TopClass>& classes) {
  std::string text;
  for (const auto& [index, probability, name] : classes) {
    text += fmt::format("  {:6.2f} %  {:4}  {}\n", 100 * probability, index,
                        name.empty() ? fmt::format("class {}", index) : name);
  }
  return text;
}

Json to_json(const std::filesystem::path& image, const std::vector<TopClass>& classes) {
  Json json = {{"image", image.string()}, {"classes", Json::array()}};
  for (const auto& [index, probability, name] : classes) {
    json["classes"].push_back({{"index", index}, {"probability_percent", 100 * probability}});
    if (!name.empty()) json["classes"].back()["name"] = name;
  }
  return json;
}

}  // namespace

std::vector<std::string> read_class_names(const std::filesystem::path& path, std::int64_t classes) {
  const std::string text = read_text_file(path, std::uint64_t{64} << 20);
  check_is_text(path, text, "a list of class names");
  const std::string first_line = text.substr(0, text.find('\n'));
  const bool is_csv = path.extension() == ".csv" || first_line.find("class_index") != std::string::npos;
  return is_csv ? names_from_csv(path, text, classes) : names_from_lines(path, text, classes);
}

Tensor imagenet_input(const Image& image, int resize) {
  const Image crop = center_crop(resize_shortest(image, resize), kCrop);
  Tensor input = Tensor::empty({1, kCrop, kCrop, 3});
  normalise(crop.rgb, {input.data<float>(), static_cast<std::size_t>(input.numel())});
  return input;
}

void classify(const ClassifyOptions& options, std::ostream& out, std::ostream& notes) {
  if (options.top < 1) throw Error("--top", "1 or more", std::to_string(options.top));
  if (options.resize < kMinResize || options.resize > kMaxResize) {
    throw Error("--resize", fmt::format("{}..{}", kMinResize, kMaxResize), std::to_string(options.resize));
  }
  if (options.images.empty()) throw Error("images", "one at least", "none");
  resnet_architecture(options.architecture);  // before the weights are read
  if (!options.logits.empty()) check_logits(options);
  Model model = load_classifier(options, notes);
  const std::int64_t classes = model.spec().heads.front().classes;
  std::vector<std::string> names;
  if (!options.classes.empty()) names = read_class_names(options.classes, classes);

  Record record;
  Json images = Json::array();
  for (const std::filesystem::path& path : options.images) {
    const Tensor input = input_of(path, options.resize);
    const Tensor output = model.inference(input).front();
    if (const std::optional<NonFinite> found = find_non_finite(output)) {
      throw Error(options.weights.string(), "a model with finite logits",
                  fmt::format("{} for {}", found->what, path.string()));
    }
    const std::vector<float> logits = output.to_vector<float>();
    const std::vector<TopClass> top = top_classes(logits, names, options.top);
    images.push_back(to_json(path, top));
    if (options.print == ResultForm::text) out << visible(path.string() + "\n" + text_of(top));
    if (options.logits.empty()) continue;
    const float* pixels = input.data<float>();
    record.images.insert(record.images.end(), pixels, pixels + input.numel());
    record.logits.insert(record.logits.end(), logits.begin(), logits.end());
  }
  if (!options.logits.empty()) save_logits(options, record, classes);
  if (options.print == ResultForm::json) {
    out << json_text({{"architecture", options.architecture},
                      {"weights", options.weights.string()},
                      {"images", std::move(images)}});
  }
}

}  // namespace tern
