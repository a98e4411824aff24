#include "apps/profile/messages.h"

#include <fmt/format.h>

#include <regex>
#include <set>
#include <sstream>

#include "kernels/common/emulator/program/translate.h"

namespace tern::profile {
namespace {

struct Part {
  const char* names;         ///< a regular expression for all of one
  const char* text;          ///< what is to be said; {} is the name
  bool is_told_once = true;  ///< for all names together, by the first
};

constexpr const char* kTextureReferences =
    "{} has gone from CUDA, with all texture references. Make a texture object by cudaCreateTextureObject, "
    "and give it to the kernel";
constexpr const char* kTextures =
    "{} is not emulated: of textures, objects of one to three dimensions are, read by tex1D, tex2D, tex3D "
    "and tex1Dfetch. Or read the "
    "array by a pointer, x[row * width + column]";
constexpr const char* kGraphs =
    "{} is not emulated, as no graph is. Launch its kernels one after another, as they were captured";
constexpr const char* kPools = "{} is not emulated, as no memory pool is. cudaMalloc and cudaFree are";
constexpr const char* kAsynchronous =
    "{} is not emulated, as no asynchronous copy in a kernel is. Copy by plain assignments, with "
    "__syncthreads() after them";
constexpr const char* kSampleHeaders =
    "{} is a header of NVIDIA's samples, not of CUDA. Give its folder by -I, or check errors by "
    "cudaGetErrorString yourself";

/// The first that fits is told.
constexpr Part kParts[] = {
    {"texture|textureReference|cuda(Un)?[Bb]indTexture.*|cudaGetTexture(Reference|AlignmentOffset)",
     kTextureReferences},
    {"tex[123]D.*|tex(Cubemap|2Dgather).*|surf.*|surface.*|cudaTexture.*|cudaSurface.*|cuda(Create|Destroy)"
     "Surface.*|"
     "cudaBindSurface.*|cuda(Malloc|Free)MipmappedArray|cuda(Get)?Mipmapped.*|cudaArray.*|cudaMemcpy.*Array.*"
     "|cudaResource.*",
     kTextures},
    {"__(shfl|shfl_up|shfl_down|shfl_xor|any|all|ballot)",
     "{0} has gone from CUDA: since Volta a warp's threads do not run in step. It is {0}_sync(0xffffffff, "
     "...) now"},
    {"cudaGraph.*|cudaStream.*Captur.*|cudaUserObject.*", kGraphs},
    {"cudaMemPool.*|cudaDevice(Get|Set).*MemPool|cudaMallocFromPoolAsync", kPools},
    {"__pipeline_.*|memcpy_async|wait_prior|cp_async.*", kAsynchronous},
    {"grid_sync|multi_grid.*|this_multi_grid|this_cluster|cluster_.*",
     "{} is not emulated: blocks run one after another here. Divide the kernel there into one launch after "
     "another"},
    {"helper_(cuda|functions|image|math|string|timer|gl|cusolver)[.]h|exception[.]h|book[.]h|common[.]h|"
     "timer[.]h|err[.]h",
     kSampleHeaders},
    {"nvtx.*", "{} is not emulated: nothing is timed here. Leave it out"},
    {"cu[A-Z]\\w*|CU(device|context|module|function|deviceptr|result|stream|event|DA_[A-Z_]*)",
     "{} is of the driver API, which is not emulated. The runtime API is: cudaMalloc, cudaMemcpy, <<<...>>>"},
    {"cublas.*|cufft.*|cudnn.*|cusparse.*|cusolver.*|curandGenerat.*|curandCreate.*|nccl.*|thrust|cub",
     "{} is a library's, which is not emulated. Write a kernel, or keep the call within #ifndef "
     "TERN_EMULATED, which is defined here alone"},
    {"cuda[A-Z]\\w*", "{} is not in the part of the runtime API that is emulated (docs/profile.md)", false},
    {"__\\w+", "{} is not among the functions of CUDA's that are emulated (docs/profile.md)", false}};

/// A name that a message misses, and where.
struct Missing {
  std::string place, name;
};

/// GCC's and Clang's words for it.
std::vector<Missing> missing_names(const std::string& messages) {
  static const std::regex unknown(
      "^([^:]+:\\d+):\\d+: error: (?:(?:‘|')([\\w:]+)(?:’|') (?:was not declared|has not been declared|does "
      "not name a type|is not a member)"
      "|(?:use of undeclared identifier|unknown type name|no (?:member|template|type) named) '([\\w:]+)')");
  static const std::regex header(
      "^([^:]+:\\d+):\\d+: fatal error: (?:([^:]+): No such file|'([^']+)' file not found)");
  std::vector<Missing> all;
  std::istringstream lines(messages);
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (!std::regex_search(line, found, unknown) && !std::regex_search(line, found, header)) continue;
    std::string name = found[2].matched ? found[2] : found[3];
    if (const std::size_t colon = name.rfind("::"); colon != name.npos) name.erase(0, colon + 2);
    all.push_back({found[1], name});
  }
  return all;
}

}  // namespace

std::vector<std::string> parts_not_emulated(const std::string& messages) {
  std::vector<std::string> told;
  std::set<std::string> texts;
  for (const auto& [place, name] : missing_names(messages)) {
    for (const Part& part : kParts) {
      if (!std::regex_match(name, std::regex(part.names))) continue;
      if (texts.insert(part.is_told_once ? part.text : name).second)
        told.push_back(fmt::format("{}: {}", place, fmt::format(fmt::runtime(part.text), name)));
      break;
    }
  }
  return told;
}

Refused refused(const std::string& messages) {
  const std::string mark = fmt::format(": error: #error {}", emulator::kRefusal);
  const std::string by_clang = fmt::format(": error: {}", emulator::kRefusal);
  std::istringstream lines(messages);
  for (std::string line; std::getline(lines, line);) {
    for (const std::string& one : {mark, by_clang}) {
      const std::size_t at = line.find(one);
      if (at == line.npos) continue;
      return {line.substr(0, line.rfind(':', at - 1)), line.substr(at + one.size())};
    }
  }
  return {};
}

std::string without_noise(const std::string& messages) {
  // What follows from an error in a declaration that was translated says nothing to who has not seen the translation.
  const auto is_of_translation = [](const std::string& line) {
    return line.find("tern_shared_") != line.npos || line.find("<expression error>") != line.npos;
  };
  std::string kept;
  std::istringstream lines(messages);
  for (std::string line; std::getline(lines, line);) {
    const bool is_chain =
        line.rfind("In file included from", 0) == 0 || line.rfind("                 from ", 0) == 0;
    const bool is_ours = line.find("kernels/common/emulator/") != line.npos;
    const bool is_remark = line.find("note:") != line.npos || line.find("required from") != line.npos ||
                           line.find("required by") != line.npos || line.find(": In ") != line.npos;
    const bool follows = is_of_translation(line) && kept.find("error: ") != kept.npos;
    if (!is_chain && !(is_ours && is_remark) && !follows) kept += line + "\n";
  }
  return kept;
}

}  // namespace tern::profile
