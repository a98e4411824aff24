#include "benchmarks/kernels/harness.h"

#include <fmt/format.h>

#include <utility>

namespace tern::bench {

std::map<std::string, Benchmark>& benchmarks() {
  static std::map<std::string, Benchmark> all;
  return all;
}

std::vector<std::int64_t> sampled(std::int64_t count) {
  std::vector<std::int64_t> rows;
  const std::int64_t some = std::min<std::int64_t>(count, 8);
  for (std::int64_t i = 0; i < some; ++i) rows.push_back(some == 1 ? 0 : i * (count - 1) / (some - 1));
  return rows;
}

bool Bench::begin(const std::string& kernel, const std::string& shape, const std::string& type,
                  double bytes) {
  row_ = {{"side", "tern"}, {"kernel", kernel}, {"shape", shape}, {"dtype", type}};
  const auto leave_out = [&](const char* why) {
    row_["why"] = why;
    left_out_.push_back(std::exchange(row_, {}));
    return false;
  };
  if (seconds_since_start() > options_.seconds) return leave_out("time is up");
  slots_ = slots_for(bytes);
  return slots_ > 0 || leave_out("does not fit");
}

void Bench::measure(double ideal_bytes, const std::function<void(int slot)>& run,
                    const std::function<double()>& error) {
  wait();  // for the arrays
  run(0);
  wait();
  const double largest_error = error();
  row_["ideal_bytes"] = ideal_bytes;
  measure_runs(ideal_bytes, run);
  row_["largest_error"] = largest_error;
  const bool wrong = !(largest_error <= (row_["dtype"] == "bfloat16" ? 3e-2 : 1e-4));
  row_["wrong"] = wrong;
  bad_rows_ += wrong ? 1 : 0;
  rows_.push_back(std::exchange(row_, {}));
}

void Bench::fail(const std::string& message) {
  if (row_.empty()) row_ = {{"kernel", "before a row"}, {"side", "tern"}, {"shape", ""}, {"dtype", ""}};
  row_["message"] = message;
  failed_.push_back(std::exchange(row_, {}));
  ++bad_rows_;
}

double Bench::seconds_since_start() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_of_all_).count();
}

nlohmann::ordered_json Bench::results() const {
  return {{"device", device_}, {"rows", rows_}, {"failed", failed_}, {"left_out", left_out_}};
}

std::string Bench::not_measured() const {
  std::string text;
  const auto add = [&](const char* what, const nlohmann::ordered_json& row, const std::string& why) {
    text += fmt::format("{}: {} {} {}: {}\n", what, row.at("kernel").get<std::string>(),
                        row.at("shape").get<std::string>(), row.at("dtype").get<std::string>(), why);
  };
  for (const auto& row : failed_) add("FAILED", row, row.at("message").get<std::string>());
  for (const auto& row : left_out_) add("left out", row, row.at("why").get<std::string>());
  return text;
}

}  // namespace tern::bench
