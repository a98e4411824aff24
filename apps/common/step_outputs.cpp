#include "apps/common/step_outputs.h"

namespace tern {

std::vector<Tensor*> StepOutputs::tensors() {
  std::vector<Tensor*> all;
  if (loss.defined()) all.push_back(&loss);
  for (std::vector<Tensor>* list : {&answers, &probabilities, &logits, &features}) {
    for (Tensor& tensor : *list) all.push_back(&tensor);
  }
  return all;
}

}  // namespace tern
