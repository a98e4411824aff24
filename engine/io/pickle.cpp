#include "engine/io/pickle.h"

#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "engine/core/check.h"
#include "engine/io/pickle_bytes.h"
#include "engine/tensor/shape.h"

namespace tern {
namespace {

constexpr std::size_t kMostBytes = std::size_t{32} << 20;
constexpr std::size_t kMostValues = 1'000'000;  // made, on the stack, or remembered

constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::array<std::string_view, 12> kStorageTypes = {
    "Float", "Double", "Half", "BFloat16", "Byte",         "Char",
    "Short", "Int",    "Long", "Bool",     "ComplexFloat", "ComplexDouble"};

// "Float" for "torch.FloatStorage", "" for what is no storage class.
std::string_view storage_type(std::string_view global) {
  for (const std::string_view type : kStorageTypes) {
    if (global == "torch." + std::string(type) + "Storage") return type;
  }
  return {};
}

bool is_known(std::string_view global) {
  return global == kOrderedDict || global == kRebuildTensor || global == kRebuildParameter ||
         !storage_type(global).empty();
}

// A stack machine: opcodes push values, or gather those above the last mark into a container.
class Machine {
 public:
  Machine(const std::string& subject, std::span<const std::byte> bytes)
      : subject_(subject), bytes_(subject, bytes) {}

  Pickle run() {
    if (bytes_.size() > kMostBytes) {
      throw Error(subject_, "a pickle of at most 32 MB", std::to_string(bytes_.size()) + " bytes");
    }
    for (std::uint8_t opcode = bytes_.byte(); opcode != kStop; opcode = bytes_.byte()) {
      if (!scalar(opcode) && !text(opcode) && !container(opcode) && !object(opcode) && !bookkeeping(opcode)) {
        fail_opcode(opcode);
      }
    }
    pickle_.root = pop();
    return std::move(pickle_);
  }

 private:
  using Node = PickleNode;

  [[noreturn]] void fail(const std::string& what) const { bytes_.fail(what); }
  [[noreturn]] void fail_global(const std::string& global) const {
    throw Error(subject_, "a plain state dict, such as torch.save(model.state_dict(), ...) writes",
                "a pickle that names " + global + " (nothing was executed)");
  }
  [[noreturn]] void fail_opcode(std::uint8_t opcode) {
    if (opcode == kInst) fail_global(global_name());
    fail("opcode " + std::to_string(opcode) + " has no place in a state dict");
  }

  std::string global_name() {
    const std::string module = bytes_.line();
    return module + "." + bytes_.line();
  }

  // --- the stack ---
  void push(Node* node) {
    if (stack_.size() >= kMostValues) fail("it holds too many values");
    stack_.push_back(node);
  }
  Node* make(PickleKind kind) {
    if (pickle_.nodes.size() >= kMostValues) fail("it holds too many values");
    Node& node = pickle_.nodes.emplace_back();
    node.kind = kind;
    return &node;
  }
  Node* push_new(PickleKind kind) {
    push(make(kind));
    return stack_.back();
  }
  void push_integer(std::int64_t value, PickleKind kind = PickleKind::integer) {
    push_new(kind)->integer = value;
  }
  Node* pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("it takes a value that is not there");
    Node* node = stack_.back();
    stack_.pop_back();
    return node;
  }
  Node* pop(PickleKind kind) {
    Node* node = pop();
    require(node, kind);
    return node;
  }
  void require(const Node* node, PickleKind kind) const {
    if (node->kind != kind) fail(std::string("wanted a ") + name_of(kind) + ", got a " + name_of(node->kind));
  }
  Node* top(PickleKind kind) {
    Node* node = pop(kind);
    push(node);
    return node;
  }
  std::vector<const Node*> pop_to_mark() {
    if (marks_.empty()) fail("it looks for a mark that is not there");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<const Node*> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  static void append(Node* to, const std::vector<const Node*>& items) {
    to->items.insert(to->items.end(), items.begin(), items.end());
  }
  void require_pairs(const std::vector<const Node*>& items) const {
    if (items.size() % 2 != 0) fail("a key without a value");
  }

  // --- opcodes; each group says whether the opcode was one of its own ---
  bool scalar(std::uint8_t opcode) {
    switch (opcode) {
      case kNone:
        push_new(PickleKind::none);
        return true;
      case kNewTrue:
        push_integer(1, PickleKind::boolean);
        return true;
      case kNewFalse:
        push_integer(0, PickleKind::boolean);
        return true;
      case kBinInt:
        push_integer(static_cast<std::int32_t>(bytes_.little_endian(4)));
        return true;
      case kBinInt1:
        push_integer(static_cast<std::int64_t>(bytes_.little_endian(1)));
        return true;
      case kBinInt2:
        push_integer(static_cast<std::int64_t>(bytes_.little_endian(2)));
        return true;
      case kLong1:
        push_integer(long_integer(bytes_.little_endian(1)));
        return true;
      case kLong4:
        push_integer(long_integer(bytes_.little_endian(4)));
        return true;
      case kBinFloat: {
        std::uint64_t bits = 0;  // big-endian, unlike all else
        for (const std::byte one : bytes_.take(8)) bits = bits << 8 | std::to_integer<std::uint64_t>(one);
        push_new(PickleKind::real)->real = std::bit_cast<double>(bits);
        return true;
      }
      default:
        return false;
    }
  }

  // Two's complement of any length; the sign is the last byte's.
  std::int64_t long_integer(std::uint64_t count) {
    if (count > 8) fail("an integer of more than 64 bits");
    if (count == 0) return 0;
    const int unused = 64 - 8 * static_cast<int>(count);
    return static_cast<std::int64_t>(bytes_.little_endian(count) << unused) >> unused;
  }

  bool text(std::uint8_t opcode) {
    std::uint64_t count = 0;
    switch (opcode) {
      case kShortBinUnicode:
      case kShortBinString:
      case kShortBinBytes:
        count = bytes_.little_endian(1);
        break;
      case kBinUnicode:
      case kBinString:
      case kBinBytes:
        count = bytes_.little_endian(4);
        break;
      case kBinUnicode8:
      case kBinBytes8:
        count = bytes_.little_endian(8);
        break;
      default:
        return false;
    }
    std::string contents = bytes_.text(count);
    push_new(PickleKind::text)->text = std::move(contents);
    return true;
  }

  bool container(std::uint8_t opcode) {
    switch (opcode) {
      case kEmptyList:
        push_new(PickleKind::list);
        return true;
      case kEmptyDict:
        push_new(PickleKind::dict);
        return true;
      case kEmptyTuple:
        push_new(PickleKind::tuple);
        return true;
      case kList:
        gather(PickleKind::list);
        return true;
      case kTuple:
        gather(PickleKind::tuple);
        return true;
      case kDict:
        gather(PickleKind::dict);
        return true;
      case kTuple1:
        tuple_of(1);
        return true;
      case kTuple2:
        tuple_of(2);
        return true;
      case kTuple3:
        tuple_of(3);
        return true;
      case kAppend: {
        const Node* item = pop();
        top(PickleKind::list)->items.push_back(item);
        return true;
      }
      case kAppends: {
        const auto items = pop_to_mark();
        append(top(PickleKind::list), items);
        return true;
      }
      case kSetItem: {
        const Node* value = pop();
        const Node* key = pop();
        append(top(PickleKind::dict), {key, value});
        return true;
      }
      case kSetItems: {
        const auto items = pop_to_mark();
        require_pairs(items);
        append(top(PickleKind::dict), items);
        return true;
      }
      default:
        return false;
    }
  }

  void gather(PickleKind kind) {
    auto items = pop_to_mark();
    if (kind == PickleKind::dict) require_pairs(items);
    push_new(kind)->items = std::move(items);
  }
  void tuple_of(std::size_t count) {
    std::vector<const Node*> items(count);
    for (std::size_t i = count; i > 0; --i) items[i - 1] = pop();
    push_new(PickleKind::tuple)->items = std::move(items);
  }

  bool object(std::uint8_t opcode) {
    switch (opcode) {
      case kGlobal:
        push_global(global_name());
        return true;
      case kStackGlobal: {
        const Node* name = pop(PickleKind::text);
        const Node* module = pop(PickleKind::text);
        push_global(module->text + "." + name->text);
        return true;
      }
      case kBinPersId:
        push_storage(*pop(PickleKind::tuple));
        return true;
      case kReduce: {
        const Node* arguments = pop(PickleKind::tuple);
        push_call(pop(PickleKind::global)->text, arguments->items);
        return true;
      }
      case kBuild:  // an OrderedDict's attributes: PyTorch's _metadata, of no use here
        pop();
        top(PickleKind::dict);
        return true;
      default:
        return false;
    }
  }

  void push_global(std::string name) {
    if (!is_known(name)) fail_global(name);
    push_new(PickleKind::global)->text = std::move(name);
  }

  // ("storage", torch.<X>Storage, key, device, number of elements)
  void push_storage(const Node& id) {
    const auto& items = id.items;
    if (items.size() != 5 || items[0]->kind != PickleKind::text || items[0]->text != "storage" ||
        items[1]->kind != PickleKind::global || items[2]->kind != PickleKind::text ||
        items[4]->kind != PickleKind::integer || storage_type(items[1]->text).empty()) {
      fail("a reference that is no storage");
    }
    Node* storage = push_new(PickleKind::storage);
    storage->type = storage_type(items[1]->text);
    storage->text = items[2]->text;
    storage->integer = items[4]->integer;
  }

  void push_call(const std::string& function, const std::vector<const Node*>& arguments) {
    if (function == kOrderedDict && arguments.empty()) {
      push_new(PickleKind::dict);
    } else if (function == kRebuildTensor && arguments.size() >= 4) {
      push_tensor(arguments);
    } else if (function == kRebuildParameter && !arguments.empty()) {
      require(arguments[0], PickleKind::tensor);
      Node* parameter = push_new(PickleKind::tensor);
      *parameter = *arguments[0];
    } else {
      fail("a call of " + function + " with " + std::to_string(arguments.size()) + " arguments");
    }
  }

  // (storage, offset, sizes, strides, requires_grad, hooks, ...)
  void push_tensor(const std::vector<const Node*>& arguments) {
    require(arguments[0], PickleKind::storage);
    require(arguments[1], PickleKind::integer);
    Node* tensor = push_new(PickleKind::tensor);
    tensor->items = {arguments[0]};
    tensor->integer = arguments[1]->integer;
    tensor->sizes = integers(arguments[2]);
    tensor->strides = integers(arguments[3]);
    if (tensor->sizes.size() != tensor->strides.size()) fail("a tensor with as many sizes as strides");
  }

  std::vector<std::int64_t> integers(const Node* tuple) const {
    require(tuple, PickleKind::tuple);
    if (tuple->items.size() > Shape::kMaxRank) {
      throw Error(subject_, "tensors of at most " + std::to_string(Shape::kMaxRank) + " axes",
                  std::to_string(tuple->items.size()));
    }
    std::vector<std::int64_t> values;
    for (const Node* item : tuple->items) {
      require(item, PickleKind::integer);
      values.push_back(item->integer);
    }
    return values;
  }

  bool bookkeeping(std::uint8_t opcode) {
    switch (opcode) {
      case kProto:
        if (const std::uint8_t protocol = bytes_.byte(); protocol > 5) {
          throw Error(subject_, "pickle protocol 2 to 5", std::to_string(protocol));
        }
        return true;
      case kFrame:
        bytes_.little_endian(8);
        return true;  // a hint for readers of streams
      case kMark:
        if (marks_.size() >= kMostValues) fail("it holds too many marks");
        marks_.push_back(stack_.size());
        return true;
      case kPop:
        pop();
        return true;
      case kPopMark:
        pop_to_mark();
        return true;
      case kDup: {
        Node* node = pop();
        push(node);
        push(node);
        return true;
      }
      case kBinPut:
        remember(bytes_.little_endian(1));
        return true;
      case kLongBinPut:
        remember(bytes_.little_endian(4));
        return true;
      case kMemoize:
        remember(memo_.size());
        return true;
      case kBinGet:
        recall(bytes_.little_endian(1));
        return true;
      case kLongBinGet:
        recall(bytes_.little_endian(4));
        return true;
      default:
        return false;
    }
  }

  void remember(std::uint64_t key) {
    if (memo_.size() >= kMostValues) fail("it remembers too many values");
    Node* node = pop();
    push(node);
    memo_[key] = node;
  }
  void recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail("it recalls a value that it never stored");
    push(found->second);
  }

  const std::string& subject_;
  PickleBytes bytes_;
  Pickle pickle_;
  std::vector<Node*> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, Node*> memo_;
};

}  // namespace

const char* name_of(PickleKind kind) {
  constexpr std::array kNames = {"None", "boolean", "integer", "real",    "text",  "tuple",
                                 "list", "dict",    "global",  "storage", "tensor"};
  return kNames[static_cast<std::size_t>(kind)];
}

Pickle read_pickle(const std::string& subject, std::span<const std::byte> bytes) {
  return Machine(subject, bytes).run();
}

}  // namespace tern
