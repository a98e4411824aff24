// The values that a pickle describes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

enum class PickleKind {
  none,
  boolean,
  integer,
  big_integer,  ///< of more than 64 bits; its value is not kept
  real,
  text,
  bytes,  ///< bytes, bytearray; not kept
  tuple,
  list,
  set,
  dict,           ///< collections.OrderedDict and defaultdict too
  global,         ///< a class or function
  object,         ///< what a class or function would make
  persistent_id,  ///< of something kept outside the pickle
};

/// One value. Only the members of its kind are set.
struct PickleNode {
  PickleKind kind = PickleKind::none;
  bool of_class = false;     ///< object: an instance of the class `callable`, rather than what it returns
  std::int64_t integer = 0;  ///< integer, boolean
  double real = 0;
  std::string text;  ///< text; global: its dotted name
  std::vector<const PickleNode*>
      items;  ///< tuple, list, set; dict: key, value, key, value; object: such pairs
  const PickleNode* callable = nullptr;   ///< object
  const PickleNode* arguments = nullptr;  ///< object: a tuple; persistent_id: the id
};

/// "None", "integer", "object", ...
const char* name_of(PickleKind kind);

/// For a message: "a list", "an object of class argparse.Namespace", "what os.system would return (nothing
/// was executed)".
std::string describe(const PickleNode& node);

/// True for a dict, and for an object of another class in which keys were set.
bool is_mapping(const PickleNode& node);

/// The value of a text key in a mapping, the last if it was set again as in Python; nullptr if there is none.
const PickleNode* value_of(const PickleNode& mapping, std::string_view key);

/// The dotted name of the class or function that an object is made by, "" for all else.
std::string_view maker_of(const PickleNode& node);

}  // namespace tern
