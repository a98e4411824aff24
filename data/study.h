// A folder of labelled images, read whole and checked whole. Either with a table:
//   train_data.csv          image,superclass_index,subclass_index[,description], or by names (data/label_table.h)
//   superclass_mapping.csv  index,class: the names of indices; may be absent where the table is by names
//   subclass_mapping.csv    index,class
//   train_images/           or train_images.zip, whose files may lie in a folder train_images/; without either, images
//                           are paths from the data folder, as "dogs/1.jpg"; none is absolute or leads out of it
// or without any of these, the images in folders that are their classes (data/class_folders.h).
//
// A mapping's indices are 0..n-1, each once, in any order of rows. Its last index must be the class named
// "novel". A training row may be novel only at both levels at once (the
// reference's combined table has such rows): a novel superclass with a seen subclass, or the reverse, is an
// error. Every subclass lies in one superclass; a subclass without images has superclass -1.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "data/dataset.h"
#include "data/image_source.h"

namespace tern {

/// Labelled images in the order of train_data.csv, or of their paths. Image files that the CSV does not name are passed
/// over (Dataset::passed_over).
/// threads = 0 decodes with all of thread_count(). Throws Error{file, ...}, with line and key, on the first
/// fault.
Dataset load_study(const std::filesystem::path& folder, int image_size = 64, int threads = 0);

/// Throws Error{"--data FOLDER", ...} unless it is a folder.
void check_data_folder(const std::filesystem::path& folder);

/// The same without pixels, and where those are.
struct LabelledImages {
  Dataset dataset;
  std::unique_ptr<ImageSource> source;
};
LabelledImages open_study(const std::filesystem::path& folder);

/// The class names of such a folder alone; the superclasses of a table's subclasses are -1, but for novel.
ClassTable load_class_names(const std::filesystem::path& folder);

/// The images of a source in its order, without labels and without pixels. image_size is left as it is.
Dataset list_images(const ImageSource& source);

/// Unlabelled images of a folder or zip, in numeric order of their names (2.jpg before 10.jpg); files that
/// are no images by their extension are passed over (Dataset::passed_over). Throws Error{path, ...} if there
/// are none.
Dataset load_images(const std::filesystem::path& folder_or_zip, int image_size = 64, int threads = 0);

/// Where such a folder has images to be predicted: its test_images/ or test_images.zip; empty if it has none.
std::filesystem::path find_test_images(const std::filesystem::path& folder);

/// Labels for images loaded without them: `csv` is a table as above that names every image of the data set once (rows for
/// other images are an error). Where dataset.classes is filled, labels are checked against it; novel ones are welcome, and a
/// novel subclass may lie in a known superclass. Indices are those of the mapping files beside `csv`, whose names are then
/// looked up in dataset.classes, and without such files those of dataset.classes.
/// Returns a line that says so of indices without mapping files; else it is empty.
std::string load_labels(const std::filesystem::path& csv, Dataset& dataset);

}  // namespace tern
