#include "gemmetry/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>

#include "gemmetry/report/heatmap.h"
#include "gemmetry/report/plot_scale.h"

namespace gemmetry::report {
namespace {

constexpr int dots_across = 2, dots_down = 4;  // in a braille character
constexpr int default_width = 100;
constexpr int narrowest_plane = 20;
constexpr int symbols_a_line = 8;

constexpr std::array<std::string_view, 7> full_symbols{"●", "■", "▲", "◆", "✚", "▼", "▶"};
constexpr std::array<std::string_view, 7> hollow_symbols{"○", "□", "△", "◇", "+", "▽", "▷"};
constexpr std::array<std::string_view, 6> terminal_colours{"\033[34m", "\033[33m", "\033[36m",
                                                           "\033[35m", "\033[31m", "\033[32m"};

/// How a line is told from others.
struct Look {
  std::size_t colour = 0;
  bool first_style = true;

  std::string_view symbol() const {
    return (first_style ? full_symbols : hollow_symbols)[colour % full_symbols.size()];
  }
};

std::string coloured(std::string_view text, std::size_t colour, bool is_wanted) {
  if (!is_wanted) return std::string(text);
  return fmt::format("{}{}\033[0m", terminal_colours[colour % terminal_colours.size()], text);
}

/// The character of a set of the eight dots, as Unicode numbers them.
std::string braille(unsigned dots) {
  const unsigned code = 0x2800 + dots;
  return {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
          static_cast<char>(0x80 | (code & 0x3f))};
}

/// A plane of characters, each of 2 x 4 dots or a symbol.
class Plane {
 public:
  Plane(int width, int height)
      : width_(width), height_(height), cells_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height)) {}

  int dots_wide() const { return width_ * dots_across; }
  int dots_high() const { return height_ * dots_down; }

  /// The dot at x from the left and y from the bottom.
  void dot(int x, int y, std::size_t colour) {
    if (x < 0 || y < 0 || x >= dots_wide() || y >= dots_high()) return;
    constexpr unsigned bits[dots_across][dots_down] = {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}};
    Cell& cell = at(x, y);
    cell.dots |= bits[x % dots_across][y % dots_down];
    cell.colour = colour;
  }

  void symbol(int x, int y, std::string_view text, std::size_t colour) {
    if (x < 0 || y < 0 || x >= dots_wide() || y >= dots_high()) return;
    at(x, y).symbol = text;
    at(x, y).colour = colour;
  }

  std::string line(int row, bool with_colour) const {
    std::string text;
    for (int column = 0; column < width_; ++column) {
      const Cell& cell = cells_[index(column, row)];
      if (cell.symbol.empty() && cell.dots == 0)
        text += ' ';
      else
        text += coloured(cell.symbol.empty() ? braille(cell.dots) : std::string(cell.symbol), cell.colour, with_colour);
    }
    return text;
  }

 private:
  struct Cell {
    unsigned dots = 0;
    std::string_view symbol;
    std::size_t colour = 0;
  };

  std::size_t index(int column, int row) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(column);
  }

  Cell& at(int x, int y) { return cells_[index(x / dots_across, height_ - 1 - y / dots_down)]; }

  int width_, height_;
  std::vector<Cell> cells_;
};

/// The chart's numbers on the plane.
class Drawing {
 public:
  Drawing(const Chart& chart, int width, int height)
      : chart_(chart), plane_(width, height), x_size_(x_scale(chart).scale.size), y_size_(y_scale(chart).scale.size) {
    std::vector<double> xs, ys;
    for (const ChartLine& line : chart.lines)
      for (const ChartPoint& point : line.points) {
        xs.push_back(point.x / x_size_);
        if (point.y) ys.push_back(*point.y / y_size_);
      }
    x_ = plot_scale(xs, chart.x.log && chart.mark != Mark::bars, false);
    y_ = plot_scale(ys, chart.y.log, true);
    std::sort(xs.begin(), xs.end());
    xs.erase(std::unique(xs.begin(), xs.end()), xs.end());
    groups_ = std::move(xs);
  }

  void draw() {
    const std::vector<std::string> shared = colours(chart_), kinds = styles(chart_);
    for (std::size_t i = 0; i < chart_.lines.size(); ++i) {
      const ChartLine& line = chart_.lines[i];
      const auto found = std::find(shared.begin(), shared.end(), colour_of(line));
      looks_.push_back({static_cast<std::size_t>(found - shared.begin()), line.style == kinds.front()});
    }
    // The first lines come last, over the others.
    for (std::size_t i = chart_.lines.size(); i-- > 0;)
      if (chart_.mark == Mark::line) connect(i);
    for (std::size_t i = chart_.lines.size(); i-- > 0;) mark_points(i);
  }

  const Plane& plane() const { return plane_; }
  const PlotScale& y() const { return y_; }
  const Look& look(std::size_t line) const { return looks_[line]; }

  /// Row of the plane, from the top, at which a number stands.
  int row(double number) const { return (plane_.dots_high() - 1 - y_dot(number)) / dots_down; }

  /// Columns of the ticks below, with their texts.
  std::map<int, std::string> x_ticks() const {
    std::map<int, std::string> all;
    const bool bars = chart_.mark == Mark::bars;
    for (const double number : bars ? groups_ : ticks(x_, plane_.dots_wide() / dots_across / 9))
      all[(bars ? bar_dot(number, chart_.lines.size() / 2) : x_dot(number)) / dots_across] = tick_text(number);
    return all;
  }

 private:
  int x_dot(double number) const { return static_cast<int>(std::lround(x_.place(number) * (plane_.dots_wide() - 1))); }
  int y_dot(double number) const { return static_cast<int>(std::lround(y_.place(number) * (plane_.dots_high() - 1))); }
  bool is_drawn(const ChartPoint& point) const { return point.y && (!chart_.y.log || *point.y > 0); }

  /// Bars stand side by side in groups of one x.
  int bar_dot(double number, std::size_t line) const {
    const auto group = std::lower_bound(groups_.begin(), groups_.end(), number) - groups_.begin();
    const double slots = static_cast<double>(groups_.size() * (chart_.lines.size() + 1));
    const double slot =
        static_cast<double>(group) * static_cast<double>(chart_.lines.size() + 1) + static_cast<double>(line) + 0.5;
    return static_cast<int>(slot / slots * plane_.dots_wide());
  }

  int column_dot(const ChartPoint& point, std::size_t line) const {
    return chart_.mark == Mark::bars ? bar_dot(point.x / x_size_, line) : x_dot(point.x / x_size_);
  }

  /// Dots between neighbours; a missing point between them leaves a gap.
  void connect(std::size_t index) {
    const std::vector<ChartPoint>& points = chart_.lines[index].points;
    for (std::size_t i = 1; i < points.size(); ++i) {
      if (!is_drawn(points[i - 1]) || !is_drawn(points[i])) continue;
      const int from_x = x_dot(points[i - 1].x / x_size_), from_y = y_dot(*points[i - 1].y / y_size_);
      const int to_x = x_dot(points[i].x / x_size_), to_y = y_dot(*points[i].y / y_size_);
      const int steps = std::max({std::abs(to_x - from_x), std::abs(to_y - from_y), 1});
      for (int step = 0; step <= steps; ++step) {
        const int x = from_x + (to_x - from_x) * step / steps, y = from_y + (to_y - from_y) * step / steps;
        if (looks_[index].first_style || (x + y) % 4 < 2) plane_.dot(x, y, looks_[index].colour);
      }
    }
  }

  void mark_points(std::size_t index) {
    const std::vector<ChartPoint>& points = chart_.lines[index].points;
    const Look& look = looks_[index];
    const std::size_t step = chart_.mark == Mark::line ? points.size() / symbols_a_line + 1 : 1;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const int x = column_dot(points[i], index);
      if (!is_drawn(points[i])) {
        plane_.symbol(x, 0, "×", look.colour);
        continue;
      }
      const int y = y_dot(*points[i].y / y_size_);
      if (chart_.mark == Mark::bars)
        for (int below = 0; below < y; ++below) plane_.dot(x, below, look.colour);
      // Lines begin their symbols at different points, so that they hide each other less.
      if ((i + index) % step == 0) plane_.symbol(x, y, look.symbol(), look.colour);
    }
  }

  const Chart& chart_;
  Plane plane_;
  double x_size_, y_size_;
  PlotScale x_, y_;
  std::vector<double> groups_;
  std::vector<Look> looks_;
};

std::string with_ticks(const Drawing& drawing, int height, std::size_t margin, bool colour) {
  std::map<int, std::string> labels;
  for (const double number : ticks(drawing.y(), height / 3)) labels[drawing.row(number)] = tick_text(number);
  std::string text;
  for (int row = 0; row < height; ++row) {
    const auto label = labels.find(row);
    std::string line = fmt::format("{:>{}} {}", label == labels.end() ? "" : label->second, margin,
                                   label == labels.end() ? "│" : "┤") +
                       drawing.plane().line(row, colour);
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  }
  return text;
}

/// The axis with its ticks, and their texts where they have room.
std::string x_axis(const Drawing& drawing, int width, std::size_t margin) {
  std::string axis = fmt::format("{:>{}} └", "", margin), labels(margin + 2, ' ');
  const std::map<int, std::string> marks = drawing.x_ticks();
  for (int column = 0; column < width; ++column) axis += marks.contains(column) ? "┬" : "─";
  for (const auto& [column, label] : marks) {
    const std::size_t middle = margin + 2 + static_cast<std::size_t>(column);
    std::size_t begin = middle - std::min(label.size() / 2, middle);
    begin = std::min(begin, margin + 2 + static_cast<std::size_t>(width) - label.size());
    const std::size_t last = labels.find_last_not_of(' ');
    if (last != labels.npos && begin < last + 2) continue;
    labels.resize(std::max(labels.size(), begin), ' ');
    labels.replace(begin, labels.size() - begin, label);
  }
  return axis + "\n" + labels + "\n";
}

std::string legend(const Chart& chart, const Drawing& drawing, const TextStyle& style, std::size_t width) {
  std::string text, line;
  std::size_t used = 0, missing = 0;
  std::string reason;
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    const Look& look = drawing.look(i);
    const std::size_t size = display_width(chart.lines[i].label) + 5;
    if (used > 0 && used + size > width) text += line + "\n", line.clear(), used = 0;
    line += fmt::format("  {} {}", coloured(look.symbol(), look.colour, style.colour), chart.lines[i].label);
    used += size;
    for (const ChartPoint& point : chart.lines[i].points)
      if (!point.y && missing++ == 0) reason = point.note;
  }
  text += line + "\n";
  if (missing > 0) text += fmt::format("  × missing: {}{}{}\n", missing, reason.empty() ? "" : ", as ", reason);
  return text;
}

}  // namespace

std::string to_plot(const Chart& chart, const TextStyle& style, int height) {
  if (chart.lines.empty()) return "";
  if (chart.mark == Mark::heatmap) return to_heatmap(chart, style);
  height = std::max(height, 4);
  const int width = style.width > 0 ? style.width : default_width;
  // The widest tick decides what is left for the plane.
  std::size_t margin = 0;
  for (const double number : ticks(Drawing(chart, narrowest_plane, height).y(), height / 3))
    margin = std::max(margin, tick_text(number).size());
  const int room = std::max(width - static_cast<int>(margin) - 2, narrowest_plane);
  Drawing drawing(chart, room, height);
  drawing.draw();
  std::string text = chart.title.empty() ? "" : chart.title + "\n";
  text +=
      y_scale(chart).title + "\n" + with_ticks(drawing, height, margin, style.colour) + x_axis(drawing, room, margin);
  const std::string x_title = x_scale(chart).title;
  const std::size_t indent = margin + 2 + static_cast<std::size_t>(room);
  text += fmt::format("{:>{}}\n", x_title, std::max(indent, x_title.size()));
  return text + legend(chart, drawing, style, static_cast<std::size_t>(width));
}

}  // namespace gemmetry::report
