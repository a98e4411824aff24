#include "models/precision.h"

#include <string>

#include "engine/backend/backend.h"
#include "engine/core/check.h"

namespace tern {

const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return "fp32";
    case Precision::tf32:
      return "tf32";
    case Precision::bf16:
      return "bf16";
  }
  return "unknown";
}

DType activation_type(Precision precision) {
  return precision == Precision::bf16 ? DType::bf16 : DType::f32;
}

bool has_precision(Device device, Precision precision) {
  const Backend& backend = backend_of(device);
  return precision == Precision::fp32 || (precision == Precision::bf16 && backend.has_bfloat16()) ||
         (precision == Precision::tf32 && backend.has_tf32());
}

void check_precision(Device device, Precision precision) {
  if (has_precision(device, precision)) return;
  const bool has_bfloat16 = backend_of(device).has_bfloat16();
  const char* const wanted = has_bfloat16      ? "\"fp32\" or \"bf16\""
                             : device.is_cpu() ? "\"fp32\" (bf16 needs AVX512_BF16 or AMX)"
                                               : "\"fp32\"";
  throw Error("precision", wanted + (" on device " + device.text()),
              "\"" + std::string(name_of(precision)) + "\"");
}

}  // namespace tern
