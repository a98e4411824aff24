#include "engine/io/pickle.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
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
  CHECK(parse("\x8a\x09"s + std::string(9, '\1') + ".").root->kind == PickleKind::big_integer);
  CHECK(parse("\x8b\x09\0\0\0"s + std::string(9, '\1') + ".").root->kind == PickleKind::big_integer);
  CHECK(fails_with("\x8b\xff\xff\xff\xff\1.", "it ends early"));
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

TEST_CASE("read_pickle: a call is told and not made") {
  const Pickle call = parse(global("os", "system") + text("true") + "\x85R.");
  REQUIRE(call.root->kind == PickleKind::object);
  CHECK(maker_of(*call.root) == "os.system");
  CHECK(call.root->arguments->items[0]->text == "true");
  CHECK(describe(*call.root) == "what os.system would return (nothing was executed)");
  CHECK(describe(*parse(text("os") + text("system") + "\x93)R.").root) == describe(*call.root));

  // Instances: of protocol 2, with keyword arguments, of protocols 0 and 1.
  const std::string a_class = global("a.b", "C");
  for (const std::string& bytes :
       {a_class + ")\x81.", a_class + ")}\x92.", "(" + a_class + "K\x01o.", "(K\x01ia.b\nC\n."s,
        global("copyreg", "_reconstructor") + "(" + a_class + global("builtins", "object") + "NtR."}) {
    CHECK(describe(*parse(bytes).root) == "an object of class a.b.C");
  }
  // With a state, list items, set items; and as something that is called in turn.
  CHECK(parse(a_class + ")\x81}" + text("x") + "K\x01sb.").root->items.empty());
  CHECK(parse(a_class + ")\x81K\x01" + "a(K\x02" + "e(K\x03\x90.").root->items.empty());
  CHECK(describe(*parse(a_class + ")R)R.").root) == "an object");
  CHECK(parse("\x82\x01)\x81.").root->kind == PickleKind::object);
}

TEST_CASE("read_pickle: what is filled like a dict is a mapping") {
  const std::string pair = text("k") + "K\x05s.";
  for (const std::string& maker :
       {"}"s, global("collections", "OrderedDict") + ")R",
        global("collections", "defaultdict") + global("builtins", "list") + "\x85R",
        global("my", "Dict") + ")\x81"}) {
    const Pickle pickle = parse(maker + pair);
    REQUIRE(is_mapping(*pickle.root));
    REQUIRE(value_of(*pickle.root, "k") != nullptr);
    CHECK(value_of(*pickle.root, "k")->integer == 5);
    CHECK(value_of(*pickle.root, "l") == nullptr);
  }
  CHECK_FALSE(is_mapping(*parse(global("my", "Dict") + ")\x81.").root));
  CHECK(value_of(*parse("}(" + text("k") + "K\x01" + text("k") + "K\x02u.").root, "k")->integer == 2);
}

TEST_CASE("read_pickle: bytes, sets, references, buffers kept elsewhere") {
  CHECK(parse("C\x02\xff\0."s).root->kind == PickleKind::bytes);
  CHECK(parse("B\x01\0\0\0x."s).root->kind == PickleKind::bytes);
  CHECK(parse("\x8e\x01\0\0\0\0\0\0\0x."s).root->kind == PickleKind::bytes);
  CHECK(parse("\x96\x01\0\0\0\0\0\0\0x."s).root->kind == PickleKind::bytes);
  CHECK(parse("\x97\x98.").root->kind == PickleKind::bytes);
  CHECK(parse("\x8f(K\x01K\x02\x90.").root->items.size() == 2);
  CHECK(parse("(K\x01\x91.").root->kind == PickleKind::set);
  const Pickle reference = parse(storage() + ".");
  CHECK(reference.root->kind == PickleKind::persistent_id);
  CHECK(reference.root->arguments->items.size() == 5);
  CHECK(parse("Pid\n.").root->arguments->text == "id");
}

TEST_CASE("read_pickle: protocol 0, in lines") {
  const std::string bytes = read_text_file(test::golden("checkpoint_2026_protocol0.pkl"));
  const Pickle pickle = parse(bytes);
  const auto at = [&](const char* key) { return *value_of(*pickle.root, key); };
  CHECK(at("i").integer == 7);
  CHECK(at("n").integer == -(std::int64_t{1} << 62));
  CHECK(at("big").kind == PickleKind::big_integer);
  CHECK(at("t").kind == PickleKind::boolean);
  CHECK(at("t").integer == 1);
  CHECK(at("f").items[0]->real == 1.5);
  CHECK(at("f").items[1]->real == INFINITY);
  CHECK(at("f").items[2]->real == 1e-300);
  CHECK(at("u").text == "\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\n\\");
  CHECK(at("tuple").items[1]->kind == PickleKind::none);
  CHECK(value_of(*pickle.root, "again") == value_of(*pickle.root, "shared"));
  CHECK(describe(at("object")) == "an object of class argparse.Namespace");
  CHECK(at("bytes").kind == PickleKind::object);
  CHECK(parse("S'a\\x41\\n\\''\n.").root->text == "aA\n'");
  for (const char* bad : {"Ix\n.", "I\n.", "L1x\n.", "Fx\n.", "Sx\n.", "S'\n.", "S'\\'\n.", "S'\\x4'\n.",
                          "V\\u12\n.", "V\\Uffffffff\n.", "gx\n."}) {
    CAPTURE(bad);
    CHECK(fails_with(bad, "corrupted pickle"));
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
  CHECK(fails_with("K\x01}b.", "wanted a object, got a integer"));
  CHECK(fails_with(global("a", "b") + "K\x01R.", "wanted a tuple, got a integer"));
  CHECK(fails_with("(o.", "an object without a class"));
  CHECK(fails_with("K\x01K\x02K\x03s.", "wanted a dict, got a integer"));
  CHECK(fails_with("\xff.", "opcode 255 is none of pickle's"));
  CHECK(fails_with("\x81.", "a value that is not there"));
  CHECK(fails_with("0.", "a mark that is not there"));
  CHECK(fails_with("\x80\x09N.", "protocol 0 to 5, got 9"));
}

TEST_CASE("read_pickle: bounded in depth and number, and a list may hold itself") {
  CHECK_NOTHROW(parse("]\x94h\0a."s));
  std::string deep = "]";
  for (int i = 0; i < 300'000; ++i) deep += "\x85";
  CHECK_NOTHROW(parse(deep + "."));
  CHECK(fails_with(std::string(1'100'000, 'N') + ".", "over a million values"));
  CHECK(fails_with("N" + std::string(1'100'000, '2') + ".", "over a million values"));
  CHECK(fails_with(std::string(1'100'000, '(') + ".", "over a million values"));
  CHECK(fails_with("N" + std::string(1'100'000, '\x94') + ".", "over a million values"));
  CHECK(fails_with(std::string((256 << 20) + 1, 'N'), "at most 256 MiB"));
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
