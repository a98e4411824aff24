#include "apps/weights_commands.h"

#include <iostream>

#include "apps/add_command.h"
#include "apps/common/option_checks.h"
#include "apps/run/run_folder.h"
#include "apps/shared_options.h"
#include "apps/weights/classify.h"
#include "apps/weights/convert.h"
#include "apps/weights/inspect.h"
#include "engine/io/utf8.h"
#include "models/resnet.h"
#include "models/weight_names.h"

namespace tern {
namespace {

struct ConvertOptions {
  std::filesystem::path in, out;
  std::string key;
};

int run_convert(const ConvertOptions& options) {
  check_not_of_a_run("OUT", options.out);
  const std::string note = convert(options.in, options.out, options.key);
  if (!note.empty()) remark("{}\n", with_note(options.in.string(), note));
  return 0;
}

struct InspectOptions {
  std::filesystem::path file;
  std::string key;
  ResultForm print = ResultForm::text;
};

int run_inspect(const InspectOptions& options) {
  const bool as_json = options.print == ResultForm::json;
  std::cout << (as_json ? json_text(inspect_json(options.file, options.key))
                        : visible(inspect(options.file, options.key)));
  return 0;
}

int run_classify(const ClassifyOptions& options) {
  std::ostream nowhere(nullptr);
  classify(options, std::cout, remarks_stream() == nullptr ? nowhere : std::cerr);
  return 0;
}

}  // namespace

void add_convert(CLI::App& tern, Command& chosen) {
  static ConvertOptions options;
  CLI::App* app = add_command(tern, chosen, "convert",
                              "Write the weights of a .pth, .pt or .safetensors file as safetensors.",
                              options, run_convert);
  app->add_option("IN", options.in, "what torch.save wrote (zip), or safetensors")
      ->required()
      ->type_name("FILE");
  app->add_option("OUT", options.out, "the file to write")->required()->type_name("FILE.safetensors");
  add_key_option(app, options.key);
}

void add_inspect(CLI::App& tern, Command& chosen) {
  static InspectOptions options;
  CLI::App* app =
      add_command(tern, chosen, "inspect",
                  "List names, types and shapes of the tensors in a file of weights.", options, run_inspect);
  app->add_option("FILE", options.file, ".pth, .pt or .safetensors")->required()->type_name("FILE");
  add_key_option(app, options.key);
  add_json_option(app, options.print, "the list");
}

void add_classify(CLI::App& tern, Command& chosen) {
  static ClassifyOptions options;
  CLI::App* app =
      add_command(tern, chosen, "classify", "Name the five most probable ImageNet classes of images.",
                  options, run_classify);
  app->add_option("--arch", options.architecture, "the network")->required()->check(one_of(resnet_names()));
  app->add_option("--weights", options.weights, "of torchvision, timm or Hugging Face, .pth or .safetensors")
      ->required()
      ->type_name("FILE");
  add_key_option(app, options.key);
  app->add_option("--classes", options.classes,
                  "class names: one a line for every class, or CSV with class_index and class")
      ->type_name("FILE");
  app->add_option("--logits", options.logits, "write images and logits here, as safetensors")
      ->type_name("FILE");
  app->add_option(
         "--resize", options.resize,
         "the shorter side in pixels before 224 x 224 are cut out of the centre; torchvision's V2 weights "
         "were made for 232")
      ->check(whole_in(kMinResize, kMaxResize))
      ->capture_default_str();
  app->add_option("IMAGE", options.images, "JPEG, PNG or BMP")->required()->type_name("FILE");
  add_json_option(app, options.print, "the classes of each image");
}

}  // namespace tern
