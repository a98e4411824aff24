#include "apps/check_data/findings_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/check_data/findings_text.h"
#include "apps/page/html.h"
#include "apps/page/thumbnail.h"
#include "data/image_io.h"

namespace tern {
namespace {

constexpr std::size_t kMaxGroups = 200, kMaxImages = 8;
constexpr int kThumbnail = 96;

constexpr const char* kHead = R"(<title>Data</title>
<style>
main { max-width: 62rem; padding-top: 28px; padding-bottom: 40px; }
h2 { margin-top: 1.6rem; }
.bar { display: grid; grid-template-columns: minmax(8rem, 20rem) 4rem 1fr; gap: .6rem; align-items: center; }
.bar span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar span:nth-child(2) { text-align: right; font-variant-numeric: tabular-nums; }
.bar i { display: block; height: .8rem; background: var(--accent); min-width: 1px; }
.group { display: flex; flex-wrap: wrap; gap: .8rem; border-top: 1px solid var(--line); padding: .8rem 0; }
.group p { flex-basis: 100%; margin: 0; } figure { width: 9rem; }
figure img { width: 96px; height: 96px; object-fit: contain; }
figcaption { display: block; }
</style></head><body><main>
)";

std::string bars(const CheckedImages& images, const Findings& findings) {
  std::int64_t most = 1;
  for (const ClassCount& count : findings.classes) most = std::max(most, count.images);
  std::string html = "<h2>Images a class</h2>\n";
  std::int32_t superclass = -1;
  for (const ClassCount& count : findings.classes) {
    if (count.superclass != superclass) {
      superclass = count.superclass;
      if (!images.classes.has_one_level())
        html += fmt::format("<h3>{}</h3>\n", escaped(superclass_text(images, superclass)));
    }
    const std::string name = escaped(images.classes.subclass_names[static_cast<std::size_t>(count.subclass)]);
    html += fmt::format(
        "<div class=\"bar\"><span title=\"{}\">{}</span><span>{}</span><i "
        "style=\"width:{:.2f}%\"></i></div>\n",
        name, name, count.images, 100.0 * static_cast<double>(count.images) / static_cast<double>(most));
  }
  return html;
}

/// What the terminal tells in lines.
std::string summary_html(const CheckedImages& images, const Findings& findings) {
  std::string html = fmt::format("<h1>{}</h1>\n", escaped(totals_text(images)));
  const auto paragraph = [&html](const std::string& text) {
    if (!text.empty()) html += fmt::format("<p>{}</p>\n", escaped(text));
  };
  paragraph(sizes_text(findings));
  for (const PassedOver& files : images.passed_over) paragraph(files.text());
  const std::vector<std::string> warnings = warnings_of(images, findings);
  for (const std::string& warning : warnings)
    html += fmt::format("<div class=\"note\">{}</div>\n", escaped(warning));
  if (warnings.empty()) paragraph(kNothingOdd);
  return html;
}

std::string read_thumbnail(const ImageSource& source, const std::string& name) {
  return thumbnail_url(decode_image(source.read(name), source.describe(name)), kThumbnail);
}

std::string group_html(const CheckedImages& images, const Alike& group,
                       const std::array<const ImageSource*, 2>& sources) {
  std::string html = "<div class=\"group\"><p>";
  html += group.same_pixels ? "The same pixels" : "Alike";
  if (group.mirrored) html += ", some mirrored";
  if (group.several_classes) html += ", of several classes";
  if (group.in_both) html += ", labelled and to be predicted";
  html += fmt::format(": {} images</p>\n", group.images.size());
  for (std::size_t i = 0; i < std::min(group.images.size(), kMaxImages); ++i) {
    const std::int64_t index = group.images[i];
    const std::string& name = images.names[static_cast<std::size_t>(index)];
    const ImageFacts& facts = images.facts[static_cast<std::size_t>(index)];
    const ImageSource& source = *sources[images.is_labelled(index) ? 0 : 1];
    html += fmt::format(
        "<figure><img loading=\"lazy\" alt=\"\" src=\"{}\"><figcaption>{}<br>{}{}<br>{} x "
        "{}</figcaption></figure>\n",
        read_thumbnail(source, name), escaped(name), escaped(origin_text(images, index)),
        group.is_mirrored[i] ? ", mirrored" : "", facts.width, facts.height);
  }
  return html + "</div>\n";
}

}  // namespace

std::string findings_page(const CheckedImages& images, const Findings& findings,
                          const std::array<const ImageSource*, 2>& sources) {
  std::string html = page_head() + kHead;
  html += summary_html(images, findings);
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
  return html + "</main></body></html>\n";
}

}  // namespace tern
