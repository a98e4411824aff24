#include "apps/convert.h"

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
    check_same(file.tensors, read_torch_checkpoint(in));
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

TEST_CASE("convert: a file that is no weights leaves nothing behind") {
  const test::TemporaryFolder folder;
  write_file(folder / "out.safetensors", "old");
  CHECK(error_of([&] {
          convert(test::golden("torch_checkpoint_evil_system.pth"), folder / "out.safetensors");
        }).find("posix.system") != std::string::npos);
  CHECK(error_of([&] { convert(folder / "absent", folder / "out.safetensors"); }).find("nothing there") !=
        std::string::npos);
  CHECK(read_text_file(folder / "out.safetensors") == "old");
  CHECK(folder.size() == 1);
  CHECK(error_of([&] {
          convert(test::golden("torch_checkpoint_types.pth"), folder / "no/out.safetensors");
        }).find("no/out.safetensors: wanted a folder to write it in") != std::string::npos);
}
