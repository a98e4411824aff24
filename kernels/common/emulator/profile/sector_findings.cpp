#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/profile/finding_case.h"

namespace tern::emulator {
namespace {

/// Structs that are larger are not told from the rows of a matrix, unless their type is known.
constexpr std::int64_t kLargestStruct = 128;

/// What a line does to one array in one way.
struct ArrayAccess {
  const LineCounts* line = nullptr;
  Access access = Access::read;
  const ArrayRange* array = nullptr;  ///< null: it has no name
  AccessCounts counts;
  const InstructionCounts* worst = nullptr;
  std::vector<const InstructionCounts*> instructions;

  std::int64_t excess() const { return counts.sectors - counts.ideal_sectors; }
  bool is_off() const { return number(counts.sectors) >= 1.2 * number(counts.ideal_sectors); }
};

/// Of all lines, those apart that are not at their ideal.
std::vector<ArrayAccess> accesses_off(const FindingCase& of, const std::vector<LineCounts>& lines) {
  std::vector<ArrayAccess> all;
  for (const LineCounts& line : lines) {
    const std::size_t begin = all.size();
    for (const LineAccess& access : line.accesses) {
      if (access.space != Space::global) continue;
      for (const std::size_t number_of : access.instructions) {
        const InstructionCounts& one = of.launch.instructions[number_of];
        const ArrayRange* const array = of.launch.array_of(one.worst.lowest_address());
        auto found = std::find_if(
            all.begin() + static_cast<std::ptrdiff_t>(begin), all.end(),
            [&](const ArrayAccess& it) { return it.access == access.access && it.array == array; });
        if (found == all.end()) found = all.insert(all.end(), {&line, access.access, array, {}, &one, {}});
        found->counts += one.counts;
        found->instructions.push_back(&one);
        if (one.worst_excess > found->worst->worst_excess) found->worst = &one;
      }
    }
  }
  std::erase_if(all, [](const ArrayAccess& one) { return !one.is_off(); });
  return all;
}

std::string of_array(const ArrayRange* array) {
  return array == nullptr ? "" : " of " + array->name;
}

std::string sectors_text(const AccessCounts& counts) {
  return fmt::format("{:.1f} sectors of 32 bytes where {}", counts.sectors_per_request(),
                     ideal_text(number(counts.ideal_sectors) / number(counts.requests)));
}

/// Whether most sectors are touched once, so that what is not wanted of them comes from DRAM for nothing.
bool is_read_once(const FindingCase& of, Access access) {
  const std::int64_t distinct = access == Access::write ? of.launch.sectors_written : of.launch.sectors_read;
  return number(distinct) > 0.9 * number(of.launch.total(Space::global, access).sectors);
}

/// Sectors that the warp's bytes do not need.
void find_distance(const FindingCase& of, const ArrayAccess& access, std::vector<Finding>& found) {
  const AccessCounts& counts = access.counts;
  const std::int64_t excess = access.excess();
  if (number(excess) < kLeastShare * number(of.launch.total(Space::global, access.access).sectors)) return;
  const double gain = of.gain([&](Work& work) {
    work.l1_lines -= number(counts.lines) * number(excess) / number(counts.sectors);
    work.l2_sectors = std::max(0.0, work.l2_sectors - number(excess));
    if (is_read_once(of, access.access)) work.dram_sectors -= number(excess);
  });
  const Request& worst = access.worst->worst;
  const auto bytes = static_cast<std::int64_t>(worst.bytes);
  const std::optional<std::int64_t> distance = worst.distance();
  const std::string fact = fmt::format("a warp's {}{} touches {}", verb(access.access),
                                       of_array(access.array), sectors_text(counts));
  if (distance && std::abs(*distance) == bytes) {
    found.push_back(at_line("alignment", *access.line,
                            fmt::format("{}: its first byte lies {} into a sector. Let rows begin at "
                                        "multiples of 32 bytes: pad them, or shift what a thread takes.",
                                        fact, counted(worst.lowest_address() % 32, "byte")),
                            gain));
    return;
  }
  if (worst.has_gaps()) {
    found.push_back(at_line(
        "sectors", *access.line,
        fmt::format("{}: threads between those that take part do nothing. Let neighbours in threadIdx.x do "
                    "the work.",
                    fact),
        gain));
    return;
  }
  const std::string how = !distance ? std::string("its threads' addresses follow no order")
                          : *distance % bytes == 0
                              ? fmt::format("neighbouring threads are {} of {} apart",
                                            counted(*distance / bytes, "element"), counted(bytes, "byte"))
                              : fmt::format("neighbouring threads are {} apart", counted(*distance, "byte"));
  found.push_back(at_line("sectors", *access.line,
                          fmt::format("{}: {}. Let neighbours in threadIdx.x touch neighbours in memory: "
                                      "exchange the roles of x and y, or go through a tile in shared memory.",
                                      fact, how),
                          gain));
}

/// Structs that neighbouring threads touch field by field.
struct Structs {
  const ArrayRange* array = nullptr;
  std::int64_t stride = 0;
  Request first;  ///< of one field
  bool is_type_known = false;
  std::vector<const ArrayAccess*> fields;
};

bool is_known_struct(const ArrayRange* array, std::int64_t stride) {
  return array != nullptr && static_cast<std::int64_t>(array->element_bytes) == stride;
}

/// The structs that all instructions of an access may belong to; a stride of 0 if there are none.
Structs structs_of(const ArrayAccess& access) {
  Structs structs;
  for (const InstructionCounts* const one : access.instructions) {
    const std::int64_t stride = std::abs(one->stride.value_or(0));
    const bool is_known = is_known_struct(access.array, stride);
    const bool may_be = stride > static_cast<std::int64_t>(one->worst.bytes) &&
                        (is_known || (one->offset >= 0 && stride <= kLargestStruct));
    if (!may_be || (structs.stride != 0 && structs.stride != stride)) return {};
    structs.stride = stride;
    structs.is_type_known = is_known;
  }
  structs.array = access.array;
  structs.first = access.worst->worst;
  structs.fields = {&access};
  return structs;
}

/// Whether a field lies in the same structs as those that are known. Of arrays without a name, by the addresses of one warp.
bool are_same(const Structs& a, const Structs& b) {
  if (a.stride != b.stride || a.array != b.array) return false;
  if (a.array != nullptr) return true;
  const auto distance = static_cast<std::int64_t>(a.first.lowest_address() - b.first.lowest_address());
  const uint3 one = a.first.block, other = b.first.block;
  return one.x == other.x && one.y == other.y && one.z == other.z && a.first.warp == b.first.warp &&
         std::abs(distance) < a.stride;
}

/// Where the fields begin in a struct.
std::set<std::int64_t> offsets_of(const Structs& structs) {
  std::set<std::int64_t> offsets;
  for (const ArrayAccess* const field : structs.fields) {
    for (const InstructionCounts* const one : field->instructions) offsets.insert(one->offset);
  }
  return offsets;
}

/// "line 7", "lines 7, 8 and 12"
std::string lines_text(const Structs& structs) {
  std::set<int> numbers;
  for (const ArrayAccess* const field : structs.fields) numbers.insert(field->line->line);
  std::string text = numbers.size() == 1 ? "line " : "lines ";
  std::size_t left = numbers.size();
  for (const int line : numbers) {
    text += fmt::format("{}", line);
    --left;
    text += left > 1 ? ", " : left == 1 ? " and " : "";
  }
  return text;
}

void tell_structs(const FindingCase& of, const Structs& structs, std::vector<Finding>& found) {
  AccessCounts counts;
  const ArrayAccess* most = structs.fields.front();
  bool is_read = false, is_written = false;
  std::int64_t bytes = 0;  // of the fields
  for (const ArrayAccess* const field : structs.fields) {
    counts += field->counts;
    if (field->excess() > most->excess()) most = field;
    (field->access == Access::read ? is_read : is_written) = true;
  }
  const std::set<std::int64_t> offsets = offsets_of(structs);
  for (std::size_t i = 0; i < offsets.size(); ++i) bytes += static_cast<std::int64_t>(structs.first.bytes);
  const std::int64_t excess = counts.sectors - counts.ideal_sectors;
  std::int64_t all = 0;
  for (const Access access : {Access::read, Access::write, Access::atomic})
    all += of.launch.total(Space::global, access).sectors;
  if (number(excess) < kLeastShare * number(all)) return;
  const double gain = of.gain([&](Work& work) {
    work.l1_lines -= number(counts.lines) * number(excess) / number(counts.sectors);
    // A struct's sectors come once for all of its fields: for nothing comes what is no field that is used.
    const double unused = std::max(0.0, 1 - number(bytes) / number(structs.stride));
    work.l2_sectors = std::max(0.0, work.l2_sectors - unused * number(most->counts.sectors));
    if (is_read_once(of, most->access)) work.dram_sectors -= unused * number(most->counts.sectors);
  });
  const std::string whole = structs.stride % 8 == 0 ? "load and store whole structs by 8 or 16 bytes at once"
                                                    : "go through a tile of whole structs in shared memory";
  found.push_back(at_line(
      "structs", *most->line,
      fmt::format(
          "{}structs of {} are {} field by field ({}), and of one field a warp's {} touches {}. Make it "
          "a structure of arrays, one array for each field, or {}.",
          structs.array == nullptr ? "" : structs.array->name + ": ", counted(structs.stride, "byte"),
          is_read && is_written ? "read and written"
          : is_read             ? "read"
                                : "written",
          lines_text(structs), verb(most->access), sectors_text(most->counts), whole),
      gain));
}

}  // namespace

void find_sectors(const FindingCase& of, const std::vector<LineCounts>& lines, std::vector<Finding>& found) {
  const std::vector<ArrayAccess> accesses = accesses_off(of, lines);
  std::vector<Structs> all;
  for (const ArrayAccess& access : accesses) {
    Structs one = structs_of(access);
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const Structs& it) { return one.stride != 0 && are_same(it, one); });
    if (same == all.end())
      all.push_back(std::move(one));
    else
      same->fields.push_back(&access);
  }
  std::set<const ArrayAccess*> told;
  for (const Structs& structs : all) {
    const bool is_struct = structs.stride != 0 && (structs.is_type_known || offsets_of(structs).size() > 1);
    if (!is_struct) continue;
    tell_structs(of, structs, found);
    told.insert(structs.fields.begin(), structs.fields.end());
  }
  for (const ArrayAccess& access : accesses) {
    if (!told.contains(&access)) find_distance(of, access, found);
  }
}

}  // namespace tern::emulator
