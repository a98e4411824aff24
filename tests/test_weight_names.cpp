#include "models/weight_names.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "models/heads.h"
#include "tests/support/files.h"

using namespace tern;

namespace {

StateDict network(const std::string& architecture) {
  static std::map<std::string, StateDict> made;
  StateDict& state = made[architecture];
  if (state.empty()) state = Model(ModelSpec::imagenet(architecture, 5), Initialiser::zeros()).state_dict();
  return state;
}

std::vector<std::string> names_of(const StateDict& tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& entry : tensors) names.push_back(entry.name);
  return names;
}

/// A file's tensors, of which only the names matter.
StateDict named(const std::vector<std::string>& names) {
  StateDict tensors;
  for (const std::string& name : names) tensors.push_back({name, Tensor::zeros({1})});
  return tensors;
}

StateDict with_prefix(const std::string& prefix, const StateDict& tensors) {
  StateDict result;
  for (const NamedTensor& entry : tensors) result.push_back({prefix + entry.name, entry.tensor});
  return result;
}

/// Hugging Face's names of the tensors of `architecture`, and torchvision's, by the golden's pairs of
/// modules.
struct Pairs {
  std::vector<std::string> theirs, ours;
};
Pairs hugging_face_names(const std::string& architecture) {
  Pairs pairs;
  std::ifstream file(test::golden("weight_names.txt"));
  for (std::string of, theirs, ours; file >> of >> theirs >> ours;) {
    if (of != architecture) continue;
    for (const NamedTensor& entry : network(architecture)) {
      if (!entry.name.starts_with(ours + ".")) continue;
      const std::string rest = entry.name.substr(ours.size());
      if (rest.find('.', 1) != std::string::npos) continue;
      pairs.theirs.push_back(theirs + rest);
      pairs.ours.push_back(entry.name);
    }
  }
  return pairs;
}

}  // namespace

TEST_CASE("fit_names: names that fit stay, and so do those that nothing makes fit") {
  StateDict same = network("resnet18");
  CHECK(fit_names(same, network("resnet18")).empty());
  CHECK(names_of(same) == names_of(network("resnet18")));
  StateDict strange = named({"a.b", "c"});
  CHECK(fit_names(strange, network("resnet18")).empty());
  CHECK(names_of(strange) == std::vector<std::string>{"a.b", "c"});
  StateDict none;
  CHECK(fit_names(none, network("resnet18")).empty());
}

TEST_CASE("fit_names: prefixes of wrappers, alone, in any order, within a name") {
  for (const auto& named : {std::pair("module.", "names without \"module.\""),
                            {"_orig_mod.", "names without \"_orig_mod.\""},
                            {"_orig_mod.module.", "names without \"_orig_mod.\", \"module.\""},
                            {"module._orig_mod.", "names without \"module.\", \"_orig_mod.\""},
                            {"module.module.", "names without \"module.\""},
                            {"model.", "names without \"model.\""},
                            {"net.encoder.", "names without \"net.encoder.\""}}) {
    const auto& prefix = named.first;
    const auto& note = named.second;
    CAPTURE(prefix);
    StateDict tensors = with_prefix(prefix, network("resnet18"));
    CHECK(fit_names(tensors, network("resnet18")) == note);
    CHECK(names_of(tensors) == names_of(network("resnet18")));
  }
  StateDict inside;
  for (const NamedTensor& entry : network("resnet18")) {
    const bool compiled = entry.name.starts_with("layer2.");
    inside.push_back({compiled ? "layer2._orig_mod." + entry.name.substr(7) : entry.name, entry.tensor});
  }
  CHECK(fit_names(inside, network("resnet18")) == "names without \"_orig_mod.\"");
  CHECK(names_of(inside) == names_of(network("resnet18")));
}

TEST_CASE("fit_names: AveragedModel's counter goes with its prefix") {
  StateDict averaged = with_prefix("module.", network("resnet18"));
  averaged.insert(averaged.begin(), {"n_averaged", Tensor::zeros({})});
  CHECK(fit_names(averaged, network("resnet18")) == "names without \"module.\", no n_averaged");
  CHECK(names_of(averaged) == names_of(network("resnet18")));
}

TEST_CASE("fit_names: Hugging Face's ResNets, with and without their prefix and head, wrapped") {
  for (const char* architecture : {"resnet18", "resnet50", "resnet101"}) {
    CAPTURE(architecture);
    const Pairs pairs = hugging_face_names(architecture);
    REQUIRE(pairs.theirs.size() == network(architecture).size());
    const std::string note =
        std::string("Hugging Face's names as torchvision's") +
        (architecture != std::string("resnet18") ? ", taken to have downsample_in_bottleneck = false" : "");
    StateDict tensors = named(pairs.theirs);
    CHECK(fit_names(tensors, network(architecture)) == note);
    CHECK(names_of(tensors) == pairs.ours);

    std::vector<std::string> bare, wrapped;
    for (const std::string& name : pairs.theirs) {
      if (name.starts_with("resnet.")) bare.push_back(name.substr(7));
      wrapped.push_back("module." + name);
    }
    StateDict backbone = network(architecture);
    std::erase_if(backbone, [](const NamedTensor& entry) { return entry.name.starts_with("fc."); });
    StateDict without_head = named(bare);
    CHECK(fit_names(without_head, backbone, {"fc."}) == note);
    StateDict with_head = named(pairs.theirs);
    CHECK(fit_names(with_head, backbone, {"fc."}) == note);
    StateDict unwrapped = named(wrapped);
    CHECK(fit_names(unwrapped, network(architecture)) == "names without \"module.\", " + note);
    CHECK(names_of(unwrapped) == pairs.ours);
  }
}

TEST_CASE("fit_names: a file of another network gets the names with the fewest misfits, for the message") {
  StateDict tensors = named(hugging_face_names("resnet18").theirs);
  CHECK(fit_names(tensors, network("resnet50")) == "Hugging Face's names as torchvision's");
  CHECK(find(tensors, "layer1.0.conv1.weight") != nullptr);
}

TEST_CASE("find_classifier: by the names that become fc.weight") {
  for (const char* name :
       {"fc.weight", "module.fc.weight", "classifier.1.weight", "module.classifier.1.weight"}) {
    const StateDict tensors = named({"conv1.weight", name, "fc.bias"});
    CHECK(find_classifier(tensors) == &tensors[1].tensor);
  }
  CHECK(find_classifier(named({"conv1.weight", "myfc.weight"})) == nullptr);
}
