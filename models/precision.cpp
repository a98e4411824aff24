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
  return precision == Precision::fp32 || backend_of(device).has_reduced_precision();
}

void check_precision(Device device, Precision precision) {
  if (has_precision(device, precision)) return;
  throw Error("precision", "\"fp32\" on device " + device.text(),
              "\"" + std::string(name_of(precision)) + "\"");
}

}  // namespace tern
