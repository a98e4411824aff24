#include "kernels/common/emulator/profile/source_lines.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <unordered_map>

namespace tern::emulator {
namespace {

/// Separate debug files are not looked for: that might ask a server.
int find_no_debug_file(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word,
                       char**) {
  return -1;
}

/// The program and its libraries, as they are loaded.
class LoadedCode {
 public:
  LoadedCode() {
    callbacks_.find_elf = dwfl_linux_proc_find_elf;
    callbacks_.find_debuginfo = find_no_debug_file;
    dwfl_ = dwfl_begin(&callbacks_);
  }
  ~LoadedCode() { dwfl_end(dwfl_); }
  LoadedCode(const LoadedCode&) = delete;
  LoadedCode& operator=(const LoadedCode&) = delete;

  /// Null if no file holds the address. A library that has come since the last call is found.
  Dwfl_Module* module_of(Dwarf_Addr address) {
    if (dwfl_ == nullptr) return nullptr;
    Dwfl_Module* const found = dwfl_addrmodule(dwfl_, address);
    if (found != nullptr) return found;
    dwfl_report_begin(dwfl_);
    const bool reported = dwfl_linux_proc_report(dwfl_, getpid()) == 0;
    if (dwfl_report_end(dwfl_, nullptr, nullptr) != 0 || !reported) return nullptr;
    return dwfl_addrmodule(dwfl_, address);
  }

 private:
  Dwfl_Callbacks callbacks_{};
  Dwfl* dwfl_ = nullptr;
};

LoadedCode& loaded_code() {
  static auto& code = *new LoadedCode;  // never destroyed: a program's report is written when it ends
  return code;
}

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};
using Scopes = std::unique_ptr<Dwarf_Die[], Freed>;

/// The compilation unit that holds the address; `bias` is what to take from the address for its debug information.
Dwarf_Die* unit_of(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr* bias) {
  if (Dwarf_Die* const found = dwfl_module_addrdie(module, address, bias); found != nullptr) return found;
  // Clang writes no index of addresses.
  for (Dwarf_Die* unit = dwfl_module_nextcu(module, nullptr, bias); unit != nullptr;
       unit = dwfl_module_nextcu(module, unit, bias)) {
    if (dwarf_haspc(unit, address - *bias) > 0) return unit;
  }
  return nullptr;
}

bool is_function(Dwarf_Die& die) {
  const int tag = dwarf_tag(&die);
  return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

std::string text_or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

/// Compilers may know a source by its way from the folder that they ran in.
std::string whole_path(const char* file, Dwarf_Die* unit) {
  Dwarf_Attribute attribute;
  const char* const folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
  if (file == nullptr || file[0] == '/' || folder == nullptr) return text_or_empty(file);
  return (std::filesystem::path(folder) / file).lexically_normal();
}

/// Where an inlined function was called.
SourceLine call_of(Dwarf_Die& inlined, Dwarf_Files* files, Dwarf_Die* unit) {
  SourceLine call;
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_file, &attribute), &value) == 0)
    call.file = whole_path(dwarf_filesrc(files, value, nullptr, nullptr), unit);
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_line, &attribute), &value) == 0)
    call.line = static_cast<int>(value);
  return call;
}

/// The scopes around the address as they lie in the code, innermost first.
Scopes scopes_of(Dwarf_Die* unit, Dwarf_Addr address, int* count) {
  Dwarf_Die* found = nullptr;
  *count = dwarf_getscopes(unit, address, &found);
  const Scopes by_language(found);
  if (*count <= 0) return nullptr;
  Dwarf_Die innermost = found[0];
  Dwarf_Die* around = nullptr;
  *count = dwarf_getscopes_die(&innermost, &around);
  return Scopes(around);
}

std::vector<SourceLine> look_up(Dwarf_Addr address) {
  Dwfl_Module* const module = loaded_code().module_of(address);
  if (module == nullptr) return {};
  Dwarf_Addr bias = 0;
  Dwarf_Die* const unit = unit_of(module, address, &bias);
  if (unit == nullptr) return {};
  Dwarf_Line* const line = dwarf_getsrc_die(unit, address - bias);
  int number = 0;
  if (line == nullptr || dwarf_lineno(line, &number) != 0) return {};
  std::vector<SourceLine> lines{{"", whole_path(dwarf_linesrc(line, nullptr, nullptr), unit), number}};
  Dwarf_Files* files = nullptr;
  int count = 0;
  const Scopes scopes = scopes_of(unit, address - bias, &count);
  if (dwarf_getsrcfiles(unit, &files, nullptr) != 0) return lines;
  for (int i = 0; i < count; ++i) {
    if (!is_function(scopes[i])) continue;
    lines.back().function = text_or_empty(dwarf_diename(&scopes[i]));
    if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram) break;
    lines.push_back(call_of(scopes[i], files, unit));
  }
  return lines;
}

std::string demangled(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, Freed> name(abi::__cxa_demangle(symbol, nullptr, nullptr, &status));
  return status == 0 ? name.get() : symbol;
}

/// On a stack of the system's size: libdw puts whole tables on it, for which a kernel's thread has no room.
template <typename Look>
void with_room(Look look) {
  std::thread(look).join();
}

/// "rows<tern::(anonymous namespace)::Sum<float> >" as "rows<Sum<float>>".
std::string without_scopes(const std::string& name) {
  static constexpr std::string_view kAnonymous = "(anonymous namespace)";
  std::string out;
  std::size_t word = 0;  ///< where in `out` the last word begins
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.compare(i, kAnonymous.size(), kAnonymous) == 0) {
      i += kAnonymous.size() - 1;
    } else if (name.compare(i, 2, "::") == 0) {
      out.resize(word);
      ++i;
    } else if (name.compare(i, 2, " >") == 0) {
      continue;
    } else {
      out += name[i];
      const bool is_of_word = std::isalnum(static_cast<unsigned char>(name[i])) != 0 || name[i] == '_';
      if (!is_of_word) word = out.size();
    }
  }
  return out;
}

/// libdw is not for several threads at once.
std::mutex& source_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

std::vector<SourceLine> source_lines(const void* code) {
  static auto& known = *new std::unordered_map<const void*, std::vector<SourceLine>>;
  const std::scoped_lock lock(source_mutex());
  const auto [found, added] = known.try_emplace(code);
  std::vector<SourceLine>& lines = found->second;
  if (added && code != nullptr)
    with_room([&] { lines = look_up(reinterpret_cast<std::uintptr_t>(code) - 1); });
  return lines;
}

std::string function_name(const void* function) {
  const std::scoped_lock lock(source_mutex());
  const auto address = reinterpret_cast<std::uintptr_t>(function);
  std::string name;
  with_room([&] {
    Dwfl_Module* const module = function == nullptr ? nullptr : loaded_code().module_of(address);
    const char* const symbol = module == nullptr ? nullptr : dwfl_module_addrname(module, address);
    if (symbol != nullptr) name = demangled(symbol);
  });
  return name;
}

/// The parameters begin at the last '(' that is in no template argument and not "(anonymous namespace)"; the name before them
/// at the last space or "::" outside of brackets.
std::string short_function_name(const std::string& demangled) {
  std::size_t begin = 0, end = demangled.size();
  int depth = 0;
  for (std::size_t i = 0; i < demangled.size(); ++i) {
    const char c = demangled[i];
    if (c == '<' || c == '(' || c == '{') {
      if (c == '(' && depth == 0 && i > begin) {  // what follows "::" or a space is no list of parameters
        end = i;
        break;
      }
      ++depth;
    } else if (c == '>' || c == ')' || c == '}') {
      --depth;
    } else if (depth == 0 && (c == ' ' || c == ':')) {
      begin = i + 1;
    }
  }
  return without_scopes(demangled.substr(begin, end - begin));
}

}  // namespace tern::emulator
