// What a step asks of a GPU, counted without one (docs/step_account.md):
//   account_step --arch resnet50 --mode train --batch 64 --size 64 --precision bf16
//   account_step --gpu A100 --families      another GPU's roofline; the families of operations alone
//   account_step --json                     every operation
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "benchmarks/account/account_report.h"
#include "benchmarks/account/counting_backend.h"
#include "benchmarks/account/step_account.h"
#include "benchmarks/step.h"
#include "engine/core/check.h"

namespace {

struct Options : tern::bench::StepOptions {
  std::string gpu = "H200";
  bool json = false, families = false;
  bool no_bf16_copies = false, no_added_gradients = false;
};

tern::account::Account account_of(const Options& options) {
  tern::account::Account account{options, tern::emulator::device(options.gpu), {}};
  account.step.bf16_copies = !options.no_bf16_copies;
  tern::account::counting_backend().set_abilities({.adds_gradients = !options.no_added_gradients});
  tern::bench::Step step(account.step, tern::Device::cuda());
  for (int i = 0; i < tern::bench::kWarmUps; ++i) step();
  tern::check(step.is_recorded(), "account_step", "a step that is recorded", "one call by call");
  const tern::account::StepAccount counted;
  step();
  account.operations = counted.operations();
  return account;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("What a step asks of a GPU, op by op, counted without one");
  tern::bench::add_step_options(app, options);
  app.add_option("--gpu", options.gpu, "whose roofline: H200, H100, A100, B200, T4 or \"RTX 4090\"")
      ->capture_default_str();
  app.add_flag("--families", options.families, "a line for each family of operations alone");
  app.add_flag("--json", options.json, "every operation, in its order");
  app.add_flag("--without-bf16-copies", options.no_bf16_copies,
               "round convolutions' weights to bf16 at each step, as for one that keeps no copies");
  app.add_flag("--without-added-gradients", options.no_added_gradients,
               "as for a library without convolutions that add into a gradient");
  CLI11_PARSE(app, argc, argv);
  try {
    const tern::account::Account account = account_of(options);
    const std::string text =
        options.json ? json_of(account).dump() + "\n" : text_of(account, !options.families);
    std::fputs(text.c_str(), stdout);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "account_step: %s\n", error.what());
    return 1;
  }
  return 0;
}
