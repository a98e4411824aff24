#include "apps/check_data/findings_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tern {
namespace {

constexpr std::int64_t kBar = 40;     // characters of the longest
constexpr std::size_t kListed = 200;  // subclasses; of more a line for each superclass, and of those as many
constexpr std::size_t kExamples = 5;  // groups of images that are named
constexpr std::size_t kUnreadable = 20;  // images that are named
constexpr double kImbalance = 10;        // a largest class of so many times the smallest is told
constexpr std::int64_t kFewImages = 10;  // as is a class of fewer

/// "1 image", "2 images"
std::string counted(std::int64_t number, const char* what, const char* plural = "s") {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : plural);
}

/// How many of what was counted are only found flipped.
std::string mirrored_text(std::int64_t mirrored) {
  return mirrored > 0 ? fmt::format(" ({} mirrored)", mirrored) : "";
}

const std::string& subclass_name(const CheckedImages& images, std::int32_t subclass) {
  return images.classes.subclass_names[static_cast<std::size_t>(subclass)];
}

/// "64", or "32 to 500 (median 48)".
std::string range_text(const std::vector<std::int64_t>& sorted) {
  if (sorted.front() == sorted.back()) return fmt::format("{}", sorted.front());
  return fmt::format("{} to {} (median {})", sorted.front(), sorted.back(), sorted[sorted.size() / 2]);
}

/// Of very many subclasses: how many a superclass has, and of how many images.
std::string superclass_lines(const CheckedImages& images, const Findings& findings) {
  std::map<std::int32_t, std::vector<std::int64_t>> counts;  // of images, by superclass and subclass
  for (const ClassCount& count : findings.classes) counts[count.superclass].push_back(count.images);
  std::string text;
  std::size_t left = counts.size();
  for (auto& [superclass, of] : counts) {
    if (counts.size() - left == kListed) break;
    --left;
    std::sort(of.begin(), of.end());
    const auto classes = static_cast<std::int64_t>(of.size());
    text += images.classes.has_one_level()
                ? counted(classes, "class", "es")
                : fmt::format("{}: {}", images.classes.superclass_names[static_cast<std::size_t>(superclass)],
                              counted(classes, "subclass", "es"));
    text += fmt::format(" of {} images each\n", range_text(of));
  }
  if (left > 0)
    text += fmt::format("and {} more\n", counted(static_cast<std::int64_t>(left), "superclass", "es"));
  return text;
}

std::string class_lines(const CheckedImages& images, const Findings& findings) {
  if (findings.classes.size() > kListed) return superclass_lines(images, findings);
  std::size_t width = 0;
  std::int64_t most = 1;
  for (const ClassCount& count : findings.classes) {
    width = std::max(width, std::min<std::size_t>(subclass_name(images, count.subclass).size(), 40));
    most = std::max(most, count.images);
  }
  std::string text;
  std::int32_t superclass = -1;
  for (const ClassCount& count : findings.classes) {
    if (count.superclass != superclass) {
      superclass = count.superclass;
      if (!images.classes.has_one_level()) text += superclass_text(images, superclass) + "\n";
    }
    const std::int64_t bar = (count.images * kBar + most - 1) / most;
    text += fmt::format("  {:<{}.40} {:>7} {}\n", subclass_name(images, count.subclass), width, count.images,
                        std::string(static_cast<std::size_t>(bar), '#'));
  }
  return text;
}

std::string unreadable_lines(const CheckedImages& images, const Findings& findings) {
  std::string text;
  const std::size_t shown = std::min(findings.unreadable.size(), kUnreadable);
  for (std::size_t i = 0; i < shown; ++i)
    text += "  " + images.facts[static_cast<std::size_t>(findings.unreadable[i])].error + "\n";
  if (const std::size_t left = findings.unreadable.size() - shown; left > 0)
    text += fmt::format("  and {} more; --out FILE.html lists them\n", left);
  return text;
}

std::string alike_lines(const CheckedImages& images, const Findings& findings) {
  std::string text;
  std::size_t left = findings.alike.size(), shown = 0;
  for (const Alike& group : findings.alike) {
    if (shown++ == kExamples) break;
    --left;
    text += group.same_pixels ? "  the same pixels:" : "  alike:          ";
    for (std::size_t i = 0; i < std::min<std::size_t>(group.images.size(), 4); ++i) {
      const std::int64_t index = group.images[i];
      text += fmt::format("{} {} ({}{})", i > 0 ? "," : "", images.names[static_cast<std::size_t>(index)],
                          origin_text(images, index), group.is_mirrored[i] ? ", mirrored" : "");
    }
    text += group.images.size() > 4 ? fmt::format(", and {} more\n", group.images.size() - 4) : "\n";
  }
  if (left > 0) text += fmt::format("  and {} more; --out FILE.html shows them\n", left);
  return text;
}

}  // namespace

std::string origin_text(const CheckedImages& images, std::int64_t index) {
  if (!images.is_labelled(index)) return "to be predicted";
  const auto at = static_cast<std::size_t>(index);
  if (images.classes.has_one_level()) return subclass_name(images, images.subclasses[at]);
  return fmt::format("{} / {}",
                     images.classes.superclass_names[static_cast<std::size_t>(images.superclasses[at])],
                     subclass_name(images, images.subclasses[at]));
}

std::vector<std::string> warnings_of(const CheckedImages& images, const Findings& findings) {
  std::vector<std::string> warnings;
  const auto unreadable = static_cast<std::int64_t>(findings.unreadable.size());
  if (unreadable > 0)
    warnings.push_back(counted(unreadable, "image") + " cannot be read: training and predicting stop at one");
  const std::int64_t contradicting = findings.count_alike(&Alike::several_classes);
  if (contradicting > 0)
    warnings.push_back(counted(contradicting, "group") +
                       " of images that look the same have several classes");
  const std::int64_t leaks = findings.count_leaks(images);
  if (leaks > 0)
    warnings.push_back(counted(leaks, "image") + " to be predicted" + (leaks == 1 ? " looks" : " look") +
                       " like labelled ones" + mirrored_text(findings.count_leaks(images, true)) +
                       ", which were learned by heart");
  const std::int64_t alike = findings.count_alike_labelled(images);
  if (alike > 0) {
    warnings.push_back(counted(alike, "group") + " of labelled images that look the same" +
                       mirrored_text(findings.count_alike_labelled(images, true)) +
                       ": what is trained on may be validated with, too");
  }
  std::vector<ClassCount> counts = findings.classes;
  std::erase_if(counts, [&](const ClassCount& c) { return c.subclass == images.classes.novel_subclass(); });
  const auto less = [](const ClassCount& a, const ClassCount& b) { return a.images < b.images; };
  const auto few = std::count_if(counts.begin(), counts.end(),
                                 [](const ClassCount& count) { return count.images < kFewImages; });
  const ClassCount least = *std::min_element(counts.begin(), counts.end(), less);
  const ClassCount most = *std::max_element(counts.begin(), counts.end(), less);
  if (few > 0) {
    warnings.push_back(
        fmt::format("{} with fewer than {} images; {} has {}{}", counted(few, "class", "es"), kFewImages,
                    subclass_name(images, least.subclass), least.images,
                    least.images == 1 ? ", which is trained on or validated with, not both" : ""));
  } else if (static_cast<double>(most.images) >= kImbalance * static_cast<double>(least.images)) {
    warnings.push_back(
        fmt::format("{} has {} times the images of {}: sampler = \"balanced\" draws classes equally",
                    subclass_name(images, most.subclass), most.images / least.images,
                    subclass_name(images, least.subclass)));
  }
  return warnings;
}

std::string superclass_text(const CheckedImages& images, std::int32_t superclass) {
  const auto number = std::count(images.superclasses.begin(), images.superclasses.end(), superclass);
  return fmt::format("{}: {}", images.classes.superclass_names[static_cast<std::size_t>(superclass)],
                     counted(number, "image"));
}

std::string totals_text(const CheckedImages& images) {
  const bool one_level = images.classes.has_one_level();
  std::string text =
      fmt::format("{} of {}", counted(images.labelled(), "labelled image"),
                  counted(images.classes.subclass_count() - 1, one_level ? "class" : "subclass", "es"));
  if (!one_level)
    text += fmt::format(" in {}", counted(images.classes.superclass_count() - 1, "superclass", "es"));
  const std::int64_t others = images.count() - images.labelled();
  return others > 0 ? text + fmt::format(", {} to be predicted", others) : text;
}

std::string sizes_text(const Findings& findings) {
  if (findings.widths.empty()) return {};
  return fmt::format("pixels: width {}, height {}", range_text(findings.widths),
                     range_text(findings.heights));
}

std::string findings_text(const CheckedImages& images, const Findings& findings) {
  std::string text = class_lines(images, findings) + totals_text(images) + "\n";
  if (const std::string sizes = sizes_text(findings); !sizes.empty()) text += sizes + "\n";
  const std::vector<std::string> warnings = warnings_of(images, findings);
  for (const std::string& warning : warnings) text += "look at: " + warning + "\n";
  text += unreadable_lines(images, findings);
  text += alike_lines(images, findings);
  if (warnings.empty()) text += std::string(kNothingOdd) + "\n";
  return text;
}

}  // namespace tern
