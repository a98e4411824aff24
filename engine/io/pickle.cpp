#include "engine/io/pickle.h"

#include "engine/core/check.h"
#include "engine/io/pickle_bytes.h"
#include "engine/io/pickle_stack.h"
#include "engine/io/pickle_text.h"
#include "engine/io/pickle_values.h"

namespace tern {
namespace {

using Node = PickleNode;
using Nodes = std::vector<const Node*>;

constexpr std::size_t kMaxNameBytes = 1000;

// Whether the call makes an empty dict, to be filled afterwards.
bool makes_dict(const Node& callable, const Node& arguments) {
  if (callable.kind != PickleKind::global) return false;
  const std::size_t factories = callable.text == "collections.defaultdict" ? 1 : 0;
  return (factories == 1 || callable.text == "collections.OrderedDict") &&
         arguments.items.size() <= factories;
}

// A stack machine: opcodes push values, or gather those above the last mark into a container.
class Machine {
 public:
  Machine(const std::string& subject, std::span<const std::byte> bytes)
      : subject_(subject), bytes_(subject, bytes), stack_(bytes_) {}

  Pickle run() {
    if (bytes_.size() > kMaxPickleBytes) {
      throw Error(subject_, "a pickle of at most 256 MiB", std::to_string(bytes_.size()) + " bytes");
    }
    for (std::uint8_t opcode = bytes_.byte(); opcode != kStop; opcode = bytes_.byte()) {
      if (!push_value(opcode, bytes_, stack_) && !container(opcode) && !item(opcode) && !object(opcode) &&
          !call(opcode) && !bookkeeping(opcode)) {
        fail("opcode " + std::to_string(opcode) + " is none of pickle's");
      }
    }
    return stack_.finish();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { bytes_.fail(what); }

  // A name may be put together of two texts of the memo, again and again: long ones would take more memory than any file.
  void push_global(std::string name) {
    if (name.size() > kMaxNameBytes) fail("the name of a class or function that is over 1000 bytes long");
    stack_.push_new(PickleKind::global)->text = std::move(name);
  }

  // --- opcodes; each group says whether the opcode was one of its own ---
  bool container(std::uint8_t opcode) {
    switch (opcode) {
      case kEmptyList:
        stack_.push_new(PickleKind::list);
        return true;
      case kEmptyDict:
        stack_.push_new(PickleKind::dict);
        return true;
      case kEmptyTuple:
        stack_.push_new(PickleKind::tuple);
        return true;
      case kEmptySet:
        stack_.push_new(PickleKind::set);
        return true;
      case kList:
        gather(PickleKind::list);
        return true;
      case kTuple:
        gather(PickleKind::tuple);
        return true;
      case kFrozenSet:
        gather(PickleKind::set);
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
      default:
        return false;
    }
  }

  void gather(PickleKind kind) {
    Nodes items = stack_.pop_to_mark();
    if (kind == PickleKind::dict) require_pairs(items);
    stack_.push_new(kind)->items = std::move(items);
  }
  void tuple_of(std::size_t count) {
    Nodes items(count);
    for (std::size_t i = count; i > 0; --i) items[i - 1] = stack_.pop();
    stack_.push_new(PickleKind::tuple)->items = std::move(items);
  }
  void require_pairs(const Nodes& items) const {
    if (items.size() % 2 != 0) fail("a key without a value");
  }

  bool item(std::uint8_t opcode) {
    switch (opcode) {
      case kAppend: {
        const Node* one = stack_.pop();
        add(PickleKind::list, {one});
        return true;
      }
      case kAppends:
        add(PickleKind::list, stack_.pop_to_mark());
        return true;
      case kAddItems:
        add(PickleKind::set, stack_.pop_to_mark());
        return true;
      case kSetItem: {
        const Node* value = stack_.pop();
        const Node* key = stack_.pop();
        add(PickleKind::dict, {key, value});
        return true;
      }
      case kSetItems:
        add(PickleKind::dict, stack_.pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  // To the container on top, of that kind or an object: one that is filled like a dict keeps the pairs, and
  // of no other the items are of use.
  void add(PickleKind kind, const Nodes& items) {
    if (kind == PickleKind::dict) require_pairs(items);
    Node* to = stack_.top();
    if (to->kind == PickleKind::object && kind != PickleKind::dict) return;
    if (to->kind != kind && to->kind != PickleKind::object) stack_.fail_kind(name_of(kind), *to);
    to->items.insert(to->items.end(), items.begin(), items.end());
  }

  // Classes, functions, and what is kept elsewhere.
  bool object(std::uint8_t opcode) {
    switch (opcode) {
      case kGlobal:
        push_global(global_name());
        return true;
      case kStackGlobal: {
        const Node* name = stack_.pop(PickleKind::text);
        const Node* module = stack_.pop(PickleKind::text);
        push_global(module->text + "." + name->text);
        return true;
      }
      case kExt1:
      case kExt2:
      case kExt4: {
        const std::size_t width = std::size_t{1} << (opcode - kExt1);
        push_global("copyreg extension " + std::to_string(bytes_.little_endian(width)));
        return true;
      }
      case kPersId:
        stack_.push_new(PickleKind::text)->text = bytes_.line();
        push_persistent_id();
        return true;
      case kBinPersId:
        push_persistent_id();
        return true;
      default:
        return false;
    }
  }

  std::string global_name() {
    const std::string module = bytes_.line();
    return module + "." + bytes_.line();
  }
  void push_persistent_id() {
    const Node* id = stack_.pop();
    stack_.push_new(PickleKind::persistent_id)->arguments = id;
  }

  bool call(std::uint8_t opcode) {
    switch (opcode) {
      case kReduce:
        push_call(stack_.pop(PickleKind::tuple), /*of_class=*/false);
        return true;
      case kNewObjEx:
        stack_.pop(PickleKind::dict);  // keyword arguments
        [[fallthrough]];
      case kNewObj:
        push_call(stack_.pop(PickleKind::tuple), /*of_class=*/true);
        return true;
      case kObj: {
        gather(PickleKind::tuple);
        Node* arguments = stack_.pop();
        if (arguments->items.empty()) fail("an object without a class");
        push_object(arguments->items.front(), arguments, /*of_class=*/true);
        return true;
      }
      case kInst: {
        std::string name = global_name();
        gather(PickleKind::tuple);
        const Node* arguments = stack_.pop();
        push_global(std::move(name));
        push_call(arguments, /*of_class=*/true);
        return true;
      }
      case kBuild: {  // attributes, such as an OrderedDict's _metadata: of no use here
        stack_.pop();
        const Node* to = stack_.top();
        if (to->kind < PickleKind::list) stack_.fail_kind("object", *to);
        return true;
      }
      default:
        return false;
    }
  }

  // Of what is on top.
  void push_call(const Node* arguments, bool of_class) { push_object(stack_.pop(), arguments, of_class); }

  void push_object(const Node* callable, const Node* arguments, bool of_class) {
    if (callable->kind < PickleKind::global) stack_.fail_kind("global", *callable);
    if (makes_dict(*callable, *arguments)) {
      stack_.push_new(PickleKind::dict);
      return;
    }
    Node* made = stack_.push_new(PickleKind::object);
    made->callable = callable;
    made->arguments = arguments;
    made->of_class = of_class;
  }

  bool bookkeeping(std::uint8_t opcode) {
    switch (opcode) {
      case kProto:
        if (const std::uint8_t protocol = bytes_.byte(); protocol > 5) {
          throw Error(subject_, "pickle protocol 0 to 5", std::to_string(protocol));
        }
        return true;
      case kFrame:
        bytes_.little_endian(8);
        return true;  // a hint for readers of streams
      case kReadOnlyBuffer:
        return true;
      case kMark:
        stack_.mark();
        return true;
      case kPop:  // of a mark too
        if (stack_.is_at_mark()) {
          stack_.pop_to_mark();
        } else {
          stack_.pop();
        }
        return true;
      case kPopMark:
        stack_.pop_to_mark();
        return true;
      case kDup:
        stack_.push(stack_.top());
        return true;
      default:
        return memo(opcode);
    }
  }

  bool memo(std::uint8_t opcode) {
    switch (opcode) {
      case kPut:
        stack_.remember(memo_key());
        return true;
      case kBinPut:
        stack_.remember(bytes_.little_endian(1));
        return true;
      case kLongBinPut:
        stack_.remember(bytes_.little_endian(4));
        return true;
      case kMemoize:
        stack_.remember(stack_.memo_size());
        return true;
      case kGet:
        stack_.recall(memo_key());
        return true;
      case kBinGet:
        stack_.recall(bytes_.little_endian(1));
        return true;
      case kLongBinGet:
        stack_.recall(bytes_.little_endian(4));
        return true;
      default:
        return false;
    }
  }

  std::uint64_t memo_key() {
    const auto key = parse_decimal_integer(bytes_.line());
    if (!key) fail("a place in the memo that is no number");
    return static_cast<std::uint64_t>(key->value);
  }

  const std::string& subject_;
  PickleBytes bytes_;
  PickleStack stack_;
};

}  // namespace

Pickle read_pickle(const std::string& subject, std::span<const std::byte> bytes) {
  return Machine(subject, bytes).run();
}

}  // namespace tern
