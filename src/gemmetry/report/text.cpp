#include "gemmetry/report/text.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>

#include "gemmetry/report/number.h"

namespace gemmetry::report {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest_wrap = 30;
constexpr std::size_t indent = 4;
constexpr std::string_view bold = "\033[1m";

std::string_view escape(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::good:
      return "\033[32m";
    case Tone::warn:
      return "\033[33m";
    case Tone::bad:
      return "\033[31m";
    case Tone::faint:
      return "\033[2m";
  }
  return "";
}

std::string coloured(const std::string& text, std::string_view code, const TextStyle& style) {
  return style.colour && !code.empty() && !text.empty() ? std::string(code) + text + "\033[0m" : text;
}

std::string spaces(std::size_t count) { return std::string(count, ' '); }

void append_line(std::string& text, std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  text += line + "\n";
}

std::size_t limit(const TextStyle& style) { return static_cast<std::size_t>(std::max(style.width, 0)); }

/// A column as it is shown: its heading, its cells' texts, their width and side.
struct ShownColumn {
  std::string heading;
  std::vector<std::string> cells;
  std::vector<Tone> tones;
  std::size_t width = 0;
  bool right = true;
  bool wrap = false;
};

ShownColumn shown_column(const Table& table, std::size_t index) {
  const ColumnInfo& info = table.columns[index];
  ShownColumn column;
  column.heading = info.heading;
  column.wrap = info.wrap;
  column.width = display_width(info.heading);
  std::string above;
  for (const std::vector<Cell>& row : table.rows) {
    const Cell& cell = row[index];
    std::string text = shown(cell.value, info.unit);
    if (std::holds_alternative<std::string>(cell.value) || std::holds_alternative<std::vector<std::string>>(cell.value))
      column.right = false;
    column.width = std::max(column.width, display_width(text));
    const bool repeats = info.once && text == above;
    column.cells.push_back(repeats ? "" : text);
    column.tones.push_back(cell.tone);
    above = std::move(text);
  }
  return column;
}

/// The columns that have a heading and, where there are rows, a cell with content.
std::vector<ShownColumn> shown_columns(const Table& table) {
  std::vector<ShownColumn> columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].heading.empty()) continue;
    ShownColumn column = shown_column(table, i);
    const auto blank = [](const std::string& cell) { return cell.empty(); };
    if (table.rows.empty() || !std::all_of(column.cells.begin(), column.cells.end(), blank))
      columns.push_back(std::move(column));
  }
  return columns;
}

/// Lays out one table. A wrapping column comes last: beside the others when there is room, else on lines below its row.
class TableText {
 public:
  TableText(const Table& table, const TextStyle& style) : columns_(shown_columns(table)), style_(style) {
    const auto wrapping = [](const ShownColumn& column) { return column.wrap; };
    std::stable_partition(columns_.begin(), columns_.end(), std::not_fn(wrapping));
    if (columns_.empty() || !columns_.back().wrap || limit(style) == 0) return;
    wrapping_ = std::move(columns_.back());
    columns_.pop_back();
    for (const ShownColumn& column : columns_) used_ += column.width + gap;
    beside_ = limit(style) >= used_ + narrowest_wrap;
    if (beside_) wrapping_->width = std::min(wrapping_->width, limit(style) - used_);
  }

  std::string text(std::size_t rows) {
    if (columns_.empty() && !wrapping_) return "";
    heading();
    for (std::size_t i = 0; i < rows; ++i) row(i);
    return std::move(text_);
  }

 private:
  void heading() {
    std::string line, rule;
    const auto add = [&](const ShownColumn& column, bool last) {
      line += (rule.empty() ? "" : spaces(gap)) + aligned(column.heading, column, last);
      if (!rule.empty()) rule += spaces(gap);
      for (std::size_t i = 0; i < column.width; ++i) rule += "─";
    };
    for (const ShownColumn& column : columns_) add(column, &column == &columns_.back() && !beside_);
    if (beside_) add(*wrapping_, true);
    append_line(text_, coloured(line, bold, style_));
    append_line(text_, coloured(rule, escape(Tone::faint), style_));
  }

  void row(std::size_t index) {
    std::string line;
    for (const ShownColumn& column : columns_) {
      if (&column != &columns_.front()) line += spaces(gap);
      const bool last = &column == &columns_.back() && !beside_;
      line += coloured(aligned(column.cells[index], column, last), escape(column.tones[index]), style_);
    }
    if (!wrapping_) return append_line(text_, line);

    const std::size_t start = beside_ ? used_ : indent;
    const std::size_t width = beside_ ? wrapping_->width : limit(style_) - std::min(indent, limit(style_));
    std::vector<std::string> cell = wrapped(wrapping_->cells[index], width);
    for (std::string& part : cell) part = coloured(part, escape(wrapping_->tones[index]), style_);
    if (beside_) {
      line += spaces(gap) + cell.front();
      cell.erase(cell.begin());
    }
    append_line(text_, line);
    for (const std::string& part : cell)
      if (!part.empty()) append_line(text_, spaces(start) + part);
  }

  static std::string aligned(const std::string& text, const ShownColumn& column, bool last) {
    const std::size_t fill = column.width - std::min(column.width, display_width(text));
    if (column.right) return spaces(fill) + text;
    return last ? text : text + spaces(fill);
  }

  std::vector<ShownColumn> columns_;
  std::optional<ShownColumn> wrapping_;
  TextStyle style_;
  std::size_t used_ = 0;
  bool beside_ = false;
  std::string text_;
};

/// Room for the labels of facts, so that those of one document stand in one line.
std::size_t label_width(const Table& table) {
  std::size_t width = 0;
  for (const ShownColumn& column : shown_columns(table)) width = std::max(width, display_width(column.heading) + gap);
  return width;
}

std::string facts_text(const Table& table, std::size_t width, const TextStyle& style) {
  const std::size_t room = limit(style) >= width + narrowest_wrap ? limit(style) - width : 0;
  std::string text;
  for (const ShownColumn& column : shown_columns(table)) {
    std::string label = column.heading + spaces(width - display_width(column.heading));
    for (const std::string& line : wrapped(column.cells.front(), room)) {
      append_line(text,
                  coloured(label, escape(Tone::faint), style) + coloured(line, escape(column.tones.front()), style));
      label = spaces(width);
    }
  }
  return text;
}

struct SectionText {
  std::size_t labels;
  const TextStyle& style;

  std::string operator()(const Facts& facts) const { return facts_text(facts.table, labels, style); }
  std::string operator()(const List& list) const { return to_text(list.table, style); }
  std::string operator()(const Notes& notes) const {
    std::string text;
    for (const std::string& note : notes.lines)
      for (const std::string& line : wrapped(note, limit(style))) text += line + "\n";
    return text;
  }
  std::string operator()(const Picture& picture) const { return picture.text; }
};

}  // namespace

std::size_t display_width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  if (width == 0 || display_width(text) <= width) return {text};
  std::vector<std::string> lines(1);
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    const std::string word = text.substr(start, end - start);
    start = end + 1;
    if (!lines.back().empty() && display_width(lines.back()) + 1 + display_width(word) > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

std::string to_text(const Table& table, const TextStyle& style) {
  return TableText(table, style).text(table.rows.size());
}

std::string to_text(const Document& document, const TextStyle& style) {
  std::size_t labels = 0;
  for (const Section& section : document.sections)
    if (const auto* facts = std::get_if<Facts>(&section.content); facts && section.on_screen)
      labels = std::max(labels, label_width(facts->table));

  std::string text;
  bool after_facts = false;
  for (const Section& section : document.sections) {
    if (!section.on_screen) continue;
    const std::string content = std::visit(SectionText{labels, style}, section.content);
    if (content.empty()) continue;
    const bool facts = std::holds_alternative<Facts>(section.content);
    const bool goes_on = after_facts && facts && section.title.empty();
    if (!text.empty() && !goes_on) text += "\n";
    if (!section.title.empty()) text += coloured(section.title, bold, style) + "\n";
    text += content;
    after_facts = facts;
  }
  return text;
}

}  // namespace gemmetry::report
