#include "apps/weights/convert.h"

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/safetensors.h"
#include "engine/io/state_dict.h"

namespace tern {

std::string convert(const std::filesystem::path& in, const std::filesystem::path& out,
                    const std::string& key) {
  if (out.extension() != ".safetensors")
    throw Error("OUT " + out.string(), "a name that ends in .safetensors", "another");
  check_not_input("OUT", out, "IN", in);
  check_writable("OUT", out);  // before much is read
  WeightFile file = read_weight_file(in, key);
  // Some readers (Hugging Face's) ask which framework's tensors these are.
  if (file.format == WeightFormat::torch_zip) file.metadata["format"] = "pt";
  write_safetensors(out, file.tensors, file.metadata);
  return text_of(file.place);
}

}  // namespace tern
