#include "engine/io/torch_objects.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "engine/core/check.h"
#include "engine/io/strided.h"

namespace tern {
namespace {

using Node = PickleNode;
using Nodes = std::vector<const Node*>;

struct TorchType {
  const char* name;
  DType dtype;
};

// torch.<name>Storage: the types that PyTorch had before storages lost theirs.
constexpr std::array<TorchType, 12> kStorageTypes = {{{"Float", DType::f32},
                                                      {"Double", DType::f64},
                                                      {"Half", DType::f16},
                                                      {"BFloat16", DType::bf16},
                                                      {"Byte", DType::u8},
                                                      {"Char", DType::i8},
                                                      {"Short", DType::i16},
                                                      {"Int", DType::i32},
                                                      {"Long", DType::i64},
                                                      {"Bool", DType::boolean},
                                                      {"ComplexFloat", DType::c64},
                                                      {"ComplexDouble", DType::c128}}};

// torch.<name>, of a tensor in an untyped storage.
constexpr std::array<TorchType, 22> kElementTypes = {{{"float32", DType::f32},
                                                      {"float64", DType::f64},
                                                      {"float16", DType::f16},
                                                      {"bfloat16", DType::bf16},
                                                      {"uint8", DType::u8},
                                                      {"int8", DType::i8},
                                                      {"int16", DType::i16},
                                                      {"int32", DType::i32},
                                                      {"int64", DType::i64},
                                                      {"bool", DType::boolean},
                                                      {"uint16", DType::u16},
                                                      {"uint32", DType::u32},
                                                      {"uint64", DType::u64},
                                                      {"float8_e4m3fn", DType::f8_e4m3},
                                                      {"float8_e5m2", DType::f8_e5m2},
                                                      {"float8_e8m0fnu", DType::f8_e8m0},
                                                      {"float8_e4m3fnuz", DType::f8_e4m3fnuz},
                                                      {"float8_e5m2fnuz", DType::f8_e5m2fnuz},
                                                      {"float4_e2m1fn_x2", DType::f4},
                                                      {"complex32", DType::c32},
                                                      {"complex64", DType::c64},
                                                      {"complex128", DType::c128}}};

template <std::size_t kCount>
std::optional<DType> find_type(const std::array<TorchType, kCount>& types, std::string_view name) {
  const auto found =
      std::find_if(types.begin(), types.end(), [=](TorchType type) { return name == type.name; });
  return found == types.end() ? std::nullopt : std::optional(found->dtype);
}

constexpr std::size_t kMaxKeyBytes = 100;  // of a storage; PyTorch counts them

// The name of a class, function or type of torch without "torch.", "" for what is not torch's.
std::string_view torch_name(const Node& node) {
  constexpr std::string_view kTorch = "torch.";
  const bool is_torch = node.kind == PickleKind::global && node.text.starts_with(kTorch);
  return is_torch ? std::string_view(node.text).substr(kTorch.size()) : std::string_view();
}

constexpr std::string_view kRebuild = "torch._utils._rebuild_";
constexpr std::string_view kRebuildFromType = "torch._tensor._rebuild_from_type";

// A call of one of the functions that rebuild tensors.
struct Call {
  std::string_view function;
  const Node* arguments = nullptr;
  const Node* final_type = nullptr;  // that the tensor is cast to, where a wrapper says so
};

bool wraps(std::string_view function) {
  return function == "torch._utils._rebuild_parameter" ||
         function == "torch._utils._rebuild_parameter_with_state" ||
         function == "torch._utils._rebuild_device_tensor_from_cpu_tensor";
}

bool rebuilds(std::string_view function) {
  return function.starts_with(kRebuild) || function.starts_with(kRebuildFromType);
}

// Reads one tensor; a misfit is thrown with the subject.
class TensorReader {
 public:
  explicit TensorReader(const std::string& subject) : subject_(subject) {}

  TorchTensor read(const Node& node) const {
    if (!is_torch_tensor(node)) throw Error(subject_, "a tensor", describe(node));
    const Call call = unwrapped({maker_of(node), node.arguments});
    TorchTensor tensor = read(call);
    if (call.final_type != nullptr &&
        find_type(kElementTypes, torch_name(*call.final_type)) != tensor.dtype) {
      fail(std::string("type ") + name_of(tensor.dtype) + " as it is stored", describe(*call.final_type));
    }
    return tensor;
  }

 private:
  [[noreturn]] void fail(const std::string& wanted, const std::string& got) const {
    throw Error(subject_, wanted, got);
  }

  TorchTensor read(const Call& call) const {
    const Nodes& arguments = call.arguments->items;
    if (call.function == "torch._utils._rebuild_tensor_v2" && arguments.size() >= 4) {
      return tensor(arguments, nullptr, arguments.size() > 6 ? arguments[6] : nullptr);
    }
    if (call.function == "torch._utils._rebuild_tensor_v3" && arguments.size() >= 7) {
      return tensor(arguments, arguments[6], arguments.size() > 7 ? arguments[7] : nullptr);
    }
    if (call.function == "torch._utils._rebuild_tensor" && arguments.size() == 4) {
      return tensor(arguments, nullptr, nullptr);
    }
    fail("a tensor with its elements in a storage", without_storage(call.function));
  }

  // What wraps a tensor is taken off.
  Call unwrapped(Call call) const {
    constexpr int kMaxWrappers = 100;
    for (int wrappers = 0; wrappers < kMaxWrappers; ++wrappers) {
      const Nodes& arguments = call.arguments->items;
      if (call.function.starts_with(kRebuildFromType)) {  // (function, class, its arguments, attributes)
        if (arguments.size() < 3 || arguments[0]->kind != PickleKind::global ||
            !rebuilds(arguments[0]->text) || arguments[2]->kind != PickleKind::tuple) {
          fail("a tensor", "an object of a class of its own");
        }
        call = {arguments[0]->text, arguments[2], call.final_type};
      } else if (wraps(call.function)) {  // (tensor, [type], ...)
        if (arguments.size() < 2 || !is_torch_tensor(*arguments[0]))
          fail("a tensor", "a parameter without one");
        if (call.function.ends_with("cpu_tensor")) call.final_type = arguments[1];
        call = {maker_of(*arguments[0]), arguments[0]->arguments, call.final_type};
      } else {
        return call;
      }
    }
    fail("a tensor", "wrappers without end");
  }

  static std::string without_storage(std::string_view function) {
    constexpr std::array<std::pair<std::string_view, const char*>, 5> kKinds = {{
        {"meta_tensor_no_storage", "a tensor on the device \"meta\", which has none"},
        {"sparse_tensor", "a sparse tensor"},
        {"nested_tensor", "a nested tensor"},
        {"qtensor", "a quantized tensor"},
        {"wrapper_subclass", "a tensor of a class that keeps its elements in a way of its own"},
    }};
    const std::string_view kind = function.substr(std::min(kRebuild.size(), function.size()));
    for (const auto& [name, text] : kKinds) {
      if (kind == name) return text;
    }
    return "one that " + std::string(function) + " rebuilds";
  }

  // (storage, offset, sizes, strides, requires_grad, hooks, [type], [metadata])
  TorchTensor tensor(const Nodes& arguments, const Node* type, const Node* metadata) const {
    TorchTensor tensor;
    read_storage(*arguments[0], type, tensor);
    tensor.offset = integer(*arguments[1]);
    tensor.sizes = integers(*arguments[2]);
    tensor.strides = integers(*arguments[3]);
    if (tensor.sizes.size() != tensor.strides.size()) fail("as many sizes as strides", "others");
    if (metadata != nullptr) read_metadata(*metadata, tensor);
    return tensor;
  }

  // ("storage", its class, key, device, number of elements, or of bytes where the class has no type)
  void read_storage(const Node& storage, const Node* type, TorchTensor& tensor) const {
    const bool has_id =
        storage.kind == PickleKind::persistent_id && storage.arguments->kind == PickleKind::tuple;
    const Nodes none, &id = has_id ? storage.arguments->items : none;
    if (id.size() != 5 || id[0]->kind != PickleKind::text || id[0]->text != "storage" ||
        id[1]->kind != PickleKind::global || id[2]->kind != PickleKind::text ||
        id[4]->kind != PickleKind::integer) {
      fail("a tensor in a storage", "a persistent id that is no storage");
    }
    std::string_view name = torch_name(*id[1]);
    const bool untyped = name == "storage.UntypedStorage" || name == "UntypedStorage";
    std::optional<DType> dtype;
    if (type != nullptr) {
      name = torch_name(*type);
      dtype = find_type(kElementTypes, name);
    } else if (name.ends_with("Storage") && !untyped) {
      dtype = find_type(kStorageTypes, name.substr(0, name.size() - std::string_view("Storage").size()));
    }
    if (!dtype) fail("a type that tern knows", describe(type != nullptr ? *type : *id[1]));
    tensor.dtype = *dtype;
    // One key may serve every tensor, and each remembers it.
    if (id[2]->text.size() > kMaxKeyBytes) fail("a storage", "one whose key is over 100 bytes long");
    tensor.storage = id[2]->text;
    const auto bytes_each = untyped ? 1 : static_cast<std::int64_t>(size_of(*dtype));
    if (id[4]->integer < 0 || __builtin_mul_overflow(id[4]->integer, bytes_each, &tensor.storage_bytes)) {
      fail("a storage", "one of " + std::to_string(id[4]->integer) + " elements");
    }
  }

  // What a lazy operation left to be done: {"conj": True, "neg": True}.
  void read_metadata(const Node& metadata, TorchTensor& tensor) const {
    if (metadata.kind == PickleKind::none) return;
    if (metadata.kind != PickleKind::dict) fail("metadata in a dict", describe(metadata));
    // Many tensors may share one dict, which is looked through for each.
    if (metadata.items.size() > 2 * 2) fail("no metadata but \"conj\" and \"neg\"", "more than these");
    for (std::size_t i = 0; i + 1 < metadata.items.size(); i += 2) {
      const Node &key = *metadata.items[i], &value = *metadata.items[i + 1];
      const std::string name = key.kind == PickleKind::text ? key.text : describe(key);
      if ((name != "conj" && name != "neg") || value.kind != PickleKind::boolean) {
        fail("no metadata but \"conj\" and \"neg\"", '"' + name + "\", which may change its values");
      }
      (name == "conj" ? tensor.conjugate : tensor.negative) = value.integer != 0;
    }
    if (tensor.conjugate && !is_complex(tensor.dtype)) {
      fail("complex numbers where metadata say \"conj\"", name_of(tensor.dtype));
    }
    if (tensor.negative && !can_negate(tensor.dtype)) {
      fail("numbers that can be negated where metadata say \"neg\"", name_of(tensor.dtype));
    }
  }

  std::int64_t integer(const Node& node) const {
    if (node.kind != PickleKind::integer) fail("sizes, strides and an offset in integers", describe(node));
    return node.integer;
  }

  std::vector<std::int64_t> integers(const Node& node) const {
    if (node.kind != PickleKind::tuple) fail("sizes and strides in tuples", describe(node));
    if (node.items.size() > Shape::kMaxRank) {
      fail("at most " + std::to_string(Shape::kMaxRank) + " axes", std::to_string(node.items.size()));
    }
    std::vector<std::int64_t> values;
    for (const Node* item : node.items) values.push_back(integer(*item));
    return values;
  }

  const std::string& subject_;
};

}  // namespace

Shape TorchTensor::shape() const {
  std::vector<std::int64_t> extents = sizes;
  if (dtype == DType::f4) {
    if (extents.empty()) extents.push_back(1);
    extents.back() *= 2;
  }
  return Shape(std::span<const std::int64_t>(extents));
}

bool is_torch_tensor(const PickleNode& node) {
  return !node.of_class && rebuilds(maker_of(node)) && node.arguments->kind == PickleKind::tuple;
}

bool is_torch_weight(const PickleNode& node) {
  if (!is_torch_tensor(node)) return false;
  try {
    const TorchTensor tensor = TensorReader({}).read(node);
    return is_floating(tensor.dtype) && !tensor.sizes.empty();
  } catch (const Error&) {
    return false;
  }
}

TorchTensor torch_tensor(const std::string& subject, const PickleNode& node) {
  return TensorReader(subject).read(node);
}

}  // namespace tern
