#include "engine/io/pickle_node.h"

#include <array>

namespace tern {

const char* name_of(PickleKind kind) {
  constexpr std::array kNames = {"None", "boolean", "integer", "integer",      "real",
                                 "text", "bytes",   "tuple",   "list",         "set",
                                 "dict", "global",  "object",  "persistent id"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view maker_of(const PickleNode& node) {
  if (node.kind != PickleKind::object || node.callable->kind != PickleKind::global) return {};
  return node.callable->text;
}

std::string describe(const PickleNode& node) {
  if (node.kind == PickleKind::global) return "the class or function " + node.text;
  if (node.kind != PickleKind::object) return std::string("a ") + name_of(node.kind);
  std::string_view maker = maker_of(node);
  bool of_class = node.of_class;
  // Protocols 0 and 1 make instances of most classes by this one.
  if (maker == "copyreg._reconstructor" || maker == "copy_reg._reconstructor") {
    const auto& arguments = node.arguments->items;
    if (!arguments.empty() && arguments[0]->kind == PickleKind::global) {
      maker = arguments[0]->text;
      of_class = true;
    }
  }
  if (maker.empty()) return "an object";
  if (of_class) return "an object of class " + std::string(maker);
  return "what " + std::string(maker) + " would return (nothing was executed)";
}

bool is_mapping(const PickleNode& node) {
  return node.kind == PickleKind::dict || (node.kind == PickleKind::object && !node.items.empty());
}

const PickleNode* value_of(const PickleNode& mapping, std::string_view key) {
  for (std::size_t i = mapping.items.size(); i >= 2; i -= 2) {
    const PickleNode* candidate = mapping.items[i - 2];
    if (candidate->kind == PickleKind::text && candidate->text == key) return mapping.items[i - 1];
  }
  return nullptr;
}

}  // namespace tern
