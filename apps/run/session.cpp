#include "apps/run/session.h"

#include <fmt/format.h>

#include <fstream>
#include <optional>

#include "apps/common/version.h"
#include "engine/backend/backend.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

/// "AMD EPYC 9R14", say: kernels and the sizes of their blocks are chosen by it.
std::string cpu_name() {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    if (line.starts_with("model name") && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

/// The epochs that each model has done.
Json epochs_done(const Json& summary) {
  Json done = Json::object();
  if (!summary.contains("models")) return done;
  const Json::json_pointer epoch("/last/epoch");
  for (const auto& [name, model] : summary.at("models").items()) {
    const bool has_epoch = model.contains(epoch) && model.at(epoch).is_number_integer();
    done[name] = has_epoch ? whole_number(model.at(epoch)) : 0;
  }
  return done;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// What the bytes of a training may depend on, by name. The description of a CPU's backend adds nothing to
/// threads and versions.
Json conditions(const Json& session) {
  Json all = session.value("versions", Json::object());
  for (const char* key : {"ranks", "threads", "device", "cpu", "backend"}) {
    if (session.contains(key)) all[key] = session.at(key);
  }
  if (!all.contains("ranks")) all["ranks"] = 1;  // of a tern that knew of no others
  if (session.value("device", "") == "cpu") all.erase("backend");
  return all;
}

const Json* last_session(const Json& summary) {
  const auto sessions = summary.find("sessions");
  return sessions == summary.end() || sessions->empty() ? nullptr : &sessions->back();
}

}  // namespace

Json session_of(const Run& run, Device device, int ranks) {
  Json session{{"epochs", run.config.epochs}, {"done", epochs_done(run.summary)}};
  session["ranks"] = ranks;
  session["threads"] = thread_count();
  session["device"] = device.text();
  session["backend"] = backend_of(device).description();
  session["cpu"] = cpu_name();
  session["versions"] = Json::object();
  for (const auto& [name, version] : versions()) session["versions"][name] = version;
  return session;
}

void add_session(Run& run, const Json& session) {
  run.summary["tern_version"] = kVersion;
  for (const char* key : {"versions", "device", "backend", "ranks", "threads"})
    run.summary[key] = session.at(key);
  run.summary["sessions"].push_back(session);
}

std::string changes_since(const Run& run, const Json& session) {
  const Json* last = last_session(run.summary);
  if (last == nullptr) return "";
  const Json before = conditions(*last), after = conditions(session);
  std::string text;
  for (const auto& [name, now] : after.items()) {
    if (!before.contains(name) || before.at(name) == now) continue;
    text += fmt::format("{}{} {}, now {}", text.empty() ? "" : "; ", name, text_of(before.at(name)),
                        text_of(now));
  }
  return text;
}

void supply_first_session(Run& run) {
  if (last_session(run.summary) != nullptr) return;
  Json session{{"epochs", run.config.epochs}, {"done", Json::object()}};
  for (const char* key : {"threads", "device", "backend", "versions"}) {
    if (run.summary.contains(key)) session[key] = run.summary.at(key);
  }
  run.summary["sessions"] = Json::array({session});
}

std::string changes_of_plan(const Json& summary) {
  if (last_session(summary) == nullptr) return "";
  std::string text;
  std::optional<std::int64_t> before;
  for (const Json& session : summary.at("sessions")) {
    const std::int64_t epochs = session.value("epochs", std::int64_t{0});
    if (before && *before != epochs) {
      std::string done;
      const Json by_model = session.value("done", Json::object());
      for (const auto& [name, epoch] : by_model.items())
        done += fmt::format("{}{} of {}", done.empty() ? "" : ", ", epoch.dump(), name);
      text += fmt::format("# epochs was {} until --resume made it {}, after epoch {}\n", *before, epochs,
                          done.empty() ? "0" : done);
    }
    before = epochs;
  }
  return text;
}

}  // namespace tern
