#include "kernels/common/emulator/profile/source_lines.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
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
  static LoadedCode code;
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

/// Where an inlined function was called.
SourceLine call_of(Dwarf_Die& inlined, Dwarf_Files* files) {
  SourceLine call;
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_file, &attribute), &value) == 0)
    call.file = text_or_empty(dwarf_filesrc(files, value, nullptr, nullptr));
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
  std::vector<SourceLine> lines{{"", text_or_empty(dwarf_linesrc(line, nullptr, nullptr)), number}};
  Dwarf_Files* files = nullptr;
  int count = 0;
  const Scopes scopes = scopes_of(unit, address - bias, &count);
  if (dwarf_getsrcfiles(unit, &files, nullptr) != 0) return lines;
  for (int i = 0; i < count; ++i) {
    if (!is_function(scopes[i])) continue;
    lines.back().function = text_or_empty(dwarf_diename(&scopes[i]));
    if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram) break;
    lines.push_back(call_of(scopes[i], files));
  }
  return lines;
}

std::string demangled(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, Freed> name(abi::__cxa_demangle(symbol, nullptr, nullptr, &status));
  return status == 0 ? name.get() : symbol;
}

/// libdw is not for several threads at once.
std::mutex& source_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

std::vector<SourceLine> source_lines(const void* code) {
  static std::unordered_map<const void*, std::vector<SourceLine>> known;
  const std::scoped_lock lock(source_mutex());
  const auto [found, added] = known.try_emplace(code);
  if (added && code != nullptr) found->second = look_up(reinterpret_cast<std::uintptr_t>(code) - 1);
  return found->second;
}

std::string function_name(const void* function) {
  const std::scoped_lock lock(source_mutex());
  const auto address = reinterpret_cast<std::uintptr_t>(function);
  Dwfl_Module* const module = function == nullptr ? nullptr : loaded_code().module_of(address);
  const char* const symbol = module == nullptr ? nullptr : dwfl_module_addrname(module, address);
  return symbol == nullptr ? "" : demangled(symbol);
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
  return demangled.substr(begin, end - begin);
}

}  // namespace tern::emulator
