#include "apps/check_data/findings_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/check_data/findings_text.h"
#include "apps/report/page.h"
#include "data/image_io.h"
#include "data/resize.h"

namespace tern {
namespace {

constexpr std::size_t kMaxGroups = 200, kMaxImages = 8;
constexpr int kThumbnail = 96, kQuality = 85;

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Data</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1d2430; }
h1, h2, h3 { line-height: 1.2; } h3 { margin: 1.2rem 0 .3rem; }
.note { background: #fff4d6; border-left: 4px solid #b3720a; padding: .4rem .8rem; margin: .4rem 0; }
.bar { display: grid; grid-template-columns: minmax(8rem, 20rem) 4rem 1fr; gap: .6rem; align-items: center; }
.bar span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar span:nth-child(2) { text-align: right; font-variant-numeric: tabular-nums; }
.bar i { display: block; height: .8rem; background: #0072b2; min-width: 1px; }
.group { display: flex; flex-wrap: wrap; gap: .8rem; border-top: 1px solid #d5dae2; padding: .8rem 0; }
.group p { flex-basis: 100%; margin: 0; } figure { margin: 0; width: 9rem; font-size: 12px; overflow-wrap: anywhere; }
img { display: block; width: 96px; height: 96px; object-fit: contain; background: #eef1f5; }
</style></head><body>
)";

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string bars(const CheckedImages& images, const Findings& findings) {
  std::int64_t most = 1;
  for (const ClassCount& count : findings.classes) most = std::max(most, count.images);
  std::string html = "<h2>Images a class</h2>\n";
  std::int32_t superclass = -1;
  for (const ClassCount& count : findings.classes) {
    if (count.superclass != superclass) {
      superclass = count.superclass;
      html += fmt::format("<h3>{}</h3>\n",
                          escaped(images.classes.superclass_names[static_cast<std::size_t>(superclass)]));
    }
    const std::string name = escaped(images.classes.subclass_names[static_cast<std::size_t>(count.subclass)]);
    html += fmt::format(
        "<div class=\"bar\"><span title=\"{}\">{}</span><span>{}</span><i "
        "style=\"width:{:.2f}%\"></i></div>\n",
        name, name, count.images, 100.0 * static_cast<double>(count.images) / static_cast<double>(most));
  }
  return html;
}

/// The whole picture in a square's width or height.
std::string thumbnail(const ImageSource& source, const std::string& name) {
  Image image = decode_image(source.read(name), source.describe(name));
  const int longest = std::max(image.width, image.height);
  if (longest > kThumbnail) {
    const auto scaled = [longest](int side) { return std::max(1, side * kThumbnail / longest); };
    image = resize(image, scaled(image.width), scaled(image.height));
  }
  return "data:image/jpeg;base64," + base64(encode_jpeg(image, kQuality));
}

std::string group_html(const CheckedImages& images, const Alike& group,
                       const std::array<const ImageSource*, 2>& sources) {
  std::string html = "<div class=\"group\"><p>";
  html += group.same_pixels ? "The same pixels" : "Alike";
  if (group.several_classes) html += ", of several classes";
  if (group.in_both) html += ", labelled and to be predicted";
  html += fmt::format(": {} images</p>\n", group.images.size());
  for (std::size_t i = 0; i < std::min(group.images.size(), kMaxImages); ++i) {
    const std::int64_t index = group.images[i];
    const std::string& name = images.names[static_cast<std::size_t>(index)];
    const ImageFacts& facts = images.facts[static_cast<std::size_t>(index)];
    const ImageSource& source = *sources[images.is_labelled(index) ? 0 : 1];
    html += fmt::format(
        "<figure><img loading=\"lazy\" alt=\"\" src=\"{}\"><figcaption>{}<br>{}<br>{} x "
        "{}</figcaption></figure>\n",
        thumbnail(source, name), escaped(name), escaped(origin_text(images, index)), facts.width,
        facts.height);
  }
  return html + "</div>\n";
}

}  // namespace

std::string findings_page(const CheckedImages& images, const Findings& findings,
                          const std::array<const ImageSource*, 2>& sources) {
  std::string html = kHead;
  html += fmt::format("<h1>{} labelled images</h1>\n", images.labelled());
  for (const std::string& warning : warnings_of(images, findings))
    html += fmt::format("<div class=\"note\">{}</div>\n", escaped(warning));
  html += bars(images, findings);
  if (!findings.unreadable.empty()) {
    html += "<h2>Cannot be read</h2>\n<ul>\n";
    for (const std::int64_t index : findings.unreadable)
      html += fmt::format("<li>{}</li>\n", escaped(images.facts[static_cast<std::size_t>(index)].error));
    html += "</ul>\n";
  }
  if (!findings.alike.empty()) html += "<h2>Images that look the same</h2>\n";
  for (std::size_t i = 0; i < std::min(findings.alike.size(), kMaxGroups); ++i)
    html += group_html(images, findings.alike[i], sources);
  if (findings.alike.size() > kMaxGroups)
    html += fmt::format("<p>And {} groups more.</p>\n", findings.alike.size() - kMaxGroups);
  return html + "</body></html>\n";
}

}  // namespace tern
