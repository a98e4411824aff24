// cuDNN: the few functions of it that tern calls, and its descriptors, owned.
//
// All of a convolution is said through descriptors (cuDNN's graph API): one is created, given attributes by
// name, and finalized, at which point cuDNN checks it.
#pragma once

#include <cudnn_graph.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace tern {

struct CudnnLibrary {
  decltype(cudnnGetVersion)* get_version;
  decltype(cudnnGetErrorString)* get_error_string;
  decltype(cudnnGetLastErrorString)* get_last_error_string;
  decltype(cudnnCreate)* create;
  decltype(cudnnSetStream)* set_stream;
  decltype(cudnnBackendCreateDescriptor)* create_descriptor;
  decltype(cudnnBackendDestroyDescriptor)* destroy_descriptor;
  decltype(cudnnBackendFinalize)* finalize;
  decltype(cudnnBackendSetAttribute)* set_attribute;
  decltype(cudnnBackendGetAttribute)* get_attribute;
  decltype(cudnnBackendExecute)* execute;
  std::string path;
};

/// Loaded on first use. Throws Error{"cuDNN", ...} if there is none or it is older than tern needs.
const CudnnLibrary& cudnn();
std::string cudnn_version_text();  ///< "9.19.0"

/// Throws Error{"cuDNN", "<call> failed: <reason>"} unless status is success.
void check_cudnn(cudnnStatus_t status, const char* call);

class CudnnDescriptor {
 public:
  explicit CudnnDescriptor(cudnnBackendDescriptorType_t type);
  ~CudnnDescriptor();
  CudnnDescriptor(CudnnDescriptor&& other) noexcept : descriptor_(other.descriptor_) {
    other.descriptor_ = nullptr;
  }
  CudnnDescriptor& operator=(CudnnDescriptor&&) = delete;

  cudnnBackendDescriptor_t get() const { return descriptor_; }

  // Setters throw Error if cuDNN refuses the value.
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values);
  void set(cudnnBackendAttributeName_t name, cudnnDataType_t value);
  void set(cudnnBackendAttributeName_t name, std::int64_t value);
  void set(cudnnBackendAttributeName_t name, std::initializer_list<std::int64_t> values);
  void set(cudnnBackendAttributeName_t name, float value);
  void set(cudnnBackendAttributeName_t name, bool value);
  void set(cudnnBackendAttributeName_t name, const CudnnDescriptor& value);
  void set(cudnnBackendAttributeName_t name, const std::string& text);

  void finalize(const char* what);  ///< throws Error that names `what`
  bool try_finalize();              ///< false where cuDNN does not support it

  std::int64_t get_int64(cudnnBackendAttributeName_t name) const;
  std::string get_text(cudnnBackendAttributeName_t name) const;
  /// The values of an enumeration, `most` at most: a newer cuDNN may have more than this build knows.
  template <typename Enum>
  std::vector<Enum> get_list(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                             std::int64_t max_count) const {
    std::vector<Enum> values(static_cast<std::size_t>(max_count));
    values.resize(static_cast<std::size_t>(std::min(max_count, get(name, type, max_count, values.data()))));
    return values;
  }
  /// Fills `values`, made by the caller and `count` many, and returns how many there are.
  std::int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
                   void* values) const;

 private:
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

/// The device that plans are made for: of this machine, or of any as cuDNN describes it in JSON, with no GPU
/// needed.
CudnnDescriptor cudnn_device(int index);
CudnnDescriptor cudnn_device(const std::string& json);

}  // namespace tern
