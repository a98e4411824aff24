// Plans on disk, so that only the first run on a kind of device looks for them and times them.
//
// A file is a list of records, each added by one write: "<hash> <bytes of key> <bytes of
// plan>\n<key>\n<plan>\n". Of two with one key the later counts. A record that is not whole, or whose hash is
// not that of its bytes, ends what is read: the rest is lost, not wrong, and what is added next is found
// again all the same, since a file that ends badly is begun anew. Two processes may add to one file at the
// same time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace tern {

class PlanFile {
 public:
  explicit PlanFile(std::filesystem::path path);

  /// Null if there is none.
  const std::string* find(const std::string& key) const;
  /// Remembers it, and writes it if the file can be written: a cache that cannot be kept is no failure.
  void add(const std::string& key, const std::string& plan);
  std::size_t size() const { return plans_.size(); }

 private:
  void read();

  std::filesystem::path path_;
  std::map<std::string, std::string> plans_;
};

/// $XDG_CACHE_HOME/tern, or ~/.cache/tern; empty if neither is known.
std::filesystem::path cache_folder();
/// The file for plans made by these versions ("cuDNN 9.19.0 CUDA 13.0 driver 13.0": a plan may hold compiled
/// code) for this kind of device; empty if there is no folder for it.
std::filesystem::path plan_file_path(const std::string& versions, const std::string& device_name);

}  // namespace tern
