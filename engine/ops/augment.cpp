#include "engine/ops/augment.h"

#include <vector>

#include "engine/backend/dispatch.h"
#include "engine/core/check.h"
#include "kernels/augment.h"

namespace tern {

void augment(std::span<const ResidentImage> images, const Tensor& table, Tensor& y) {
  if (images.empty()) return;
  dispatch(
      y, [&] { throw Error("augment", "a device that keeps images", backend_of(y).description()); },
      [&](auto& device) {
        std::vector<kernels::AugmentImage> views;
        views.reserve(images.size());
        for (const ResidentImage& image : images) {
          const Tensor& from = *image.images;
          const std::int64_t bytes = from.size(1) * from.size(2) * from.size(3);
          views.push_back({from.data<std::uint8_t>() + image.index * bytes, image.rotation, image.flip});
        }
        const auto* const chosen = static_cast<const kernels::AugmentImage*>(
            device.upload("augment", std::as_bytes(std::span(views))));
        with_type(y, [&]<typename T>() {
          kernels::augment(chosen, table.data<float>(), y.data<T>(), y.size(0),
                           static_cast<int>(images[0].images->size(1)), static_cast<int>(y.size(1)),
                           device.stream());
        });
      });
}

}  // namespace tern
