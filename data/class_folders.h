// Labels that are where the images lie: superclass/subclass/1.jpg, or class/1.jpg.
#pragma once

#include <filesystem>

#include "data/dataset.h"
#include "data/image_source.h"

namespace tern {

/// The folder beside classes whose images are to be predicted.
inline constexpr const char* kTestImages = "test_images";

/// The images of a folder that may lie in folders of classes.
std::unique_ptr<ImageSource> open_class_folders(const std::filesystem::path& folder);

/// The images of such a source by their folders, in natural order, without pixels: classes are numbered in the natural
/// order of their names, and "novel" is added as the last. A subclass whose name lies in several superclasses is called
/// "superclass/subclass". With one level every class lies in the superclass kOnlySuperclass. A folder "novel" beside the
/// others holds images of none of them. Images in no folder are passed over,
/// and those in kTestImages.
/// Throws Error{folder, ...} for both levels at once, fewer than two classes, names that are not UTF-8, and the parts
/// of a split (train/, val/).
Dataset label_by_folders(const ImageSource& images);

}  // namespace tern
