#include "apps/train/demo_data.h"

#include <string>

#include <fmt/format.h>

#include "apps/common/console.h"
#include "apps/common/progress.h"
#include "apps/common/runtime.h"

namespace tern {
namespace {

/// Ends early where somebody asks for it: then nothing is left.
void write_or_stop(const std::filesystem::path& out, const SyntheticOptions& request) {
  const StopRequest stop_request;
  const std::int64_t total = count_images(request);
  Progress progress("drawing", total, "images");
  write_synthetic(out, request, [&](std::int64_t drawn) {
    if (StopRequest::arrived()) {
      progress.finish();
      throw Stopped(fmt::format("stopped at image {} of {}", drawn, total),
                    "nothing was written to " + out.string());
    }
    progress.update(drawn);
  });
}

}  // namespace

int demo_data(const DemoDataOptions& options) {
  SyntheticOptions request;
  request.seed = options.seed;
  request.train_images_per_subclass = options.images_per_subclass;
  write_or_stop(options.out, request);
  const std::string out = options.out.string();
  remark("{}: {} training images of 18 subclasses in 3 superclasses (train_data.csv, train_images/)\n", out,
         18 * request.train_images_per_subclass);
  remark(
      "{}: {} test images of known subclasses, {} of novel subclasses, {} of a novel superclass "
      "(test_images/, test_labels.csv)\n",
      out, 18 * request.test_images_per_subclass, 6 * request.test_images_per_novel_subclass,
      request.novel_superclass_images);
  remark("{}/cifar-100-binary: {} images of other things, for --cifar\n", out, request.other_images);
  return 0;
}

}  // namespace tern
