// TERN_BUILD_TYPE, TERN_COMPILER, TERN_CUDA_VERSION and TERN_CUDNN_VERSION come from CMakeLists.txt.
#include "apps/common/version.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.h>

#include <Eigen/Core>

#include "data/jpeg.h"
#include "engine/distributed/world.h"

namespace tern {

std::vector<std::pair<std::string, std::string>> versions() {
  const dnnl_version_t* onednn = dnnl_version();
  std::vector<std::pair<std::string, std::string>> all{
      {"tern", kVersion},
      {"commit", build_commit()},
      {"compiler", TERN_COMPILER},
      {"build_type", TERN_BUILD_TYPE},
      {"onednn", fmt::format("{}.{}.{}", onednn->major, onednn->minor, onednn->patch)},
      {"eigen", fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
      {"libjpeg_turbo", jpeg_version()},
#ifdef TERN_CUDA_VERSION
      {"cuda", TERN_CUDA_VERSION},
      {"cudnn", TERN_CUDNN_VERSION},
#endif
  };
  if (const std::string mpi = mpi_version(); !mpi.empty()) all.emplace_back("mpi", mpi);
  return all;
}

std::string version_text() {
  std::string text;
  for (const auto& [name, version] : versions()) text += name + " " + version + "\n";
  text.pop_back();
  return text;
}

}  // namespace tern
