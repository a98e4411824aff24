#include "engine/io/pickle.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/zip_archive.h"
#include "support/files.h"

using namespace tern;
using namespace std::string_literals;
using test::error_of;

namespace {

Pickle parse(const std::string& bytes) {
  return read_pickle("t.pkl", std::as_bytes(std::span(bytes)));
}

std::string message(const std::string& bytes) {
  return error_of([&] { parse(bytes); });
}

bool fails_with(const std::string& bytes, const std::string& part) {
  return message(bytes).find(part) != std::string::npos;
}

std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

std::string text(const std::string& value) {
  return "X" + std::string(1, static_cast<char>(value.size())) + "\0\0\0"s + value;
}

std::string storage() {
  return "(" + text("storage") + global("torch", "FloatStorage") + text("0") + text("cpu") + "K\x06tQ";
}

std::vector<std::byte> golden_pickle() {
  const ZipArchive archive(test::golden("torch_checkpoint_state_dict.pth"));
  for (const std::string& name : archive.names()) {
    if (name.ends_with("/data.pkl")) return archive.read(name, 1 << 20);
  }
  return {};
}

}  // namespace

TEST_CASE("read_pickle: numbers of every width") {
  CHECK(parse("K\xff.").root->integer == 255);
  CHECK(parse("M\x01\x02.").root->integer == 0x0201);
  CHECK(parse("J\xfe\xff\xff\xff.").root->integer == -2);
  CHECK(parse("\x8a\x00."s).root->integer == 0);
  CHECK(parse("\x8a\x01\xff.").root->integer == -1);
  CHECK(parse("\x8a\x02\xff\x00."s).root->integer == 255);
  CHECK(parse("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."s).root->integer == INT64_MIN);
  CHECK(parse("\x8b\x01\x00\x00\x00\x7f."s).root->integer == 127);
  CHECK(parse("G\x3f\xf8\x00\x00\x00\x00\x00\x00."s).root->real == 1.5);
  CHECK(parse("\x88.").root->integer == 1);
  CHECK(parse("\x89.").root->kind == PickleKind::boolean);
  CHECK(parse("N.").root->kind == PickleKind::none);
  CHECK(fails_with("\x8a\x09"s + std::string(9, '\1') + ".", "more than 64 bits"));
}

TEST_CASE("read_pickle: texts, containers, the memo") {
  CHECK(parse(text("abc") + ".").root->text == "abc");
  CHECK(parse("\x8c\x02hi.").root->text == "hi");
  CHECK(parse("\x8d\x02\0\0\0\0\0\0\0hi."s).root->text == "hi");
  const Pickle list = parse(
      "]q\x05(K\x01K\x02"
      "eK\x03"
      "a.");
  REQUIRE(list.root->kind == PickleKind::list);
  CHECK(list.root->items.size() == 3);
  CHECK(list.root->items[2]->integer == 3);
  CHECK(fails_with("}(" + text("a") + "u.", "a key without a value"));
  const Pickle nested = parse("}" + text("a") + "K\x01\x85s(" + text("b") + "K\x02K\x03\x86u.");
  REQUIRE(nested.root->items.size() == 4);
  CHECK(nested.root->items[1]->items[0]->integer == 1);
  CHECK(nested.root->items[3]->items[1]->integer == 3);
  // 8, remembered under 0 and recalled, in a pair; then the same by number.
  for (const std::string& bytes :
       {"K\x08\x94h\0\x86."s, "K\x08q\x05h\x05\x86."s, "K\x08r\0\1\0\0j\0\1\0\0\x86."s}) {
    const Pickle memo = parse(bytes);
    REQUIRE(memo.root->kind == PickleKind::tuple);
    CHECK(memo.root->items[0] == memo.root->items[1]);
    CHECK(memo.root->items[1]->integer == 8);
  }
}

TEST_CASE("read_pickle: a tensor") {
  const std::string call = global("torch._utils", "_rebuild_tensor_v2") + "(" + storage() +
                           "K\x01K\x02K\x03\x86K\x03K\x01\x86\x89" + global("collections", "OrderedDict") +
                           ")RtR.";
  const Pickle pickle = parse(call);
  REQUIRE(pickle.root->kind == PickleKind::tensor);
  CHECK(pickle.root->integer == 1);
  CHECK(pickle.root->sizes == std::vector<std::int64_t>{2, 3});
  CHECK(pickle.root->strides == std::vector<std::int64_t>{3, 1});
  CHECK(pickle.root->items[0]->type == "Float");
  CHECK(pickle.root->items[0]->text == "0");
  CHECK(pickle.root->items[0]->integer == 6);
}

TEST_CASE("read_pickle: names every global that is not a state dict's") {
  for (const auto& [module, name] : {std::pair("os", "system"),
                                     {"posix", "system"},
                                     {"builtins", "eval"},
                                     {"__builtin__", "exec"},
                                     {"torch.storage", "_load_from_bytes"},
                                     {"torch", "load"},
                                     {"torch", "UntypedStorage"},
                                     {"collections", "Counter"},
                                     {"subprocess", "Popen"},
                                     {"torch", "Storage"},
                                     {"x", "torch.FloatStorage"}}) {
    const std::string name_text = std::string(module) + "." + name + " (nothing was executed)";
    CHECK(fails_with(global(module, name) + ".", name_text));
    CHECK(fails_with(text(module) + text(name) + "\x93.", name_text));
    CHECK(fails_with("(" + text("true") + "i" + module + "\n" + name + "\n.", name_text));
  }
}

TEST_CASE("read_pickle: malformed streams") {
  CHECK(fails_with("", "it ends early"));
  CHECK(fails_with("K", "it ends early"));
  CHECK(fails_with("K\x01", "it ends early"));
  CHECK(fails_with("X\xff\xff\xff\x7fy.", "it ends early"));
  CHECK(fails_with("\x8d\xff\xff\xff\xff\xff\xff\xff\xffy.", "it ends early"));
  CHECK(fails_with(".", "a value that is not there"));
  CHECK(fails_with("t.", "a mark that is not there"));
  CHECK(fails_with("K\x01(\x85.", "a value that is not there"));  // may not reach below the mark
  CHECK(fails_with("h\x07.", "never stored"));
  CHECK(
      fails_with("K\x01K\x02"
                 "a.",
                 "wanted a list, got a integer"));
  CHECK(fails_with("K\x01)R.", "wanted a global, got a integer"));
  CHECK(fails_with("K\x01}b.", "wanted a dict, got a integer"));
  CHECK(fails_with("K\x01\x85Q.", "a reference that is no storage"));
  CHECK(fails_with(global("torch", "FloatStorage") + ")R.", "a call of torch.FloatStorage"));
  CHECK(fails_with("\xff.", "opcode 255 has no place"));
  CHECK(fails_with("\x81.", "opcode 129 has no place"));
  CHECK(fails_with("\x80\x09N.", "protocol 2 to 5, got 9"));
}

TEST_CASE("read_pickle: bounded in depth and number, and a list may hold itself") {
  CHECK_NOTHROW(parse("]\x94h\0a."s));
  std::string deep = "]";
  for (int i = 0; i < 300'000; ++i) deep += "\x85";
  CHECK_NOTHROW(parse(deep + "."));
  CHECK(fails_with(std::string(1'100'000, 'N') + ".", "too many values"));
  CHECK(fails_with("N" + std::string(1'100'000, '2') + ".", "too many values"));
  CHECK(fails_with(std::string(1'100'000, '(') + ".", "too many marks"));
  CHECK(fails_with("N" + std::string(1'100'000, '\x94') + ".", "too many values"));
  CHECK(fails_with(std::string((32 << 20) + 1, 'N'), "at most 32 MB"));
}

TEST_CASE("read_pickle: every truncation and many changed bytes of a real one gives a value or an Error") {
  const std::vector<std::byte> bytes = golden_pickle();
  REQUIRE(bytes.size() > 200);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK(error_of([&] { read_pickle("t.pkl", std::span(bytes).first(length)); }) != "no error");
  }
  int refused = 0;
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    for (const int mask : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, '(' ^ 't'}) {
      std::vector<std::byte> changed = bytes;
      changed[place] ^= static_cast<std::byte>(mask);
      refused += error_of([&] { read_pickle("t.pkl", changed); }) == "no error" ? 0 : 1;
    }
  }
  CHECK(refused > 0);
}
