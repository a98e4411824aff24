#include "engine/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <system_error>
#include <unordered_set>

#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // as the safetensors library
constexpr const char* kMetadataKey = "__metadata__";

struct TypeName {
  const char* name;
  DType dtype;
};
// Those of safetensors 0.8, all of which tern has.
constexpr std::array<TypeName, 22> kTypes = {{
    {"BOOL", DType::boolean},
    {"F4", DType::f4},
    {"F6_E2M3", DType::f6_e2m3},
    {"F6_E3M2", DType::f6_e3m2},
    {"U8", DType::u8},
    {"I8", DType::i8},
    {"F8_E5M2", DType::f8_e5m2},
    {"F8_E4M3", DType::f8_e4m3},
    {"F8_E8M0", DType::f8_e8m0},
    {"F8_E4M3FNUZ", DType::f8_e4m3fnuz},
    {"F8_E5M2FNUZ", DType::f8_e5m2fnuz},
    {"I16", DType::i16},
    {"U16", DType::u16},
    {"F16", DType::f16},
    {"BF16", DType::bf16},
    {"I32", DType::i32},
    {"U32", DType::u32},
    {"F32", DType::f32},
    {"C64", DType::c64},
    {"F64", DType::f64},
    {"I64", DType::i64},
    {"U64", DType::u64},
}};

const char* file_name_of(DType dtype) {
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [=](TypeName t) { return t.dtype == dtype; });
  return type == kTypes.end() ? nullptr : type->name;
}

std::string all_type_names() {
  std::string names;
  for (const TypeName& type : kTypes) names += (names.empty() ? "" : ", ") + std::string(type.name);
  return names;
}

struct Entry {
  std::string name, dtype;
  std::vector<std::uint64_t> shape, offsets;
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

// Reads the header event by event rather than into a tree, so that a hostile one costs no more than its
// bytes, a repeated key is seen, and the order is kept.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}

  std::vector<Entry> entries;
  Metadata metadata;

  bool start_object(std::size_t) override {
    if (depth_ != 0 && !(depth_ == 1 && !name_.empty())) unexpected("an object");
    if (depth_ == 1 && !in_metadata()) entries.emplace_back().name = name_;
    ++depth_;
    return true;
  }
  bool end_object() override {
    if (--depth_ == 1 && !in_metadata()) {
      const Entry& entry = entries.back();
      if (!entry.has_dtype || !entry.has_shape || !entry.has_offsets) {
        throw Error(subject(), "dtype, shape and data_offsets", "only some of them");
      }
    }
    return true;
  }
  bool key(std::string& key) override {
    if (depth_ == 1) {
      if (key.empty()) throw Error(file_, "names for tensors", "an empty name");
      if (!names_.insert(key).second) throw Error(file_, "each tensor once", "two tensors " + key);
      name_ = key;
    } else {
      field_ = key;
      if (!in_metadata()) start_field();
    }
    return true;
  }
  bool string(std::string& value) override {
    if (depth_ == 2 && in_metadata()) {
      if (!metadata.emplace(field_, value).second)
        throw Error(file_, "each metadata key once", "two of " + field_);
    } else if (depth_ == 2 && field_ == "dtype" && !in_array_) {
      entries.back().dtype = value;
    } else {
      unexpected("a text");
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata() || in_array_ || field_ == "dtype") unexpected("an array");
    in_array_ = true;
    return true;
  }
  bool end_array() override {
    in_array_ = false;
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (!in_array_) unexpected("a number");
    std::vector<std::uint64_t>& list = field_ == "shape" ? entries.back().shape : entries.back().offsets;
    if (list.size() >= Shape::kMaxRank) {
      throw Error(subject(), "at most " + std::to_string(Shape::kMaxRank) + " axes", "more");
    }
    list.push_back(value);
    return true;
  }
  bool number_integer(std::int64_t value) override { return unexpected(std::to_string(value)); }
  bool number_float(double, const std::string& text) override { return unexpected(text); }
  bool null() override { return depth_ == 1 && in_metadata() ? true : unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool binary(nlohmann::json::binary_t&) override { return unexpected("binary"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    throw Error(file_, "a JSON header", "a mistake at its byte " + std::to_string(position));
  }

 private:
  bool in_metadata() const { return name_ == kMetadataKey; }
  std::string subject() const { return name_.empty() ? file_ : file_ + ": tensor " + name_; }

  [[noreturn]] bool unexpected(const std::string& what) const {
    const std::string in = depth_ == 2 && !field_.empty() ? " in " + field_ : "";
    throw Error(subject(), "a safetensors header (whole numbers >= 0 in shape and data_offsets)", what + in);
  }

  void start_field() {
    Entry& entry = entries.back();
    bool Entry::*seen = field_ == "dtype"          ? &Entry::has_dtype
                        : field_ == "shape"        ? &Entry::has_shape
                        : field_ == "data_offsets" ? &Entry::has_offsets
                                                   : nullptr;
    if (seen == nullptr || entry.*seen)
      throw Error(subject(), "dtype, shape and data_offsets once each", field_);
    entry.*seen = true;
  }

  std::string file_, name_, field_;
  std::unordered_set<std::string> names_;
  int depth_ = 0;
  bool in_array_ = false;
};

// An entry that holds: its type is known and its bytes are its shape's.
struct Placed {
  Shape shape;
  DType dtype = DType::f32;
  std::uint64_t begin = 0, end = 0;
};

Placed check_entry(const std::string& file, const Entry& entry, std::uint64_t data_bytes) {
  const std::string subject = file + ": tensor " + entry.name;
  const auto type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& t) { return entry.dtype == t.name; });
  if (type == kTypes.end()) throw Error(subject, "a dtype of " + all_type_names(), entry.dtype);
  if (entry.offsets.size() != 2)
    throw Error(subject, "two data_offsets", std::to_string(entry.offsets.size()));

  Placed placed{.shape = {}, .dtype = type->dtype, .begin = entry.offsets[0], .end = entry.offsets[1]};
  if (placed.begin > placed.end || placed.end > data_bytes) {
    throw Error(subject, "data_offsets within the file's " + std::to_string(data_bytes) + " bytes of data",
                std::to_string(placed.begin) + ".." + std::to_string(placed.end));
  }
  std::vector<std::int64_t> extents;
  std::uint64_t elements = 1;  // as Shape bounds them: an extent of 0 does not hide the others
  bool empty = false, fits = true;
  for (const std::uint64_t extent : entry.shape) {
    empty = empty || extent == 0;
    fits = fits && !__builtin_mul_overflow(elements, std::max<std::uint64_t>(extent, 1), &elements) &&
           elements <= std::uint64_t{1} << 62;
    extents.push_back(static_cast<std::int64_t>(extent));
  }
  const std::uint64_t bytes = placed.end - placed.begin;
  fits = fits && (empty || elements / 2 <= bytes);  // so that no product overflows
  if (empty) elements = 0;
  // Elements that share bytes fill them to the last bit.
  const bool whole = elements % 8 * static_cast<std::uint64_t>(bits_of(placed.dtype)) % 8 == 0;
  if (!fits || !whole || bytes != bytes_of(placed.dtype, static_cast<std::int64_t>(elements))) {
    std::string shape;
    for (const std::uint64_t extent : entry.shape)
      shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    throw Error(subject, "as many bytes as " + entry.dtype + " of shape [" + shape + "] has",
                std::to_string(bytes));
  }
  placed.shape = Shape(std::span<const std::int64_t>(extents));
  return placed;
}

// The tensors' bytes must tile the data: no gap, no overlap, nothing after the last.
void check_tiling(const std::string& file, const std::vector<Entry>& entries,
                  const std::vector<Placed>& placed, std::uint64_t data_bytes) {
  std::vector<std::size_t> order(placed.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(placed[a].begin, placed[a].end) < std::pair(placed[b].begin, placed[b].end);
  });
  std::uint64_t end = 0;
  for (const std::size_t i : order) {
    if (placed[i].begin != end) {
      throw Error(file + ": tensor " + entries[i].name,
                  "bytes from " + std::to_string(end) + " on, after the tensor before",
                  std::to_string(placed[i].begin));
    }
    end = placed[i].end;
  }
  if (end != data_bytes) {
    throw Error(file, std::to_string(end) + " bytes of data", std::to_string(data_bytes));
  }
}

std::string read_header(std::ifstream& stream, const std::string& file, std::uint64_t file_bytes) {
  std::array<char, kLengthBytes> length_bytes{};
  if (file_bytes < kLengthBytes || !stream.read(length_bytes.data(), kLengthBytes)) {
    throw Error(file, "a safetensors file", std::to_string(file_bytes) + " bytes");
  }
  const auto length = std::bit_cast<std::uint64_t>(length_bytes);
  if (length > kMaxHeaderBytes)
    throw Error(file, "a header of at most 100 MB", std::to_string(length) + " bytes");
  if (length > file_bytes - kLengthBytes) {
    throw Error(file, "a header of " + std::to_string(length) + " bytes",
                "a file that ends before (truncated?)");
  }
  std::string header(length, '\0');
  if (!stream.read(header.data(), static_cast<std::streamsize>(length)))
    throw Error(file, "reading it ended early");
  return header;
}

// A file whose header was read and holds.
struct Opened {
  explicit Opened(const fs::path& path) {
    const std::string file = path.string();
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) throw Error(file, "a safetensors file", "nothing there");
    if (!fs::is_regular_file(status)) throw Error(file, "a safetensors file", "a folder or device");
    const std::uint64_t file_bytes = fs::file_size(path, error);
    stream.open(path, std::ios::binary);
    if (error || !stream) throw Error(file, "cannot read it");

    const std::string header = read_header(stream, file, file_bytes);
    // The parser would take a NUL for the end. The format pads with white space alone.
    if (const std::size_t nul = header.find('\0'); nul != std::string::npos) {
      throw Error(file, "a JSON header, padded with spaces", "a NUL at its byte " + std::to_string(nul));
    }
    HeaderReader reader(file);
    nlohmann::json::sax_parse(header, &reader);
    data_begin = kLengthBytes + header.size();
    const std::uint64_t data_bytes = file_bytes - data_begin;
    for (const Entry& entry : reader.entries) placed.push_back(check_entry(file, entry, data_bytes));
    check_tiling(file, reader.entries, placed, data_bytes);
    for (Entry& entry : reader.entries) names.push_back(std::move(entry.name));
    metadata = std::move(reader.metadata);
  }

  std::ifstream stream;
  std::uint64_t data_begin = 0;
  std::vector<std::string> names;
  std::vector<Placed> placed;  ///< of the same order
  Metadata metadata;
};

// JSON's escapes; the name must be UTF-8.
std::string json_text(const std::string& file, const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(file, "names and metadata in UTF-8", "other bytes");
  }
}

void check_names(const std::string& file, const StateDict& tensors) {
  std::unordered_set<std::string_view> names;
  for (const NamedTensor& one : tensors) {
    if (one.name.empty() || one.name == kMetadataKey)
      throw Error(file, "a name for every tensor", "\"" + one.name + "\"");
    if (!names.insert(one.name).second) throw Error(file, "names that differ", "two tensors " + one.name);
    const std::string subject = file + ": tensor " + one.name;
    if (!one.tensor.defined()) throw Error(subject, "elements", "an undefined tensor");
    if (file_name_of(one.tensor.dtype()) == nullptr) {
      throw Error(subject, "a type that safetensors has", name_of(one.tensor.dtype()));
    }
  }
}

std::string make_header(const std::string& file, const StateDict& tensors,
                        const std::vector<std::uint64_t>& begins, const Metadata& metadata) {
  std::string header;
  const auto separate = [&] { header += header.empty() ? '{' : ','; };
  if (!metadata.empty()) {
    std::string pairs;
    for (const auto& [key, value] : metadata) {
      pairs += (pairs.empty() ? "" : ",") + json_text(file, key) + ":" + json_text(file, value);
    }
    separate();
    header += "\"" + std::string(kMetadataKey) + "\":{" + pairs + "}";
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i].tensor;
    std::string shape;
    for (const std::int64_t extent : tensor.shape())
      shape += (shape.empty() ? "" : ",") + std::to_string(extent);
    separate();
    header += json_text(file, tensors[i].name) + ":{\"dtype\":\"" + file_name_of(tensor.dtype()) +
              "\",\"shape\":[" + shape + "],\"data_offsets\":[" + std::to_string(begins[i]) + "," +
              std::to_string(begins[i] + tensor.bytes()) + "]}";
  }
  header += header.empty() ? "{}" : "}";
  header.append((kLengthBytes - header.size() % kLengthBytes) % kLengthBytes, ' ');
  return header;
}

}  // namespace

SafetensorsHeader read_safetensors_header(const fs::path& path) {
  Opened file(path);
  SafetensorsHeader header{.tensors = {}, .metadata = std::move(file.metadata)};
  for (std::size_t i = 0; i < file.placed.size(); ++i) {
    header.tensors.push_back({std::move(file.names[i]), file.placed[i].dtype, file.placed[i].shape});
  }
  return header;
}

SafetensorsFile read_safetensors(const fs::path& path) {
  Opened file(path);
  SafetensorsFile result{.tensors = {}, .metadata = std::move(file.metadata)};
  for (std::size_t i = 0; i < file.placed.size(); ++i) {
    Tensor tensor = Tensor::empty(file.placed[i].shape, file.placed[i].dtype);
    file.stream.seekg(static_cast<std::streamoff>(file.data_begin + file.placed[i].begin));
    file.stream.read(static_cast<char*>(tensor.raw()), static_cast<std::streamsize>(tensor.bytes()));
    if (!file.stream) throw Error(path.string() + ": tensor " + file.names[i], "reading it ended early");
    result.tensors.push_back({std::move(file.names[i]), std::move(tensor)});
  }
  return result;
}

void write_safetensors(const fs::path& path, const StateDict& tensors, const Metadata& metadata) {
  const std::string file = path.string();
  check_names(file, tensors);
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return size_of(tensors[a].tensor.dtype()) > size_of(tensors[b].tensor.dtype());
  });
  std::vector<std::uint64_t> begins(tensors.size());
  std::uint64_t end = 0;
  for (const std::size_t i : order) {
    begins[i] = end;
    end += tensors[i].tensor.bytes();
  }
  const std::string header = make_header(file, tensors, begins, metadata);
  const auto length = std::bit_cast<std::array<char, kLengthBytes>>(std::uint64_t{header.size()});

  AtomicFile out(path);
  out.write(std::string_view(length.data(), length.size()));
  out.write(header);
  for (const std::size_t i : order) {
    const Tensor host = tensors[i].tensor.to(Device::cpu());
    out.write(std::span(static_cast<const std::byte*>(host.raw()), host.bytes()));
  }
  out.commit();
}

}  // namespace tern
