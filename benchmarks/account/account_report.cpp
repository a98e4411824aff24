#include "benchmarks/account/account_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "benchmarks/account/roofline.h"

namespace tern::account {
namespace {

/// A family with the operations of each name.
struct FamilyTotal {
  Total all;
  std::vector<Total> names;

  void add(const Operation& operation, const emulator::Device& gpu) {
    all.add(operation, gpu);
    auto found = std::find_if(names.begin(), names.end(),
                              [&](const Total& one) { return one.name == operation.name; });
    if (found == names.end()) {
      names.emplace_back();
      found = names.end() - 1;
      found->name = operation.name;
    }
    found->add(operation, gpu);
  }
};

/// Those that have an operation.
std::vector<FamilyTotal> families_of(const Account& account) {
  std::array<FamilyTotal, kFamilies> all;
  for (const Operation& operation : account.operations)
    all[static_cast<std::size_t>(operation.family)].add(operation, account.gpu);
  std::vector<FamilyTotal> used;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].all.name = name_of(static_cast<Family>(i));
    if (all[i].all.launches > 0) used.push_back(std::move(all[i]));
  }
  return used;
}

Total sum_of(const Account& account) {
  Total sum;
  sum.name = "step";
  for (const Operation& operation : account.operations) sum.add(operation, account.gpu);
  return sum;
}

std::string line(const Total& total, double step_us, const char* indent) {
  const std::string flop = total.flop > 0 ? fmt::format("{:.2f}", total.flop * 1e-9) : "-";
  const double memory_share = total.us > 0 ? total.memory_us / total.us : 1;
  return fmt::format("{:<60} {:>8} {:>10.2f} {:>10.2f} {:>10} {:>10.1f} {:>7.1f} %  {}\n",
                     indent + total.name, total.launches, static_cast<double>(total.bytes_read) * 1e-6,
                     static_cast<double>(total.bytes_written) * 1e-6, flop, total.us,
                     100 * total.us / step_us, memory_share > 0.5 ? "bytes" : "math");
}

std::string heading(const Account& account) {
  const bench::StepOptions& step = account.step;
  const emulator::Device& gpu = account.gpu;
  std::string text = fmt::format(
      "{}, {}, {} images of {}x{}, {}: what it asks of a GPU, counted without one.\n"
      "Least times by {}'s data sheet ({:.0f} GB/s; TFLOPS: {:.0f} f32",
      step.arch, step.mode == "train" ? "a training step" : "inference", step.batch, step.size, step.size,
      step.precision, gpu.name, gpu.dram_gb_per_s, gpu.fp32_tflops());
  for (const auto& [name, path] : {std::pair("tf32", emulator::TensorPath::tf32_fp32),
                                   std::pair("bf16", emulator::TensorPath::bf16_fp32)}) {
    const double tflops = gpu.tensor_tflops[static_cast<std::size_t>(path)];
    if (tflops > 0) text += fmt::format(", {:.0f} {}", tflops, name);
  }
  return text + ")\n\n";
}

nlohmann::ordered_json json_of(const Total& total) {
  return {{"name", total.name},
          {"launches", total.launches},
          {"bytes_read", total.bytes_read},
          {"bytes_written", total.bytes_written},
          {"flop", total.flop},
          {"least_us", total.us}};
}

nlohmann::ordered_json json_of(const Operation& operation, const emulator::Device& gpu) {
  return {{"family", name_of(operation.family)},
          {"kind", name_of(operation.kind)},
          {"name", operation.name},
          {"is_replayed", operation.is_replayed},
          {"bytes_read", operation.bytes_read},
          {"bytes_written", operation.bytes_written},
          {"flop", operation.flop},
          {"least_us", roof_of(operation, gpu).us()}};
}

}  // namespace

std::string text_of(const Account& account, bool op_by_op) {
  const Total step = sum_of(account);
  std::string text = heading(account);
  text += fmt::format("{:<60} {:>8} {:>10} {:>10} {:>10} {:>10} {:>9}  {}\n", "", "launches", "read MB",
                      "written MB", "GFLOP", "least us", "share", "bound by");
  for (const FamilyTotal& family : families_of(account)) {
    text += line(family.all, step.us, "");
    if (!op_by_op) continue;
    for (const Total& one : family.names) text += line(one, step.us, "  ");
  }
  text += line(step, step.us, "");
  const auto replayed = std::count_if(account.operations.begin(), account.operations.end(),
                                      [](const Operation& one) { return one.is_replayed; });
  text += fmt::format("\n{} of the {} launches are replayed by one call.", replayed, step.launches);
  if (account.gpu.launch_us > 0) {
    text += fmt::format(" At {} us each, one after another, they alone take {:.0f} us.",
                        account.gpu.launch_us, account.gpu.launch_us * static_cast<double>(step.launches));
  }
  return text + "\n";
}

nlohmann::ordered_json json_of(const Account& account) {
  nlohmann::ordered_json families = nlohmann::ordered_json::array(),
                         operations = nlohmann::ordered_json::array();
  for (const FamilyTotal& family : families_of(account)) families.push_back(json_of(family.all));
  for (const Operation& operation : account.operations) operations.push_back(json_of(operation, account.gpu));
  return {{"arch", account.step.arch},           {"mode", account.step.mode},
          {"batch", account.step.batch},         {"size", account.step.size},
          {"precision", account.step.precision}, {"gpu", account.gpu.name},
          {"total", json_of(sum_of(account))},   {"families", std::move(families)},
          {"operations", std::move(operations)}};
}

}  // namespace tern::account
