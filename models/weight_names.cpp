#include "models/weight_names.h"

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>
#include <unordered_set>

namespace tern {
namespace {

// Modules that wrap another one whole; no network has a layer of that name.
constexpr std::array<std::string_view, 4> kWrappers = {"module.", "_orig_mod.", "_fsdp_wrapped_module.",
                                                       "_checkpoint_wrapped_module."};
constexpr std::string_view kAveragedModelCounter = "n_averaged";

/// One way to read a file's names: the new name of each tensor, empty for one to be left out.
struct Naming {
  std::vector<std::string> names;
  std::string note;
};

void add_note(std::string& note, const std::string& more) {
  note = join_notes(note, more);
}

std::string without_wrappers(std::string name, std::vector<std::string_view>& removed) {
  for (std::size_t begin = 0; begin < name.size();) {
    const auto is_here = [&](std::string_view wrapper) {
      return name.compare(begin, wrapper.size(), wrapper) == 0;
    };
    const auto wrapper = std::find_if(kWrappers.begin(), kWrappers.end(), is_here);
    if (wrapper != kWrappers.end()) {
      name.erase(begin, wrapper->size());
      if (std::find(removed.begin(), removed.end(), *wrapper) == removed.end()) removed.push_back(*wrapper);
      continue;
    }
    const std::size_t dot = name.find('.', begin);
    if (dot == std::string::npos) break;
    begin = dot + 1;
  }
  return name;
}

Naming without_wrappers(const Naming& naming) {
  Naming result{{}, naming.note};
  std::vector<std::string_view> removed;
  bool has_counter = false;
  for (const std::string& name : naming.names) {
    has_counter = has_counter || name == kAveragedModelCounter;
    result.names.push_back(name == kAveragedModelCounter ? "" : without_wrappers(name, removed));
  }
  std::string list;
  for (const std::string_view wrapper : removed)
    list += (list.empty() ? "\"" : ", \"") + std::string(wrapper) + '"';
  if (!list.empty()) add_note(result.note, "names without " + list);
  if (has_counter) add_note(result.note, "no " + std::string(kAveragedModelCounter));
  return result;
}

// The longest prefix, ending in a dot, of all names.
std::string shared_prefix(const std::vector<std::string>& names) {
  std::string_view shared;
  bool is_first = true;
  for (const std::string_view name : names) {
    if (name.empty()) continue;
    if (is_first) shared = name;
    is_first = false;
    const auto end = std::mismatch(shared.begin(), shared.end(), name.begin(), name.end()).first;
    shared = shared.substr(0, static_cast<std::size_t>(end - shared.begin()));
  }
  const std::size_t dot = shared.rfind('.');
  return std::string(shared.substr(0, dot == std::string_view::npos ? 0 : dot + 1));
}

Naming without_shared_prefix(const Naming& naming) {
  Naming result = naming;
  const std::string prefix = shared_prefix(naming.names);
  if (prefix.empty()) return result;
  for (std::string& name : result.names) name.erase(0, std::min(prefix.size(), name.size()));
  add_note(result.note, "names without \"" + printable(prefix) + "\"");
  return result;
}

// Hugging Face's name of a ResNet's tensor as torchvision's; others as they are.
//   resnet.embedder.embedder.convolution.weight                       conv1.weight
//   resnet.encoder.stages.0.layers.2.layer.1.normalization.bias       layer1.2.bn2.bias
//   resnet.encoder.stages.0.layers.2.shortcut.convolution.weight      layer1.2.downsample.0.weight
//   classifier.1.weight                                               fc.weight
std::string from_hugging_face(const std::string& name) {
  static const std::regex kEmbedder(R"((?:resnet\.)?embedder\.embedder\.(convolution|normalization)\.(\w+))");
  static const std::regex kLayer(
      R"((?:resnet\.)?encoder\.stages\.(\d)\.layers\.(\d+)\.(?:(shortcut)|layer\.(\d))\.(convolution|normalization)\.(\w+))");
  constexpr std::string_view kHead = "classifier.1.";
  if (name.starts_with(kHead)) return "fc." + name.substr(kHead.size());
  std::smatch parts;
  if (name.size() > 200) return name;
  if (std::regex_match(name, parts, kEmbedder)) {
    return (parts[1] == "convolution" ? "conv1." : "bn1.") + parts[2].str();
  }
  if (!std::regex_match(name, parts, kLayer)) return name;
  const bool is_convolution = parts[5] == "convolution";
  const std::string block = "layer" + std::to_string(std::stoi(parts[1]) + 1) + "." + parts[2].str() + ".";
  if (parts[3].matched) return block + (is_convolution ? "downsample.0." : "downsample.1.") + parts[6].str();
  const std::string place = std::to_string(std::stoi(parts[4]) + 1);
  return block + (is_convolution ? "conv" : "bn") + place + "." + parts[6].str();
}

Naming from_hugging_face(const Naming& naming) {
  Naming result{{}, naming.note};
  bool has_bottleneck = false;
  for (const std::string& name : naming.names) {
    result.names.push_back(from_hugging_face(name));
    has_bottleneck = has_bottleneck || result.names.back().ends_with("conv3.weight");
  }
  if (result.names == naming.names) return result;
  add_note(result.note, "Hugging Face's names as torchvision's");
  // Which convolution has the stride is told by a configuration beside the file alone.
  if (has_bottleneck) add_note(result.note, "taken to have downsample_in_bottleneck = false");
  return result;
}

/// How many names are missing or extra.
std::size_t count_misfits(const Naming& naming, const StateDict& network,
                          const std::vector<std::string>& ignored_prefixes) {
  std::unordered_set<std::string_view> missing;
  for (const NamedTensor& entry : network) missing.insert(entry.name);
  std::size_t extra = 0;
  for (const std::string_view name : naming.names) {
    if (name.empty() || missing.erase(name) > 0) continue;
    const bool is_ignored = std::any_of(ignored_prefixes.begin(), ignored_prefixes.end(),
                                        [=](const std::string& prefix) { return name.starts_with(prefix); });
    extra += is_ignored ? 0 : 1;
  }
  std::erase_if(missing, is_batch_counter);
  return missing.size() + extra;
}

Naming as_they_are(const StateDict& tensors) {
  Naming naming;
  for (const NamedTensor& entry : tensors) naming.names.push_back(entry.name);
  return naming;
}

}  // namespace

bool is_batch_counter(std::string_view name) {
  return name.ends_with("num_batches_tracked");
}

std::string fit_names(StateDict& tensors, const StateDict& network,
                      const std::vector<std::string>& ignored_prefixes) {
  const Naming plain = as_they_are(tensors), unwrapped = without_wrappers(plain);
  if (count_misfits(plain, network, ignored_prefixes) == 0) return {};
  std::vector<Naming> namings = {plain, unwrapped, without_shared_prefix(unwrapped)};
  for (std::size_t i = 0; i < 3; ++i) namings.push_back(from_hugging_face(namings[i]));
  const Naming* best = nullptr;
  std::size_t fewest = 0;
  for (const Naming& naming : namings) {
    const std::size_t misfits = count_misfits(naming, network, ignored_prefixes);
    if (best != nullptr && misfits >= fewest) continue;
    best = &naming;
    fewest = misfits;
  }
  StateDict renamed;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!best->names[i].empty()) renamed.push_back({best->names[i], tensors[i].tensor});
  }
  tensors = std::move(renamed);
  return best->note;
}

std::string join_notes(const std::string& first, const std::string& second) {
  return first + (first.empty() || second.empty() ? "" : ", ") + second;
}

std::string with_note(const std::string& file, const std::string& note) {
  return note.empty() ? file : file + " (" + note + ")";
}

const Tensor* find_classifier(const StateDict& tensors) {
  if (const Tensor* head = find(tensors, "fc.weight")) return head;
  for (const NamedTensor& entry : tensors) {
    if (entry.name == "classifier.1.weight" || entry.name.ends_with(".fc.weight") ||
        entry.name.ends_with(".classifier.1.weight")) {
      return &entry.tensor;
    }
  }
  return nullptr;
}

}  // namespace tern
