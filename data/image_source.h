// A set of image files: in a folder or in a .zip, addressed by file name alone ("12.jpg"), or in folders of folders,
// addressed by their path in them ("dog/poodle/12.jpg").
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/passed_over.h"

namespace tern {

/// Numbers within names compare by value: "2.jpg" < "10.jpg". Names that differ in leading zeros only, or not
/// in their numbers, compare by bytes, so the order is total.
bool natural_less(std::string_view a, std::string_view b);

/// Whether a file of this name, without folders, is taken for an image: by its ending, and not hidden.
bool is_image_name(const std::string& name);

class ImageSource {
 public:
  /// No file of an image set is larger; a zip entry that claims to be is an error before it is read.
  static constexpr std::uint64_t kMaxBytes = std::uint64_t{256} << 20;

  /// Lists the files *.jpg, *.jpeg, *.jpe, *.jfif, *.png, *.bmp (any case) of a folder, or at any depth of a
  /// zip, whose entries may be parted by / or \ and begin with "./", "../" or "/". Hidden files, __MACOSX,
  /// sub-folders of a folder and everything else are passed over. Throws Error{path, ...} if the path is
  /// absent or unreadable, the zip is damaged, two entries have the same file name, or no image is found.
  static std::unique_ptr<ImageSource> open(const std::filesystem::path& path);

  /// The same files of a folder and of the folders in it, down to `depth` folders; links to folders are followed. A
  /// name has / between its parts. Folders below, __MACOSX, and those without images, are passed over.
  /// `wanted`: what an error says of a folder without any.
  static std::unique_ptr<ImageSource> open_tree(const std::filesystem::path& folder, int depth,
                                                const char* wanted);

  virtual ~ImageSource() = default;
  ImageSource(const ImageSource&) = delete;
  ImageSource& operator=(const ImageSource&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// In natural order.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(const std::string& name) const;
  /// What else is there.
  const PassedOver& passed_over() const { return passed_over_; }
  /// Of a name that is not among names(): what is there instead, as the end of an error's text; empty if
  /// nothing like it is. ", which ..."
  std::string nearest_text(const std::string& name) const;

  /// The whole file. May be called by several threads at once. Throws Error naming the source and the file if
  /// there is no such name, or if it is damaged, encrypted or too large.
  virtual std::vector<std::byte> read(const std::string& name) const = 0;
  /// "train_images.zip: train_images/0.jpg": what errors about this image call it.
  virtual std::string describe(const std::string& name) const = 0;

 protected:
  explicit ImageSource(std::filesystem::path path) : path_(std::move(path)), passed_over_(path_.string()) {}
  std::string none_text() const;  ///< what a source without images holds

  std::filesystem::path path_;
  std::vector<std::string> names_;
  PassedOver passed_over_;
};

}  // namespace tern
