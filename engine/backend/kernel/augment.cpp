// A batch from images that lie on the device, by kernels/augment.h.
#include "kernels/augment.h"

#include "engine/backend/kernel/kernel_backend.h"
#include "engine/backend/kernel/with_type.h"

namespace tern {

void KernelBackend::augment(std::span<const ResidentImage> images, const Tensor& table, Tensor& y) {
  std::vector<kernels::AugmentImage> views;
  views.reserve(images.size());
  for (const ResidentImage& image : images) {
    const Tensor& from = *image.images;
    const std::int64_t bytes = from.size(1) * from.size(2) * from.size(3);
    views.push_back({from.data<std::uint8_t>() + image.index * bytes, image.rotation, image.flip});
  }
  if (views.empty()) return;
  const auto* const chosen =
      static_cast<const kernels::AugmentImage*>(upload(augment_table_, std::as_bytes(std::span(views))));
  with_type(y, [&]<typename T>() {
    kernels::augment(chosen, table.data<float>(), y.data<T>(), y.size(0),
                     static_cast<int>(images[0].images->size(1)), static_cast<int>(y.size(1)), stream());
  });
}

}  // namespace tern
