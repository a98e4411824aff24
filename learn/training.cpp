#include "learn/training.h"

#include <execinfo.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <exception>
#include <span>

#include "data/cifar100.h"
#include "data/random_purpose.h"
#include "data/synthetic_image.h"
#include "engine/core/check.h"
#include "kernels/common/emulator/profile/source_lines.h"

namespace lesson {
namespace {

using tern::RandomStream;
using tern::Tensor;

/// The innermost line of the lesson's on the stack.
std::string line_of_lesson() {
  std::array<void*, 64> frames{};
  const int count = backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < count; ++i) {
    for (const tern::emulator::SourceLine& line :
         tern::emulator::source_lines(frames[static_cast<std::size_t>(i)])) {
      const std::size_t at = line.file.rfind("learn/train/");
      if (at != line.file.npos) return line.file.substr(at) + ":" + std::to_string(line.line);
    }
  }
  return "a line of the lesson";
}

void on_signal(int number) {
  signal(number, SIG_DFL);
  const std::string line = line_of_lesson();
  if (number == SIGXCPU)
    not_yet(line + ": it has computed for too long and is not done", "what ends each loop of your code?");
  else if (number == SIGFPE)
    not_yet(line + ": a division of integers by zero", "which divisor can be 0 there?");
  else
    not_yet(line + ": an index or a pointer to no memory",
            "compare the index with the size, and look whether the Tensor there is defined");
  std::fflush(nullptr);
  _exit(1);
}

/// The calling thread gets SIGXCPU when the process has computed for so long.
void limit_time(int seconds) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGXCPU;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer{};
  const itimerspec once{{0, 0}, {seconds, 0}};
  if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0) timer_settime(timer, 0, &once, nullptr);
}

}  // namespace

int not_yet(const std::string& what, const std::string& hint) {
  std::printf("not yet: %s\nhint: %s\n", what.c_str(), hint.c_str());
  return 1;
}

int right(const std::string& what) {
  std::printf("right: %s\n", what.c_str());
  return 0;
}

int run(const std::function<int()>& test, int seconds) {
  setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  if (seconds > 0) limit_time(seconds);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGXCPU}) signal(number, on_signal);
  try {
    return test();
  } catch (const std::exception& error) {
    return not_yet(error.what(),
                   "an op names itself, what it wanted and what came: logits are [rows, classes], labels "
                   "[rows] of whole numbers "
                   "(i32), images [N, height, width, 3]");
  }
}

Tensor Points::inputs() const {
  std::vector<float> both;
  for (std::size_t i = 0; i < x.size(); ++i) both.insert(both.end(), {x[i], y[i]});
  return Tensor::from({count(), 2}, both);
}

Tensor Points::labels() const {
  return Tensor::from({count()}, moons);
}

Points Points::only(const std::vector<std::int64_t>& numbers) const {
  Points chosen;
  for (const std::int64_t number : numbers) {
    const auto i = static_cast<std::size_t>(number);
    chosen.x.push_back(x.at(i));
    chosen.y.push_back(y.at(i));
    chosen.moons.push_back(moons.at(i));
  }
  return chosen;
}

Points Points::of_moon(std::int32_t moon) const {
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = 0; i < count(); ++i) {
    if (moons[static_cast<std::size_t>(i)] == moon) numbers.push_back(i);
  }
  return only(numbers);
}

Points two_moons(int count, float blur, std::uint64_t seed) {
  RandomStream random(seed, tern::random_purpose::synthetic);
  Points points;
  for (int i = 0; i < count; ++i) {
    const bool is_second = i >= count / 2;
    const float side = is_second ? -1.f : 1.f, angle = random.uniform(0.f, 3.14159f);
    points.x.push_back(0.5f - side * 0.5f + side * std::cos(angle) + blur * random.normal());
    points.y.push_back(0.25f - side * 0.25f + side * std::sin(angle) + blur * random.normal());
    points.moons.push_back(is_second ? 1 : 0);
  }
  return points;
}

Images Images::only(const std::vector<std::int64_t>& numbers) const {
  const tern::Shape& shape = pixels.shape();
  Images chosen{Tensor::empty({static_cast<std::int64_t>(numbers.size()), shape[1], shape[2], shape[3]}), {}};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    Tensor to = chosen.pixels.rows(row, row + 1);
    to.assign(pixels.rows(numbers[i], numbers[i] + 1));
    chosen.labels.push_back(labels.at(static_cast<std::size_t>(numbers[i])));
  }
  return chosen;
}

Tensor Images::targets() const {
  return Tensor::from({static_cast<std::int64_t>(labels.size())}, labels);
}

namespace {

void add_pixels(std::span<const std::uint8_t> rgb, std::vector<float>& pixels) {
  for (const std::uint8_t value : rgb) pixels.push_back(static_cast<float>(value) / 127.5f - 1);
}

}  // namespace

Images drawn_images(int of_each, int side, std::uint64_t seed) {
  using namespace tern;
  static constexpr SyntheticForm kForms[] = {SyntheticForm::disc, SyntheticForm::waves};
  static constexpr SyntheticColour kColours[] = {SyntheticColour::blue, SyntheticColour::orange};
  RandomStream random(seed, random_purpose::synthetic);
  std::vector<float> pixels;
  Images images;
  for (int image = 0; image < kDrawnClasses * of_each; ++image) {
    const int label = image / of_each;
    add_pixels(draw_object({kForms[label / 2], kColours[label % 2]}, side, random).rgb, pixels);
    images.labels.push_back(label);
  }
  images.pixels = Tensor::from({kDrawnClasses * of_each, side, side, 3}, pixels);
  return images;
}

Images cifar_images(const std::filesystem::path& folder, bool for_validation) {
  const tern::Cifar100 cifar = tern::load_cifar100(folder);
  std::array<int, kCifarClasses> seen{};
  std::vector<float> pixels;
  Images images;
  for (std::int64_t record = 0; record < cifar.count(); ++record) {
    const int label = cifar.fine(record);
    if (label >= kCifarClasses) continue;
    const bool is_tenth = seen[static_cast<std::size_t>(label)]++ % 10 == 9;
    if (is_tenth != for_validation) continue;
    add_pixels(cifar.image(record), pixels);
    images.labels.push_back(label);
  }
  const auto count = static_cast<std::int64_t>(images.labels.size());
  constexpr std::int64_t kSide = tern::Cifar100::kSize;
  images.pixels = Tensor::from({count, kSide, kSide, 3}, pixels);
  return images;
}

double accuracy_percent(const Tensor& logits, const Tensor& labels) {
  const std::int64_t rows = logits.size(0), classes = logits.size(1);
  const float* const values = logits.data<float>();
  double correct = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const first = values + row * classes;
    if (std::max_element(first, first + classes) - first == labels.data<std::int32_t>()[row]) ++correct;
  }
  return 100 * correct / static_cast<double>(rows);
}

}  // namespace lesson
