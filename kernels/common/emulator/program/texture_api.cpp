#include "kernels/common/emulator/program/texture_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/program/cuda_array.h"
#include "kernels/common/emulator/program/faults.h"

using namespace tern::emulator::program;

namespace tern::emulator::program {
namespace {

struct Texture {
  const char* memory = nullptr;
  cudaChannelFormatDesc format{};
  std::array<std::int64_t, 3> extents{1, 1, 1};
  std::size_t pitch = 0;  ///< from row to row
  int dimensions = 1;
  bool is_linear_memory = false;  ///< that indices are for
  cudaTextureDesc how{};
};

std::map<cudaTextureObject_t, Texture>& textures() {
  static auto* const all = new std::map<cudaTextureObject_t, Texture>;
  return *all;
}

std::string format_text(cudaChannelFormatKind kind, int bits) {
  const char* const name = kind == cudaChannelFormatKindFloat    ? "floats"
                           : kind == cudaChannelFormatKindSigned ? "signed integers"
                                                                 : "unsigned integers";
  return fmt::format("{} of {} bits", name, bits);
}

template <typename T>
double number_at(const char* place) {
  T value;
  std::memcpy(&value, place, sizeof value);
  return static_cast<double>(value);
}

double number_of(const cudaChannelFormatDesc& format, const char* place, bool is_normalized) {
  const bool is_signed = format.f == cudaChannelFormatKindSigned;
  if (format.f == cudaChannelFormatKindFloat) return number_at<float>(place);
  double value = 0;
  if (format.x == 8) value = is_signed ? number_at<std::int8_t>(place) : number_at<std::uint8_t>(place);
  if (format.x == 16) value = is_signed ? number_at<std::int16_t>(place) : number_at<std::uint16_t>(place);
  if (format.x == 32) value = is_signed ? number_at<std::int32_t>(place) : number_at<std::uint32_t>(place);
  if (!is_normalized) return value;
  const double most = std::ldexp(1.0, is_signed ? format.x - 1 : format.x) - 1;
  return std::max(value / most, -1.0);
}

/// Of an index beyond the texture, which takes its place; negative for the border.
std::int64_t addressed(std::int64_t index, std::int64_t extent, cudaTextureAddressMode mode,
                       bool is_normalized) {
  if (index >= 0 && index < extent) return index;
  if (mode == cudaAddressModeBorder) return -1;
  const std::int64_t period = mode == cudaAddressModeMirror ? 2 * extent : extent;
  std::int64_t within = index % period;
  if (within < 0) within += period;
  // CUDA wraps and mirrors coordinates that are normalized alone, and clamps others.
  if (is_normalized && mode == cudaAddressModeWrap) return within;
  if (is_normalized && mode == cudaAddressModeMirror) return within < extent ? within : period - 1 - within;
  return std::clamp<std::int64_t>(index, 0, extent - 1);
}

/// An element's numbers, each times a weight, added to a sum.
void add_element(const Texture& texture, const std::array<std::int64_t, 3>& index, double weight,
                 std::array<double, 4>& sum, TernPlace where) {
  std::array<std::int64_t, 3> at{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    at[axis] = addressed(index[axis], texture.extents[axis], texture.how.addressMode[axis],
                         texture.how.normalizedCoords != 0);
    if (at[axis] >= 0) continue;
    for (std::size_t i = 0; i < 4; ++i) sum[i] += weight * static_cast<double>(texture.how.borderColor[i]);
    return;
  }
  const std::size_t bytes = bytes_of(texture.format);
  const char* const place = texture.memory +
                            static_cast<std::size_t>(at[2] * texture.extents[1] + at[1]) * texture.pitch +
                            static_cast<std::size_t>(at[0]) * bytes;
  note_access(place, bytes, Access::read, Strength::plain, where);
  const bool is_normalized = texture.how.readMode == cudaReadModeNormalizedFloat;
  for (int i = 0; i < count_of(texture.format); ++i)
    sum[static_cast<std::size_t>(i)] +=
        weight * number_of(texture.format, place + i * texture.format.x / 8, is_normalized);
}

/// As CUDA interpolates: with weights of 8 bits after the point.
void add_between(const Texture& texture, const std::array<double, 3>& at, std::array<double, 4>& sum,
                 TernPlace where) {
  std::array<std::int64_t, 3> first{};
  std::array<double, 3> part{};
  for (int axis = 0; axis < texture.dimensions; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const double from_centre = at[a] - 0.5;
    first[a] = static_cast<std::int64_t>(std::floor(from_centre));
    part[a] = std::round((from_centre - std::floor(from_centre)) * 256) / 256;
  }
  for (unsigned corner = 0; corner < 1u << texture.dimensions; ++corner) {
    double weight = 1;
    std::array<std::int64_t, 3> index = first;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const bool is_next = (corner >> axis & 1u) != 0;
      weight *= is_next ? part[axis] : 1 - part[axis];
      index[axis] += is_next ? 1 : 0;
    }
    if (weight > 0) add_element(texture, index, weight, sum, where);
  }
}

/// Ends the launch if the kernel wants another kind of texture or of numbers.
void check_read(const Texture* texture, const TextureRead& read, TernPlace where) {
  std::string wrong;
  if (texture == nullptr) {
    wrong = "wanted a texture object, got none that cudaCreateTextureObject has made";
  } else if (read.by_index != texture->is_linear_memory) {
    wrong = read.by_index ? "wanted a texture of linear memory, got one of an array"
                          : "wanted a texture of an array or of pitched memory, got linear memory, which "
                            "tex1Dfetch reads";
  } else if (read.dimensions != texture->dimensions) {
    wrong = fmt::format("wanted a texture of {}, got {}", counted(read.dimensions, "dimension"),
                        texture->dimensions);
  } else {
    const bool is_normalized = texture->how.readMode == cudaReadModeNormalizedFloat;
    const auto kind = is_normalized ? cudaChannelFormatKindFloat : texture->format.f;
    const int bits = is_normalized ? 32 : texture->format.x;
    if (kind != read.wanted || bits != 8 * read.bytes)
      wrong = fmt::format("wanted a texture of {}, got {}", format_text(read.wanted, 8 * read.bytes),
                          format_text(kind, bits));
  }
  if (!wrong.empty()) Block::current().fail(fmt::format("{}: {}", read.function, wrong), text_of(where));
}

const Texture* find_texture(cudaTextureObject_t object) {
  const auto found = textures().find(object);
  return found == textures().end() ? nullptr : &found->second;
}

}  // namespace

std::array<double, 4> read_texture(cudaTextureObject_t object, const TextureRead& read, TernPlace where) {
  const Texture* texture = nullptr;
  {
    const Unnoted unnoted;
    texture = find_texture(object);
    check_read(texture, read, where);
  }
  std::array<double, 4> sum{};
  if (read.by_index) {
    if (read.index >= 0 && read.index < texture->extents[0])
      add_element(*texture, {read.index, 0, 0}, 1, sum, where);
    return sum;
  }
  std::array<double, 3> at{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double scale = texture->how.normalizedCoords != 0 ? static_cast<double>(texture->extents[axis]) : 1;
    at[axis] = static_cast<double>(read.at[axis]) * scale;
  }
  if (texture->how.filterMode == cudaFilterModeLinear) {
    add_between(*texture, at, sum, where);
    for (double& number : sum) number = static_cast<double>(static_cast<float>(number));
    return sum;
  }
  std::array<std::int64_t, 3> index{};
  for (std::size_t axis = 0; axis < 3; ++axis) index[axis] = static_cast<std::int64_t>(std::floor(at[axis]));
  add_element(*texture, index, 1, sum, where);
  return sum;
}

cudaError_t create_texture(cudaTextureObject_t* texture, const cudaResourceDesc* resource,
                           const cudaTextureDesc* how, TernPlace where) {
  static cudaTextureObject_t last = 0;
  constexpr const char* kFunction = "cudaCreateTextureObject";
  if (texture == nullptr || resource == nullptr || how == nullptr)
    return refuse_array(kFunction, where, "wanted a place, a resource and a description, got null");
  Texture made;
  made.how = *how;
  if (resource->resType == cudaResourceTypeArray && resource->res.array.array != nullptr) {
    const cudaArray& array = *resource->res.array.array;
    made.memory = static_cast<const char*>(array.memory);
    made.format = array.format;
    made.dimensions = array.dimensions;
    made.extents = {static_cast<std::int64_t>(array.extent.width),
                    static_cast<std::int64_t>(array.extent.height),
                    static_cast<std::int64_t>(array.extent.depth)};
    made.pitch = array.extent.width * bytes_of(array.format);
  } else if (resource->resType == cudaResourceTypeLinear) {
    const auto& linear = resource->res.linear;
    made.memory = static_cast<const char*>(linear.devPtr);
    made.format = linear.desc;
    made.is_linear_memory = true;
    made.extents[0] =
        static_cast<std::int64_t>(linear.sizeInBytes / std::max<std::size_t>(bytes_of(linear.desc), 1));
  } else if (resource->resType == cudaResourceTypePitch2D) {
    const auto& pitched = resource->res.pitch2D;
    made.memory = static_cast<const char*>(pitched.devPtr);
    made.format = pitched.desc;
    made.dimensions = 2;
    made.extents = {static_cast<std::int64_t>(pitched.width), static_cast<std::int64_t>(pitched.height), 1};
    made.pitch = pitched.pitchInBytes;
  }
  if (made.memory == nullptr)
    return refuse_array(kFunction, where,
                        "wanted an array, linear memory or pitched memory, got another resource");
  if (const std::string wrong = wrong_format(made.format); !wrong.empty())
    return refuse_array(kFunction, where, wrong);
  const bool is_interpolated = how->filterMode == cudaFilterModeLinear;
  const bool are_floats =
      made.format.f == cudaChannelFormatKindFloat || how->readMode == cudaReadModeNormalizedFloat;
  if (is_interpolated && !are_floats)
    return refuse_array(
        kFunction, where,
        "wanted cudaReadModeNormalizedFloat to interpolate integers, got cudaReadModeElementType");
  *texture = ++last;
  textures()[last] = made;
  return returned(sticky_error());
}

}  // namespace tern::emulator::program

cudaError_t cudaDestroyTextureObject(cudaTextureObject_t texture) {
  return returned(textures().erase(texture) == 1 || texture == 0 ? sticky_error() : cudaErrorInvalidValue);
}
