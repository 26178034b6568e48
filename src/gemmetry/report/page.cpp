#include "gemmetry/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "gemmetry/report/number.h"
#include "gemmetry/report/page_data.h"

namespace gemmetry::report {
namespace {

/// What verdicts are shown as: their style and a sign that tells them apart whatever the colour.
struct Chip {
  Tone tone;
  std::string_view style;
  std::string_view sign;
};

constexpr std::array chips{Chip{Tone::good, "good", "✓"}, Chip{Tone::warn, "warn", "◐"}, Chip{Tone::bad, "bad", "✗"},
                           Chip{Tone::faint, "faint", "–"}};

const Chip& chip_of(const PageVerdict& verdict) {
  const auto same = [&](const Chip& chip) { return chip.tone == verdict.tone; };
  const auto found = std::find_if(chips.begin(), chips.end(), same);
  return found == chips.end() ? chips.back() : *found;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
      out += c;
  }
  return out;
}

std::string element(std::string_view tag, std::string_view text) {
  return text.empty() ? "" : fmt::format("<{0}>{1}</{0}>\n", tag, escaped(text));
}

std::string chip_html(const PageVerdict& verdict) {
  const Chip& chip = chip_of(verdict);
  return fmt::format(R"(<span class="chip {}"><b aria-hidden="true">{}</b> {}</span>)", chip.style, chip.sign,
                     escaped(verdict.standing));
}

std::string list_html(const std::vector<std::string>& lines, std::string_view css) {
  if (lines.empty()) return "";
  std::string html = fmt::format("<ul class=\"{}\">\n", css);
  for (const std::string& line : lines) html += "<li>" + escaped(line) + "</li>\n";
  return html + "</ul>\n";
}

std::string facts_html(const Table& table) {
  if (table.rows.empty()) return "";
  std::string html = "<dl class=\"facts\">\n";
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (!table.columns[i].heading.empty() && !is_absent(table, i))
      html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(table.columns[i].heading),
                          escaped(shown(table.rows.front()[i].value, table.columns[i].unit)));
  return html + "</dl>\n";
}

std::string data_html(const std::string& id, const nlohmann::ordered_json& data) {
  return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>\n", escaped(id), script_json(data));
}

/// Filled by the script: a table when it is opened, its CSV when it is asked for.
std::string table_html(const std::string& name, const Table& table, bool open) {
  if (table.rows.empty()) return "";
  return fmt::format(
             "<details class=\"data\" data-table=\"{0}\"{1}><summary>Table: {2} rows</summary></details>\n"
             "<p><button type=\"button\" class=\"csv\" data-table=\"{0}\">Download CSV</button></p>\n",
             escaped(name), open ? " open" : "", table.rows.size()) +
         data_html("table-" + name, page_table(table));
}

std::string chart_html(const std::string& name, const Chart& chart) {
  if (chart.lines.empty()) return "";
  return fmt::format("<figure class=\"chart\" data-chart=\"{}\" aria-label=\"{}\"></figure>\n", escaped(name),
                     escaped(chart.title)) +
         data_html("chart-" + name, page_chart(chart));
}

std::string figures_text(const PageStudy& study) {
  if (study.figures.empty()) return "";
  return fmt::format("{} {}", study.figures.size() == 1 ? "figure" : "figures", fmt::join(study.figures, ", "));
}

std::string verdict_cells(const PageVerdict& verdict) {
  std::string html =
      fmt::format("<td class=\"on\">{}</td><td>{}</td><td class=\"merit\">{}</td><td class=\"reason\">{}",
                  escaped(verdict.on), chip_html(verdict), escaped(verdict.merit), escaped(verdict.reason));
  if (!verdict.command.empty())
    html += fmt::format("<details><summary>again with</summary><code>{}</code></details>", escaped(verdict.command));
  return html + "</td>";
}

std::string claim_rows(const PageStudy& study, const PageClaim& claim) {
  std::string html = "<tbody>\n";
  for (const PageVerdict& verdict : claim.verdicts) {
    html += fmt::format("<tr data-standing=\"{}\">", chip_of(verdict).style);
    if (&verdict == &claim.verdicts.front())
      html += fmt::format("<th scope=\"rowgroup\" rowspan=\"{}\">{} <a href=\"#{}\">{}</a></th>", claim.verdicts.size(),
                          escaped(claim.text), escaped(study.name),
                          escaped(study.figures.empty() ? study.name : figures_text(study)));
    html += verdict_cells(verdict) + "</tr>\n";
  }
  return html + "</tbody>\n";
}

/// How many verdicts of each standing there are; pressed, the others are hidden.
std::string standing_filter(const Page& page) {
  std::array<int, chips.size()> counts{};
  std::array<const PageVerdict*, chips.size()> examples{};
  for (const PageStudy& study : page.studies)
    for (const PageClaim& claim : study.claims)
      for (const PageVerdict& verdict : claim.verdicts) {
        const auto place = static_cast<std::size_t>(&chip_of(verdict) - chips.data());
        ++counts[place];
        examples[place] = &verdict;
      }
  std::string html = "<p class=\"filter\">";
  for (std::size_t i = 0; i < chips.size(); ++i)
    if (examples[i])
      html += fmt::format("<button type=\"button\" aria-pressed=\"false\" data-standing=\"{}\">{} {}</button>\n",
                          chips[i].style, counts[i], chip_html(*examples[i]));
  return html + "</p>\n";
}

std::string claims_html(const Page& page) {
  std::string rows;
  for (const PageStudy& study : page.studies)
    for (const PageClaim& claim : study.claims)
      if (!claim.verdicts.empty()) rows += claim_rows(study, claim);
  if (rows.empty()) return "";
  return "<section id=\"claims\">\n<h2>Claims</h2>\n" + standing_filter(page) +
         "<table class=\"claims\"><thead><tr><th scope=\"col\">claim</th><th scope=\"col\">on</th><th "
         "scope=\"col\">verdict</th><th scope=\"col\">figure of merit</th><th "
         "scope=\"col\">reason</th></tr></thead>\n" +
         rows + "</table>\n</section>\n";
}

std::string study_claims_html(const PageStudy& study) {
  if (study.claims.empty()) return "";
  std::string html = "<ul class=\"study-claims\">\n";
  for (const PageClaim& claim : study.claims) {
    html += "<li>" + escaped(claim.text);
    for (const PageVerdict& verdict : claim.verdicts)
      html += fmt::format(" <span class=\"verdict\">{} {}</span>", chip_html(verdict), escaped(verdict.on));
    html += "</li>\n";
  }
  return html + "</ul>\n";
}

std::string study_html(const PageStudy& study) {
  std::string html = fmt::format("<section class=\"study\" id=\"{}\">\n", escaped(study.name));
  html += element("h3", study.title);
  html += fmt::format("<p class=\"source\"><code>{}</code>", escaped(study.name));
  for (const std::string& part : {figures_text(study), study.source})
    if (!part.empty()) html += " · " + escaped(part);
  html += "</p>\n" + study_claims_html(study) + list_html(study.notes, "notes");
  html += chart_html(study.name, study.chart) + table_html(study.name, study.table, false);
  return html + list_html(study.provenance, "provenance") + "</section>\n";
}

struct SectionHtml {
  std::string name;
  std::string operator()(const Facts& facts) const { return facts_html(facts.table); }
  std::string operator()(const List& list) const { return table_html(name, list.table, true); }
  std::string operator()(const Notes& notes) const { return list_html(notes.lines, "notes"); }
  std::string operator()(const Picture& picture) const {
    return "<div class=\"wide\"><pre>" + escaped(picture.text) + "</pre></div>\n";
  }
};

std::string sections_html(const Page& page) {
  std::string html;
  std::size_t number = 0;
  for (const Section& section : page.sections) {
    const std::string id = fmt::format("section-{}", ++number);
    if (!section.on_screen) continue;
    html += fmt::format("<section id=\"{}\">\n", id) + element("h2", section.title) +
            std::visit(SectionHtml{section.key.empty() ? id : section.key}, section.content) + "</section>\n";
  }
  return html;
}

std::string contents_html(const Page& page) {
  std::string html = "<nav><details><summary>Studies</summary><ol>\n";
  for (const PageStudy& study : page.studies)
    html += fmt::format("<li><a href=\"#{}\">{}</a> {}</li>\n", escaped(study.name), escaped(study.title),
                        escaped(figures_text(study)));
  return page.studies.empty() ? "" : html + "</ol></details></nav>\n";
}

}  // namespace

std::string to_html(const Page& page, const PageAssets& assets) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{0}</title>\n<style>\n{1}</style>\n</head>\n<body>\n"
      "<header><h1>{0}</h1><button type=\"button\" id=\"theme\">dark or light</button></header>\n<main>\n",
      escaped(page.title), assets.style);
  html += element("p", page.lead) + facts_html(page.facts);
  html += "<noscript><p>Charts and their tables need JavaScript.</p></noscript>\n";
  html += contents_html(page) + claims_html(page);
  if (!page.studies.empty()) html += "<section id=\"studies\">\n<h2>Studies</h2>\n";
  for (const PageStudy& study : page.studies) html += study_html(study);
  if (!page.studies.empty()) html += "</section>\n";
  html += sections_html(page) + "</main>\n" + data_html("constants", page_constants());
  // In a function, as the bundle's short names would otherwise be the page's globals.
  html +=
      "<!-- Vega, Vega-Lite and Vega-Embed: BSD 3-Clause, University of Washington Interactive Data Lab. D3: ISC, Mike "
      "Bostock. Bundled by vl-convert-python: BSD 3-Clause. -->\n";
  html += fmt::format("<script>(() => {{\n{}\n}})();</script>\n<script>\n{}</script>\n</body>\n</html>\n", assets.vega,
                      assets.script);
  return html;
}

}  // namespace gemmetry::report
