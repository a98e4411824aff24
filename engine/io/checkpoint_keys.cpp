#include "engine/io/checkpoint_keys.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "engine/core/check.h"
#include "engine/io/torch_objects.h"

namespace tern {
namespace {

using Node = PickleNode;

// What trainers call the weights that they would load themselves, the likeliest first.
constexpr const char* kUsualKeys[] = {"state_dict", "model", "model_state_dict"};
constexpr int kDeepest = 2;  // keys from the checkpoint to a state dict
constexpr const char* kWantedStateDict = "a state dict, such as torch.save(model.state_dict(), ...) writes";

struct Place {
  const Node* node;
  std::string key;
};

std::string quoted(const std::string& key) {
  return '"' + key + '"';
}

std::string child_key(const std::string& parent, const std::string& key) {
  return parent.empty() ? key : parent + "." + key;
}

// Many values may share one key, and each is named by it: were it long, the names would take more memory than the file.
const std::string& checked_key(const std::string& subject, const std::string& key) {
  constexpr std::size_t kMaxKeyBytes = 1000;
  if (key.size() <= kMaxKeyBytes) return key;
  throw Error(subject, "keys of at most " + std::to_string(kMaxKeyBytes) + " bytes",
              "one of " + std::to_string(key.size()));
}

bool any_value(const Node& mapping, bool (*test)(const Node&)) {
  for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    if (mapping.items[i]->kind == PickleKind::text && test(*mapping.items[i + 1])) return true;
  }
  return false;
}

bool holds_tensors(const Node& node) {
  return is_mapping(node) && any_value(node, is_torch_tensor);
}

bool lists_tensors(const Node& node) {
  const bool is_list =
      node.kind == PickleKind::list || node.kind == PickleKind::tuple || node.kind == PickleKind::set;
  return is_list && std::any_of(node.items.begin(), node.items.end(),
                                [](const Node* item) { return is_torch_tensor(*item); });
}

// The mappings below `root`, and itself, that hold weights; each once, however often the file refers to it.
class WeightSearch {
 public:
  WeightSearch(const std::string& subject, const Node& root) : subject_(subject) { visit({&root, ""}, 0); }

  std::vector<Place> found;

 private:
  void visit(const Place& place, int depth) {
    if (!is_mapping(*place.node) || !seen_.insert(place.node).second) return;
    if (any_value(*place.node, is_torch_weight)) found.push_back(place);
    if (depth == kDeepest) return;
    const auto& items = place.node->items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i]->kind != PickleKind::text || !is_mapping(*items[i + 1])) continue;
      visit({items[i + 1], child_key(place.key, checked_key(subject_, items[i]->text))}, depth + 1);
    }
  }

  const std::string& subject_;
  std::unordered_set<const Node*> seen_;
};

std::string names_of(const std::vector<Place>& places) {
  constexpr std::size_t kMaxNamed = 8;
  std::string names;
  for (std::size_t i = 0; i < std::min(places.size(), kMaxNamed); ++i) {
    names += (i == 0 ? "" : ", ") + quoted(printable(places[i].key.empty() ? "." : places[i].key));
  }
  if (places.size() > kMaxNamed) names += " and " + std::to_string(places.size() - kMaxNamed) + " more";
  return names;
}

// One step down: a text key, a number as key, or a place in a list. nullptr if there is none.
const Node* step(const Node& node, std::string_view key) {
  if (is_mapping(node)) {
    if (const Node* value = value_of(node, key)) return value;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
  if (error != std::errc() || end != key.data() + key.size()) return nullptr;
  if (is_mapping(node)) {
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
      const Node& candidate = *node.items[i];
      if (candidate.kind == PickleKind::integer && candidate.integer == number) return node.items[i + 1];
    }
    return nullptr;
  }
  const bool is_list = node.kind == PickleKind::list || node.kind == PickleKind::tuple;
  const bool inside = number >= 0 && static_cast<std::uint64_t>(number) < node.items.size();
  return is_list && inside ? node.items[static_cast<std::size_t>(number)] : nullptr;
}

// What a dotted key leads to. Keys may themselves have dots: the longest that is there goes first.
const Node* resolve(const Node& node, std::string_view key) {
  if (const Node* value = step(node, key)) return value;
  for (std::size_t dot = key.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = key.rfind('.', dot - 1)) {
    const Node* inner = step(node, key.substr(0, dot));
    if (inner == nullptr) continue;
    return resolve(*inner, key.substr(dot + 1));
  }
  return nullptr;
}

Place named_place(const std::string& subject, const Node& root, const std::string& key,
                  const std::vector<Place>& weights) {
  const bool is_root = key == ".";
  const Node* node = is_root ? &root : resolve(root, key);
  const std::string has = weights.empty() ? "" : "; state dicts are under " + names_of(weights);
  if (node == nullptr) throw Error(subject, "the key " + quoted(key), "none of that name" + has);
  if (!is_mapping(*node)) throw Error(subject + ": key " + key, "a state dict", describe(*node) + has);
  return {node, is_root ? "" : key};
}

// The usual key whose value is a state dict, or holds one as far down as is looked. nullptr if there is none.
const char* usual_key(const Node& node, int depth) {
  if (depth == kDeepest || !is_mapping(node)) return nullptr;
  for (const char* key : kUsualKeys) {
    const Node* inner = value_of(node, key);
    if (inner != nullptr && (holds_tensors(*inner) || usual_key(*inner, depth + 1) != nullptr)) return key;
  }
  return nullptr;
}

// A mapping without tensors, and what may have been meant for one.
std::string without_tensors(const Node& mapping) {
  std::string text = "a dict without tensors";
  for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    const Node &key = *mapping.items[i], &value = *mapping.items[i + 1];
    if (key.kind == PickleKind::text && value.kind == PickleKind::object) {
      return text + ", whose " + quoted(printable(key.text)) + " is " + describe(value);
    }
  }
  return text;
}

[[noreturn]] void fail_without(const std::string& subject, const Node& root) {
  for (const char* key : kUsualKeys) {
    const Node* inner = is_mapping(root) ? value_of(root, key) : nullptr;
    if (inner != nullptr) {
      throw Error(subject + ": key " + key, kWantedStateDict,
                  is_mapping(*inner) ? without_tensors(*inner) : describe(*inner));
    }
  }
  if (!is_mapping(root))
    throw Error(subject, kWantedStateDict, is_torch_tensor(root) ? "a tensor" : describe(root));
  throw Error(subject, kWantedStateDict, without_tensors(root));
}

Place usual_place(const std::string& subject, const Node& root, const std::vector<Place>& weights) {
  Place place{&root, ""};
  for (int depth = 0; const char* key = usual_key(*place.node, depth); ++depth) {
    place = {value_of(*place.node, key), child_key(place.key, key)};
  }
  if (place.node != &root) return place;
  if (is_mapping(root) && any_value(root, is_torch_weight)) return place;
  if (weights.size() == 1) return weights.front();
  if (weights.size() > 1) {
    throw Error(subject, "one state dict, or --key with one of their names", "several: " + names_of(weights));
  }
  if (holds_tensors(root)) return place;
  fail_without(subject, root);
}

}  // namespace

FoundStateDict find_state_dict(const std::string& subject, const PickleNode& root, const std::string& key) {
  const std::vector<Place> weights = WeightSearch(subject, root).found;
  const Place taken =
      key.empty() ? usual_place(subject, root, weights) : named_place(subject, root, key, weights);
  FoundStateDict found;
  found.place.key = taken.key;
  for (const Place& other : weights) {
    if (other.node != taken.node) found.place.passed_over.push_back(other.key.empty() ? "." : other.key);
  }
  std::unordered_set<std::string_view> names;
  const auto& items = taken.node->items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const Node &name = *items[i], &value = *items[i + 1];
    if (value.kind < PickleKind::big_integer) continue;  // an epoch or the like
    const bool is_tensor = is_torch_tensor(value);
    if (name.kind != PickleKind::text) {
      if (!is_tensor) continue;
      throw Error(subject, "a state dict with names for keys",
                  "the key of a tensor that is " + describe(name));
    }
    if (is_tensor) {
      if (!names.insert(name.text).second)
        throw Error(subject, "names that differ", "two tensors " + name.text);
      found.tensors.push_back({&name.text, &value});
    } else if (lists_tensors(value) || value.kind == PickleKind::object ||
               value.kind == PickleKind::persistent_id) {
      found.place.left_out.push_back({checked_key(subject, name.text), lists_tensors(value)
                                                                           ? describe(value) + " of tensors"
                                                                           : describe(value)});
    }
  }
  if (found.tensors.empty()) {
    const std::string where = taken.key.empty() ? subject : subject + ": key " + taken.key;
    throw Error(where, kWantedStateDict, without_tensors(*taken.node));
  }
  return found;
}

}  // namespace tern
