#include "apps/convert.h"

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/safetensors.h"
#include "engine/io/state_dict.h"

namespace tern {

void convert(const std::filesystem::path& in, const std::filesystem::path& out) {
  if (out.extension() != ".safetensors")
    throw Error("OUT " + out.string(), "a name that ends in .safetensors", "another");
  check_not_input("OUT", out, "IN", in);
  check_writable(out);  // before much is read
  WeightFile file = read_weight_file(in);
  // Some readers (Hugging Face's) ask which framework's tensors these are.
  if (file.format == WeightFormat::torch_zip) file.metadata["format"] = "pt";
  write_safetensors(out, file.tensors, file.metadata);
}

}  // namespace tern
