// The command line's contract: exit codes, usage, and one line on stderr for a failure.
#include <doctest/doctest.h>

#include <algorithm>

#include "apps/common/version.h"
#include "tests/support/full_disk.h"
#include "tests/support/process.h"

using namespace tern;
using test::Result;
using test::run_tern;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Exit code 1 and a single line "tern <command>: ...<part>..." on stderr.
void check_failure(const std::vector<std::string>& arguments, const std::string& part) {
  const Result result = run_tern(arguments);
  INFO(result.errors);
  CHECK(result.code == 1);
  CHECK(result.errors.starts_with("tern " + arguments[0] + ": "));
  CHECK(holds(result.errors, part));
  CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
}

void check_usage(const std::vector<std::string>& arguments, const std::string& part) {
  const Result result = run_tern(arguments);
  INFO(result.errors);
  CHECK(result.code == 2);
  CHECK(result.output.empty());
  CHECK(holds(result.errors, "Usage: tern"));
  CHECK(holds(result.errors, part));
}

/// The same in three lines, that do not hide what is wrong above a page of help.
void check_short_usage(const std::vector<std::string>& arguments, const std::string& line) {
  const Result result = run_tern(arguments);
  INFO(result.errors);
  CHECK(result.code == 2);
  CHECK(result.errors.starts_with(line + "\nUsage: tern"));
  CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 3);
}

const char* const kCommands[] = {"demo-data", "convert", "inspect", "classify", "train", "calibrate",
                                 "evaluate",  "predict", "export",  "report",   "dump"};

}  // namespace

TEST_CASE("cli: help and version go to stdout") {
  const Result help = run_tern({"--help"});
  CHECK(help.code == 0);
  CHECK(help.errors.empty());
  for (const char* command : kCommands) {
    CHECK(holds(help.output, command));
    const Result own = run_tern({command, "--help"});
    CHECK(own.code == 0);
    CHECK(holds(own.output, std::string("Usage: tern ") + command));
  }
  const Result version = run_tern({"--version"});
  CHECK(version.code == 0);
  CHECK(version.output.starts_with(std::string("tern ") + kVersion + "\ncommit "));
  for (const auto& [name, value] : versions()) {
    if (name != "commit") CHECK(holds("\n" + version.output, "\n" + name + " " + value + "\n"));
  }
  const Result keys = run_tern({"train", "--help-config"});
  CHECK(keys.code == 0);
  CHECK(holds(keys.output, "learning_rate = 0.0001"));
}

TEST_CASE("cli: the version is that of the build") {
  const std::string cmake = read_text_file(std::filesystem::path(TERN_SOURCE_DIR) / "CMakeLists.txt");
  CHECK(holds(cmake, std::string("project(tern VERSION ") + kVersion + " "));
}

TEST_CASE("cli: wrong usage is exit code 2 with the usage on stderr") {
  check_usage({}, "demo-data");
  check_usage({"fly"}, "fly");
  check_usage({"train"}, "--out is required");
  check_usage({"train", "--out", "x"}, "--config is required");
  check_usage({"train", "--out", "x", "--config", "c.toml"}, "--data is required");
  check_usage({"train", "--out", "x", "--config", "c", "--data", "d", "--device", "abacus"}, "--device");
  check_usage({"train", "--out", "x", "--config", "c", "--data", "d", "--threads", "0"}, "--threads");
  check_usage({"train", "--out", "x", "--config", "c", "--data", "d", "--wings"}, "--wings");
  check_usage({"predict", "--run", "a", "--images", "b"}, "--out is required");
  check_usage({"predict", "--run", "a", "--images", "b", "--out", "c", "--tau-sub", "3"}, "--tau-sub");
  check_usage({"predict", "--run", "a", "--images", "b", "--out", "c", "--tau-sub", "nan"}, "--tau-sub");
  check_usage({"evaluate"}, "--run is required");
  check_usage({"calibrate"}, "--run is required");
  check_usage({"calibrate", "--run", "a", "--target-rate", "2"}, "--target-rate");
  check_usage({"calibrate", "--run", "a", "--target-rate", "nan"}, "--target-rate");
  check_usage({"dump", "--run", "a"}, "--out is required");
  check_usage({"export"}, "--run is required");
  check_usage({"export", "a"}, "--out is required");
  check_usage({"export", "--run", "a", "--tau-sub", "3", "b.onnx"}, "--tau-sub");
  check_usage({"dump", "--run", "a", "--out", "b", "--part", "test"}, "--part");
  check_usage({"report", "--out", "x"}, "RUN is required");
  check_usage({"report", "run"}, "--out is required");
  check_usage({"inspect"}, "FILE is required");
  check_usage({"convert", "a"}, "OUT is required");
  check_usage({"classify", "--arch", "vgg", "--weights", "w", "i"}, "--arch");
  for (const char* resize : {"223", "4097", "wide"}) {
    check_usage({"classify", "--arch", "resnet18", "--weights", "w", "--resize", resize, "i"}, "--resize");
  }
  check_usage({"demo-data"}, "--out is required");
}

TEST_CASE("cli: an unknown option or command is told with the nearest one") {
  check_short_usage({"trian", "--out", "x"}, "tern: wanted a command (the nearest is train), got trian");
  check_short_usage({"train", "--confg", "c.toml", "--out", "x"},
                    "tern train: wanted a known option (the nearest is --config), got --confg");
  check_short_usage({"evaluate", "--run", "a", "--tau_sub=0.5"},
                    "tern evaluate: wanted a known option (the nearest is --tau-sub), got --tau_sub=0.5");
  check_short_usage({"demo-data", "--out", "a", "b"}, "tern demo-data: wanted no more arguments, got b");
  check_short_usage({"evaluate", "runs/a"}, "tern evaluate: wanted --run before it, got runs/a");
  check_short_usage({"nonsense", "--help"}, "tern: wanted a command, got nonsense");
  check_short_usage({"train", "--out", "x"}, "tern train: --config is required");
  // Nothing is near.
  check_short_usage({"zzzzqqq"}, "tern: wanted a command, got zzzzqqq");
  check_short_usage({"evaluate", "--run", "a", "--fly"}, "tern evaluate: wanted a known option, got --fly");
}

TEST_CASE("cli: a value that an option does not take is told with what it takes") {
  for (const char* seed : {"-1", "1.5", "99999999999999999999", "many"}) {
    check_short_usage(
        {"demo-data", "--out", "/proc/none", "--seed", seed},
        std::string("tern demo-data: --seed: wanted a whole number in [0, 18446744073709551615], got ") +
            seed);
    check_usage({"calibrate", "--run", "a", "--seed", seed}, "--seed: wanted a whole number in [0, 1");
  }
  check_short_usage({"demo-data", "--out", "/proc/none", "--images-per-subclass", "0"},
                    "tern demo-data: --images-per-subclass: wanted a whole number in [1, 100000], got 0");
  check_short_usage({"evaluate", "--run", "a", "--device", "abacus"},
                    "tern evaluate: --device: wanted one of auto, cpu, cuda, got abacus");
  check_short_usage({"evaluate", "--run", "a", "--mask-untrained", "maybe"},
                    "tern evaluate: --mask-untrained: wanted true or false, got maybe");
  check_short_usage({"evaluate", "--run", "a", "--consistent=maybe"},
                    "tern evaluate: --consistent: wanted true or false, got maybe");
  check_short_usage({"predict", "--run", "a", "--page-limit", "1.5", "--page", "p.html"},
                    "tern predict: --page-limit: wanted a whole number in [1, 1000000], got 1.5");
}

TEST_CASE("cli: an option without its value, given twice, or without the one it needs") {
  check_short_usage({"train", "--out"}, "tern train: --out: wanted RUN, got nothing");
  check_short_usage({"predict", "--page-limit"},
                    "tern predict: --page-limit: wanted INT in [1, 1000000], got nothing");
  check_short_usage({"evaluate", "--device"}, "tern evaluate: --device: wanted {auto,cpu,cuda}, got nothing");
  check_short_usage({"train", "--out", "a", "--out", "b"}, "tern train: --out: wanted 1 value, got 2");
  check_short_usage({"train", "--out", "a", "--key", "model"},
                    "tern train: --key: wanted --weights beside it, got none");
  check_usage({"evaluate", "--run", "a", "--consistent=" + std::string(100000, 'x')},
              "--consistent: wanted true or false");
  // Such words in a value are a value's.
  check_short_usage(
      {"demo-data", "--out", "a", "--seed", "x requires y"},
      "tern demo-data: --seed: wanted a whole number in [0, 18446744073709551615], got x requires y");
}

TEST_CASE("cli: help as a command is --help") {
  CHECK(run_tern({"help"}).output == run_tern({"--help"}).output);
  const Result train = run_tern({"help", "train"});
  CHECK(train.code == 0);
  CHECK(train.output == run_tern({"train", "--help"}).output);
  check_short_usage({"help", "trian"}, "tern: wanted a command (the nearest is train), got trian");
  check_short_usage({"help", "zzzzqqq"}, "tern: wanted a command, got zzzzqqq");
}

TEST_CASE("cli: --quiet leaves out what is no result, no warning and no error, of every command") {
  const test::TemporaryFolder folder;
  const std::string weights = test::golden("torch_checkpoint_state_dict.pth").string();
  const std::string out = (folder / "out.safetensors").string(), pages = (folder / "pages").string();
  CHECK(holds(run_tern({"help-pages", "--out", pages}).output, "wrote "));
  const Result written = run_tern({"help-pages", "--out", pages, "--quiet"});
  CHECK(written.code == 0);
  CHECK((written.output + written.errors).empty());
  CHECK((run_tern({"convert", weights, out, "--quiet"}).output).empty());
  CHECK(run_tern({"inspect", weights, "--quiet"}).output == run_tern({"inspect", weights}).output);
  check_failure({"inspect", out + ".absent", "--quiet"}, out + ".absent");
  for (const char* command : kCommands) CHECK(holds(run_tern({command, "--help"}).output, "--quiet"));
}

TEST_CASE("cli: any other failure is exit code 1 with one line that names its subject") {
  const test::TemporaryFolder folder;
  const std::string here = folder.path().string(), absent = here + "/absent", text = here + "/text.toml";
  test::write_quickly(text, "learning_rat = 1\n");
  check_failure({"inspect", absent}, absent);
  check_failure({"convert", absent, here + "/out.safetensors"}, absent);
  check_failure({"convert", text, here + "/out.safetensors"}, text);
  check_failure({"classify", "--arch", "resnet18", "--weights", absent, "image.jpg"}, absent);
  check_failure(
      {"train", "--config", text, "--data", absent, "--out", here + "/run"},
      text + ":1 learning_rat: wanted a known key (the nearest is learning_rate), got learning_rat");
  check_failure({"train", "--config", absent, "--data", absent, "--out", here + "/run"}, absent);
  test::write_quickly(text, "epochs = 2\n");
  check_failure({"train", "--config", text, "--data", absent, "--out", here + "/run"}, absent);
  check_failure({"train", "--config", text, "--data", absent, "--out", here + "/run", "--set", "seed"},
                "--set");
  check_failure({"train", "--resume", "--out", absent}, absent);
  check_failure({"train", "--config", text, "--data", absent, "--out", here}, here);
  check_failure({"evaluate", "--run", here}, "config.toml");
  check_failure({"predict", "--run", absent, "--images", here, "--out", here + "/p.csv"}, absent);
  check_failure({"demo-data", "--out", here}, here);
  check_failure({"inspect", here + "/two\nlines"}, "two lines");
  check_failure({"evaluate", "--run", text}, text + ": wanted a run folder (made by tern train), got a file");
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
  CHECK_FALSE(std::filesystem::exists(folder / "out.safetensors"));
}

TEST_CASE("cli: what keeps the output from being made is told with the option, and nothing is left behind") {
  const test::TemporaryFolder folder;
  const std::string data = (folder / "data").string(), here = folder.path().string();
  const std::string toml = here + "/run.toml", plan = here + "/plan.toml", weights = here + "/in.safetensors";
  REQUIRE(run_tern({"demo-data", "--out", data, "--images-per-subclass", "2", "--quiet"}).code == 0);
  test::write_quickly(toml, "epochs = 1\n");
  test::write_quickly(plan, "[[row]]\nname = \"one\"\nconfig = \"run.toml\"\n");
  const std::string folder_error = "--out /proc/none: cannot make the folder: No such file or directory";
  check_failure({"train", "--config", toml, "--data", data, "--out", "/proc/none"}, folder_error);
  check_failure({"study", "--plan", plan, "--data", data, "--out", "/proc/none"}, folder_error);
  check_failure({"help-pages", "--out", "/proc/none"}, folder_error);
  const std::string golden = test::golden("torch_checkpoint_state_dict.pth").string();
  check_failure({"convert", golden, "/proc/none.safetensors"},
                "OUT: /proc/none.safetensors: cannot create it: No such file or directory");
  check_failure({"convert", golden, here + "/absent/out.safetensors"},
                "OUT: " + here + "/absent/out.safetensors");
  REQUIRE(run_tern({"convert", golden, weights, "--quiet"}).code == 0);
  check_failure({"classify", "--arch", "resnet18", "--weights", weights, "--logits", "/dev/full", data},
                "--logits: /dev/full: wanted a file to write, got a device");
  CHECK(folder.size() == 4);
}

#ifndef TERN_THREAD_SANITIZER  // whose memory is a file, over the limit itself
TEST_CASE("cli: a file over the system's limit is a failure that is told") {
  const test::TemporaryFolder folder;
  const test::FullDisk disk(200);
  ::signal(SIGXFSZ, SIG_DFL);  // as a shell leaves it
  const std::string out = (folder / "out.safetensors").string();
  const Result result = run_tern({"convert", test::golden("torch_checkpoint_state_dict.pth").string(), out});
  CHECK(result.code == 1);
  CHECK(result.errors == "tern convert: " + out + ": cannot write it: File too large\n");
  CHECK(folder.size() == 0);
}
#endif

TEST_CASE("cli: output that could not be printed is a failure") {
  const std::string weights = test::golden("torch_checkpoint_state_dict.pth").string();
  const std::vector<std::vector<std::string>> commands = {
      {"inspect", weights}, {"train", "--help-config"}, {"predict", "--help"}, {"--version"}};
  for (const std::vector<std::string>& command : commands) {
    const Result result = run_tern(command, "/dev/full");
    INFO(result.errors);
    CHECK(result.code == 1);
    const std::string name = command[0] == "--version" ? "tern" : "tern " + command[0];
    CHECK(result.errors.starts_with(name + ": standard output: cannot write it: "));
    CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
  }
  const Result inspected = run_tern({"inspect", weights}, "/dev/full");
  CHECK(holds(inspected.errors, "cannot write it: No space left on device"));
  const test::TemporaryFolder data;
  data.write("train_data.csv", "image,class\na.png,cat\n");
  data.write("train_images/a.png", "no image");
  const Result checked = run_tern({"check-data", data.path().string()}, "/dev/full");
  CHECK(holds(checked.errors, "standard output: cannot write it: No space left on device"));
}
