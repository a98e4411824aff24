#include "engine/backend/cuda/cudnn_library.h"

#include <array>

#include "engine/backend/cuda/dynamic_library.h"
#include "engine/core/check.h"

namespace tern {
namespace {

constexpr std::size_t kOldest = 90800;  // the first that takes a device description

CudnnLibrary load() {
  const DynamicLibrary library({"cuDNN", "libcudnn.so.9", "TERN_CUDNN", "nvidia/cudnn/lib",
                                "install cuDNN 9 for CUDA " + std::to_string(CUDART_VERSION / 1000) +
                                    " (pip install nvidia-cudnn-cu" + std::to_string(CUDART_VERSION / 1000) +
                                    ")"});
  CudnnLibrary functions{};
  library.find("cudnnGetVersion", functions.get_version);
  if (functions.get_version() < kOldest) {
    throw Error("cuDNN", "version 9.8 or later",
                std::to_string(functions.get_version()) + " in " + library.path());
  }
  library.find("cudnnGetErrorString", functions.get_error_string);
  library.find("cudnnGetLastErrorString", functions.get_last_error_string);
  library.find("cudnnCreate", functions.create);
  library.find("cudnnSetStream", functions.set_stream);
  library.find("cudnnBackendCreateDescriptor", functions.create_descriptor);
  library.find("cudnnBackendDestroyDescriptor", functions.destroy_descriptor);
  library.find("cudnnBackendFinalize", functions.finalize);
  library.find("cudnnBackendSetAttribute", functions.set_attribute);
  library.find("cudnnBackendGetAttribute", functions.get_attribute);
  library.find("cudnnBackendExecute", functions.execute);
  functions.path = library.path();
  return functions;
}

std::string last_error() {
  std::array<char, 1024> text{};
  cudnn().get_last_error_string(text.data(), text.size());
  std::string message(text.data());
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  for (char& c : message) {
    if (c == '\n') c = ' ';
  }
  return message;
}

}  // namespace

const CudnnLibrary& cudnn() {
  static const CudnnLibrary library = load();  // tried again where it throws
  return library;
}

std::string cudnn_version_text() {
  const std::size_t version = cudnn().get_version();
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000 / 100) + "." +
         std::to_string(version % 100);
}

void check_cudnn(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::string advice;
  if (status == CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED ||
      status == CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH) {
    advice = "; all of cuDNN's files must be of one version and in the folder of " + cudnn().path;
  } else if (status == CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER) {
    advice = "; update the NVIDIA driver";
  }
  throw Error("cuDNN", std::string(call) + " failed: " + cudnn().get_error_string(status) + " " +
                           last_error() + advice);
}

CudnnDescriptor::CudnnDescriptor(cudnnBackendDescriptorType_t type) {
  check_cudnn(cudnn().create_descriptor(type, &descriptor_), "cudnnBackendCreateDescriptor");
}

CudnnDescriptor::~CudnnDescriptor() {
  if (descriptor_ != nullptr) cudnn().destroy_descriptor(descriptor_);
}

void CudnnDescriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                          std::int64_t count, const void* values) {
  const cudnnStatus_t status = cudnn().set_attribute(descriptor_, name, type, count, values);
  if (status == CUDNN_STATUS_SUCCESS) return;
  check_cudnn(status, ("cudnnBackendSetAttribute(" + std::to_string(name) + ")").c_str());
}
void CudnnDescriptor::set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
  set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
}
void CudnnDescriptor::set(cudnnBackendAttributeName_t name, std::int64_t value) {
  set(name, CUDNN_TYPE_INT64, 1, &value);
}
void CudnnDescriptor::set(cudnnBackendAttributeName_t name, std::initializer_list<std::int64_t> values) {
  set(name, CUDNN_TYPE_INT64, static_cast<std::int64_t>(values.size()), values.begin());
}
void CudnnDescriptor::set(cudnnBackendAttributeName_t name, float value) {
  set(name, CUDNN_TYPE_FLOAT, 1, &value);
}
void CudnnDescriptor::set(cudnnBackendAttributeName_t name, bool value) {
  set(name, CUDNN_TYPE_BOOLEAN, 1, &value);
}
void CudnnDescriptor::set(cudnnBackendAttributeName_t name, const CudnnDescriptor& value) {
  set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.descriptor_);
}
void CudnnDescriptor::set(cudnnBackendAttributeName_t name, const std::string& text) {
  set(name, CUDNN_TYPE_CHAR, static_cast<std::int64_t>(text.size()) + 1, text.c_str());
}

void CudnnDescriptor::finalize(const char* what) {
  check_cudnn(cudnn().finalize(descriptor_), what);
}

bool CudnnDescriptor::try_finalize() {
  return cudnn().finalize(descriptor_) == CUDNN_STATUS_SUCCESS;
}

std::int64_t CudnnDescriptor::get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                  std::int64_t count, void* values) const {
  std::int64_t got = 0;
  const cudnnStatus_t status = cudnn().get_attribute(descriptor_, name, type, count, &got, values);
  if (status == CUDNN_STATUS_SUCCESS) return got;
  check_cudnn(status, ("cudnnBackendGetAttribute(" + std::to_string(name) + ")").c_str());
  return 0;
}

std::int64_t CudnnDescriptor::get_int64(cudnnBackendAttributeName_t name) const {
  std::int64_t value = 0;
  get(name, CUDNN_TYPE_INT64, 1, &value);
  return value;
}

std::string CudnnDescriptor::get_text(cudnnBackendAttributeName_t name) const {
  std::string text(static_cast<std::size_t>(get(name, CUDNN_TYPE_CHAR, 0, nullptr)), '\0');
  get(name, CUDNN_TYPE_CHAR, static_cast<std::int64_t>(text.size()), text.data());
  return text.c_str();  // without the zero at its end
}

CudnnDescriptor cudnn_device(int index) {
  CudnnDescriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  const std::int32_t id = index;
  device.set(CUDNN_ATTR_DEVICEPROP_DEVICE_ID, CUDNN_TYPE_INT32, 1, &id);
  device.finalize("the description of a device");
  return device;
}

CudnnDescriptor cudnn_device(const std::string& json) {
  CudnnDescriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, json);
  device.finalize("a device described in JSON");
  return device;
}

}  // namespace tern
