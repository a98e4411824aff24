#include "benchmarks/kernels/harness.h"

#include <fmt/format.h>

#include <map>
#include <tuple>
#include <utility>

#include "apps/common/version.h"
#include "benchmarks/kernels/records.h"

namespace tern::bench {
namespace {

std::vector<Registered>& registered() {
  static std::vector<Registered> all;
  return all;
}

std::string text(const Json& row, const char* key) {
  return row.at(key).get<std::string>();
}

double allowed_error(const Json& row) {
  return row.at("dtype") == "bfloat16" ? 3e-2 : 1e-4;
}

}  // namespace

Registration::Registration(const char* family, const char* side, Benchmark benchmark) {
  registered().push_back({family, side, benchmark});
}

std::vector<Registered> benchmarks() {
  std::vector<Registered> all = registered();
  const auto order = [](const Registered& one) {
    return std::tuple(one.family, one.side != kOurs, one.side);
  };
  std::sort(all.begin(), all.end(),
            [&](const Registered& a, const Registered& b) { return order(a) < order(b); });
  return all;
}

std::vector<std::int64_t> sampled(std::int64_t count) {
  std::vector<std::int64_t> rows;
  const std::int64_t some = std::min<std::int64_t>(count, 8);
  for (std::int64_t i = 0; i < some; ++i) rows.push_back(some == 1 ? 0 : i * (count - 1) / (some - 1));
  return rows;
}

Bench::Bench(const Options& options) : options_(options), records_(std::make_unique<Records>()) {}

Bench::~Bench() = default;

void Bench::measure_side(const Registered& one) {
  records_->side = one.side;
  measure_rows(one.run);
}

bool Bench::begin(const std::string& kernel, const std::string& shape, const std::string& type,
                  double bytes) {
  Records& all = *records_;
  all.row = {{"side", all.side}, {"kernel", kernel}, {"shape", shape}, {"dtype", type}};
  arrays_.clear();
  if (all.side != kOurs) {
    all.others.insert(row_key(all.row));
  } else if (options_.side_by_side && all.others.count(row_key(all.row)) == 0) {
    all.row = nullptr;
    return false;
  }
  const auto leave_out = [&](const char* why) {
    all.row["why"] = why;
    all.left_out.push_back(std::exchange(all.row, nullptr));
    return false;
  };
  if (seconds_since_start() > options_.seconds) return leave_out("time is up");
  slots_ = slots_for(bytes);
  return slots_ > 0 || leave_out("does not fit");
}

std::function<void()> Bench::restorer() const {
  struct Copy {
    Array of;
    std::shared_ptr<void> values;
  };
  std::vector<Copy> copies;
  for (const Array& array : arrays_) {
    const std::shared_ptr<void> memory = array.memory.lock();
    if (memory == nullptr || array.bytes == 0) continue;
    copies.push_back({array, allocate(array.bytes)});
    copy(copies.back().values.get(), memory.get(), array.bytes);
  }
  return [copies] {
    for (const Copy& one : copies) {
      if (const std::shared_ptr<void> memory = one.of.memory.lock())
        copy(memory.get(), one.values.get(), one.of.bytes);
    }
  };
}

void Bench::measure(double ideal_bytes, const std::function<void(int slot)>& run,
                    const std::function<double()>& error, double largest_error) {
  wait();  // for the arrays
  const std::function<void()> restore = restorer();
  run(0);
  wait();
  Json& row = records_->row;
  const double first = error();
  row["ideal_bytes"] = ideal_bytes;
  measure_runs(ideal_bytes, run, restore);
  wait();
  const double after = error();
  const double allowed = largest_error > 0 ? largest_error : allowed_error(row);
  row["largest_error"] = first;
  row["largest_error_after"] = after;
  const bool wrong = !(first <= allowed && after <= allowed);
  row["wrong"] = wrong;
  bad_rows_ += wrong ? 1 : 0;
  records_->rows.push_back(std::exchange(row, nullptr));
}

void Bench::fail(const std::string& message) {
  Json& row = records_->row;
  if (row.is_null())
    row = {{"side", records_->side}, {"kernel", "before a row"}, {"shape", ""}, {"dtype", ""}};
  row["message"] = message;
  records_->failed.push_back(std::exchange(row, nullptr));
  ++bad_rows_;
}

double Bench::seconds_since_start() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_of_all_).count();
}

Json Bench::results() const {
  const Records& all = *records_;
  Json device = all.device;
  device["commit"] = build_commit();
  return {{"device", device}, {"rows", all.rows}, {"failed", all.failed}, {"left_out", all.left_out}};
}

std::vector<Json> Bench::Records::side_by_side() const {
  std::map<std::string, std::size_t> place;  // of the first that has the key
  for (std::size_t i = 0; i < rows.size(); ++i) place.emplace(row_key(rows[i]), i);
  const auto order = [&](const Json& one) {
    return std::pair(place.at(row_key(one)), one.at("side") != kOurs);
  };
  std::vector<Json> sorted(rows.begin(), rows.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Json& a, const Json& b) { return order(a) < order(b); });
  return sorted;
}

std::string Bench::Records::not_measured() const {
  std::string all;
  const auto add = [&](const char* what, const Json& one, const char* why) {
    all += fmt::format("{}: {} {} {}: {}\n", what, kernel_cell(one), text(one, "shape"), text(one, "dtype"),
                       text(one, why));
  };
  for (const Json& one : failed) add("FAILED", one, "message");
  for (const Json& one : left_out) add("left out", one, "why");
  return all;
}

std::string row_key(const Json& row) {
  return fmt::format("{}\n{}\n{}", text(row, "kernel"), text(row, "shape"), text(row, "dtype"));
}

std::string kernel_cell(const Json& row) {
  return row.at("side") == kOurs ? text(row, "kernel")
                                 : fmt::format("{} of {}", text(row, "kernel"), text(row, "side"));
}

std::string error_cell(const Json& row) {
  const double first = row.at("largest_error").get<double>();
  const double after = row.at("largest_error_after").get<double>();
  const std::string cell = fmt::format("{:.1e}", first);
  if (!row.at("wrong").get<bool>()) return cell;
  return after == first ? cell + " WRONG" : fmt::format("{}, run again {:.1e} WRONG", cell, after);
}

}  // namespace tern::bench
