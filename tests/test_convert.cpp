#include "apps/weights/convert.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/safetensors.h"
#include "engine/io/torch_checkpoint.h"
#include "support/files.h"

using namespace tern;
using test::error_of;

namespace {

void check_same(const StateDict& a, const StateDict& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].name);
    CHECK(a[i].name == b[i].name);
    CHECK(a[i].tensor.dtype() == b[i].tensor.dtype());
    REQUIRE(a[i].tensor.shape() == b[i].tensor.shape());
    CHECK((a[i].tensor.bytes() == 0 ||
           std::memcmp(a[i].tensor.raw(), b[i].tensor.raw(), a[i].tensor.bytes()) == 0));
  }
}

}  // namespace

TEST_CASE("convert: names, order, types, bits and layout stay") {
  const test::TemporaryFolder folder;
  for (const char* name : {"state_dict.pth", "types.pth", "strided.pth", "nested.pth"}) {
    CAPTURE(name);
    const auto in = test::golden(std::string("torch_checkpoint_") + name);
    convert(in, folder / "a.safetensors");
    const SafetensorsFile file = read_safetensors(folder / "a.safetensors");
    check_same(file.tensors, read_torch_checkpoint(in).tensors);
    CHECK(file.metadata == Metadata{{"format", "pt"}});
  }
}

TEST_CASE("convert: safetensors to safetensors, but not onto itself") {
  const test::TemporaryFolder folder;
  const auto in = test::golden("safetensors_python.safetensors");
  convert(in, folder / "a.safetensors");
  check_same(read_safetensors(folder / "a.safetensors").tensors, read_safetensors(in).tensors);
  CHECK(read_safetensors(folder / "a.safetensors").metadata == read_safetensors(in).metadata);
  const std::string once = read_text_file(folder / "a.safetensors");
  std::filesystem::create_symlink("a.safetensors", folder / "link.safetensors");
  for (const char* out : {"a.safetensors", "link.safetensors"}) {
    CHECK(error_of([&] { convert(folder / "a.safetensors", folder / out); }) ==
          "OUT " + (folder / out).string() + ": wanted another file than the inputs, got IN " +
              (folder / "a.safetensors").string());
  }
  CHECK(read_text_file(folder / "a.safetensors") == once);
  CHECK(error_of([&] { convert(in, "/dev/null"); }) ==
        "OUT /dev/null: wanted a name that ends in .safetensors, got another");
}

TEST_CASE("convert: types that tern does not compute with, bit for bit, as the Python package writes them") {
  const test::TemporaryFolder folder;
  const auto by_python = test::golden("checkpoint_2026_types.safetensors");
  convert(test::golden("checkpoint_2026_types.pth"), folder / "a.safetensors");
  convert(by_python, folder / "b.safetensors");
  const StateDict wanted = read_safetensors(by_python).tensors;
  check_same(read_safetensors(folder / "b.safetensors").tensors, wanted);
  const StateDict from_torch = read_safetensors(folder / "a.safetensors").tensors;
  REQUIRE(from_torch.size() == wanted.size());
  for (const NamedTensor& one : wanted) {
    REQUIRE(find(from_torch, one.name) != nullptr);
    check_same({{one.name, *find(from_torch, one.name)}}, {one});
  }
  CHECK(error_of([&] { convert(test::golden("checkpoint_2026_wide.pth"), folder / "wide.safetensors"); }) ==
        (folder / "wide.safetensors").string() +
            ": tensor c128: wanted a type that safetensors has, got c128");
  CHECK(folder.size() == 2);
}

TEST_CASE("convert: says which state dict it took and what it left, and takes another by its key") {
  const test::TemporaryFolder folder;
  const auto in = test::golden("checkpoint_2026_timm.pth"), out = folder / "a.safetensors";
  CHECK(convert(in, out) ==
        "state dict \"state_dict\", passing over \"state_dict_ema\" (--key takes another)");
  CHECK(find(read_safetensors(out).tensors, "w")->data<float>()[0] == 1);
  CHECK(convert(in, out, "state_dict_ema").starts_with("state dict \"state_dict_ema\""));
  CHECK(find(read_safetensors(out).tensors, "w")->data<float>()[0] == 2);
  CHECK(convert(test::golden("torch_checkpoint_state_dict.pth"), out).empty());
  CHECK(error_of([&] {
          convert(test::golden("safetensors_python.safetensors"), out, "model");
        }).find("wanted a file by torch.save where --key names a state dict") != std::string::npos);
}

TEST_CASE("convert: a file that is no weights leaves nothing behind") {
  const test::TemporaryFolder folder;
  write_file(folder / "out.safetensors", "old");
  CHECK(error_of([&] {
          convert(test::golden("torch_checkpoint_evil_eval.pth"), folder / "out.safetensors");
        }).find("__builtin__.eval") != std::string::npos);
  CHECK(error_of([&] { convert(folder / "absent", folder / "out.safetensors"); }).find("nothing there") !=
        std::string::npos);
  CHECK(read_text_file(folder / "out.safetensors") == "old");
  CHECK(folder.size() == 1);
  CHECK(error_of([&] {
          convert(test::golden("torch_checkpoint_types.pth"), folder / "no/out.safetensors");
        }).find("no/out.safetensors: wanted a folder to write it in") != std::string::npos);
}
