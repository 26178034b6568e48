#include "gemmetry/report/vega_lite.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "gemmetry/report/heatmap.h"

namespace gemmetry::report {
namespace {

using nlohmann::ordered_json;

constexpr const char* schema = "https://vega.github.io/schema/vega-lite/v6.json";
constexpr const char* valid_y = "isValid(datum.y)";
constexpr const char* valid_interval = "isValid(datum.y) && isValid(datum.low) && isValid(datum.high)";

struct ThemeColours {
  const char *background, *text, *grid;
  std::initializer_list<const char*> lines;
};

// Found by a search for the eight colours that lie furthest apart in Oklab, in normal vision and under simulated
// protanopia, deuteranopia and tritanopia (Machado et al. 2009), at a contrast of at least 3 to the background.
const ThemeColours light{"#ffffff",
                         "#24292f",
                         "#dfe3e8",
                         {"#112277", "#ff5500", "#669988", "#7711dd", "#bb2222", "#336688", "#aa77ee", "#551100"}};
const ThemeColours dark{"#16181d",
                        "#d7dbe0",
                        "#33383f",
                        {"#77bbff", "#ffee33", "#ff77aa", "#22ffdd", "#0088ff", "#bb9922", "#ee00bb", "#996644"}};

ordered_json interval_json(const std::optional<double>& number, double size) {
  return number ? ordered_json(*number / size) : ordered_json(nullptr);
}

std::string shown_y(const ChartPoint& point, Unit unit) {
  if (!point.y) return "missing: " + point.note;
  if (point.low && point.high) return shown(Interval{*point.y, *point.low, *point.high}, unit);
  return shown(*point.y, unit);
}

ordered_json rows(const Chart& chart) {
  const double x_size = x_scale(chart).scale.size;
  const double y_size = y_scale(chart).scale.size;
  ordered_json all = ordered_json::array();
  for (const ChartLine& line : chart.lines) {
    const std::size_t step = symbol_step(line, chart.mark);
    for (std::size_t i = 0; i < line.points.size(); ++i) {
      const ChartPoint& point = line.points[i];
      all.push_back({{"id", all.size()},
                     {"line", line.label},
                     {"colour", colour_of(line)},
                     {"style", line.style},
                     {"row", line.cells.row},
                     {"panel", line.cells.panel},
                     {"band", line.cells.band},
                     {"x", point.x / x_size},
                     {"y", interval_json(point.y, y_size)},
                     {"low", interval_json(point.low, y_size)},
                     {"high", interval_json(point.high, y_size)},
                     {"shown", shown_y(point, chart.y.unit)},
                     {"note", point.y ? point.note : ""},
                     {"symbol", i % step == 0}});
    }
  }
  return all;
}

ordered_json scale_json(const Axis& axis) {
  if (axis.log) return {{"type", "log"}, {"base", 2}, {"nice", false}};
  return ordered_json::object();
}

ordered_json x_encoding(const Chart& chart) {
  const bool bars = chart.mark == Mark::bars;
  ordered_json out{{"field", "x"}, {"type", bars ? "ordinal" : "quantitative"}, {"title", x_scale(chart).title}};
  if (bars) return out;
  out["scale"] = scale_json(chart.x);
  if (!chart.x.log) out["scale"] = {{"zero", false}, {"nice", false}};
  out["scale"]["padding"] = 12;
  out["axis"] = {{"labelFlush", false}, {"tickMinStep", 1}};
  return out;
}

ordered_json y_encoding(const Chart& chart) {
  ordered_json out{{"field", "y"}, {"type", "quantitative"}, {"title", y_scale(chart).title}};
  out["scale"] = chart.y.log ? ordered_json{{"type", "log"}} : ordered_json{{"zero", true}};
  return out;
}

/// A scale over the names as they come, with a legend where there are several.
ordered_json named(const char* field, const std::vector<std::string>& names, const std::string& title, bool legend) {
  ordered_json out{{"field", field}, {"type", "nominal"}, {"scale", {{"domain", names}}}, {"sort", nullptr}};
  out["legend"] = nullptr;
  if (legend && names.size() > 1) out["legend"] = {{"title", title.empty() ? nullptr : ordered_json(title)}};
  return out;
}

ordered_json tooltip(const Chart& chart) {
  ordered_json fields = ordered_json::array();
  if (chart.lines.size() > 1) fields.push_back({{"field", "line"}, {"type", "nominal"}, {"title", "line"}});
  fields.push_back({{"field", "x"}, {"type", "quantitative"}, {"title", chart.x.title}});
  fields.push_back({{"field", "shown"}, {"type", "nominal"}, {"title", chart.y.title}});
  fields.push_back({{"field", "note"}, {"type", "nominal"}, {"title", "note"}});
  return fields;
}

ordered_json filtered(const char* test, ordered_json mark, ordered_json encoding) {
  return {{"transform", {{{"filter", test}}}}, {"mark", std::move(mark)}, {"encoding", std::move(encoding)}};
}

/// The parts of a specification that its layers share.
class Layers {
 public:
  Layers(const Chart& chart, bool legend)
      : chart_(chart),
        y_(y_encoding(chart)),
        shape_(named("colour", colours(chart), chart.colour_title, legend)),
        dash_(named("style", styles(chart), "", legend)) {
    dash_["scale"]["range"] = vega_dashes();
  }

  /// Layers of nothing are left out: Vega complains of scales without extent.
  ordered_json all() const {
    ordered_json layers = ordered_json::array();
    const bool intervals = any([](const ChartPoint& point) { return point.low && point.high; });
    if (intervals && chart_.mark == Mark::line) layers.push_back(band());
    if (intervals && chart_.mark == Mark::points) layers.push_back(whiskers());
    const std::size_t over_y = layers.size();
    switch (chart_.mark) {
      case Mark::line:
        layers.push_back(line());
        layers.push_back(symbols("datum.symbol && isValid(datum.y)"));
        layers.push_back(hover());
        break;
      case Mark::points:
        layers.push_back(symbols(valid_y));
        layers.push_back(hover());
        break;
      case Mark::bars:
        layers.push_back(bars());
        if (intervals) layers.push_back(whiskers());
        break;
      case Mark::heatmap:  // see heatmap_spec
        break;
    }
    if (any([](const ChartPoint& point) { return !point.y; })) layers.push_back(missing());
    // Scales are bound once, in a layer over y. The wheel alone scrolls the page, as it does elsewhere.
    if (chart_.mark != Mark::bars)
      layers[over_y]["params"] = {
          {{"name", "zoom"},
           {"select", {{"type", "interval"}, {"zoom", "wheel![event.ctrlKey || event.metaKey]"}}},
           {"bind", "scales"}}};
    return layers;
  }

 private:
  template <class Test>
  bool any(Test test) const {
    return std::any_of(chart_.lines.begin(), chart_.lines.end(), [&](const ChartLine& line) {
      return std::any_of(line.points.begin(), line.points.end(), test);
    });
  }

  ordered_json band() const {
    return filtered(valid_interval, {{"type", "area"}, {"opacity", 0.15}, {"clip", true}},
                    {{"y", low()}, {"y2", {{"field", "high"}}}, {"detail", detail()}});
  }

  ordered_json line() const {
    return {{"mark", {{"type", "line"}, {"strokeWidth", 2}, {"clip", true}, {"invalid", "break-paths-show-domains"}}},
            {"encoding", {{"y", y_}, {"strokeDash", dash_}, {"detail", detail()}}}};
  }

  /// Full in the first style, hollow in the others.
  ordered_json symbols(const char* test) const {
    return filtered(
        test, {{"type", "point"}, {"size", 45}, {"clip", true}},
        {{"y", y_}, {"shape", shape_}, {"fill", shape_}, {"fillOpacity", by_style(0)}, {"tooltip", tooltip(chart_)}});
  }

  /// Every point answers the pointer, and stands out when it is picked.
  ordered_json hover() const {
    return filtered(valid_y,
                    {{"type", "point"}, {"size", 130}, {"strokeWidth", 2}, {"clip", true}, {"fill", "transparent"}},
                    {{"y", y_},
                     {"opacity", {{"condition", {{"test", "datum.id === picked"}, {"value", 1}}}, {"value", 0}}},
                     {"tooltip", tooltip(chart_)}});
  }

  ordered_json bars() const {
    return filtered(valid_y, {{"type", "bar"}},
                    {{"y", y_}, {"xOffset", offset()}, {"tooltip", tooltip(chart_)}, {"opacity", by_style(0.5)}});
  }

  ordered_json whiskers() const {
    ordered_json encoding{{"y", low()}, {"y2", {{"field", "high"}}}};
    if (chart_.mark == Mark::bars) {
      encoding["xOffset"] = offset();
      encoding["color"] = {{"value", "#888888"}};
    }
    return filtered(valid_interval, {{"type", "rule"}, {"opacity", 0.7}, {"clip", true}}, std::move(encoding));
  }

  /// Above the axis, whatever the scale says: a missing point has no y.
  ordered_json missing() const {
    ordered_json encoding{{"y", {{"value", "height"}}}, {"tooltip", tooltip(chart_)}};
    if (chart_.mark == Mark::bars) encoding["xOffset"] = offset();
    return filtered(
        "!isValid(datum.y)",
        {{"type", "text"}, {"text", "✕"}, {"dy", -7}, {"fontSize", 12}, {"fontWeight", "bold"}, {"clip", true}},
        std::move(encoding));
  }

  ordered_json low() const {
    ordered_json out = y_;
    out["field"] = "low";
    return out;
  }

  ordered_json detail() const { return {{"field", "line"}, {"type", "nominal"}}; }

  ordered_json offset() const {
    std::vector<std::string> labels;
    for (const ChartLine& each : chart_.lines) labels.push_back(each.label);
    return {{"field", "line"}, {"type", "nominal"}, {"scale", {{"domain", labels}}}, {"sort", nullptr}};
  }

  /// 1 in the first style, `other` in the rest; the legend, where dashes do not have it already, says so.
  ordered_json by_style(double other) const {
    ordered_json out = dash_;
    out["type"] = "ordinal";
    std::vector<double> range(styles(chart_).size(), other);
    range.front() = 1;
    out["scale"]["range"] = range;
    if (chart_.mark == Mark::line) out["legend"] = nullptr;
    return out;
  }

  const Chart& chart_;
  ordered_json y_, shape_, dash_;
};

}  // namespace

ordered_json vega_config(Theme theme) {
  const ThemeColours& colours = theme == Theme::light ? light : dark;
  const ordered_json text{{"labelColor", colours.text}, {"titleColor", colours.text}};
  ordered_json axis = text;
  axis.update({{"gridColor", colours.grid},
               {"domainColor", colours.text},
               {"tickColor", colours.text},
               {"labelFontSize", 12},
               {"titleFontSize", 12},
               {"labelOverlap", true},
               {"labelSeparation", 8},
               {"titleFontWeight", "normal"}});
  ordered_json header = text;
  header["labelFontSize"] = 12;
  ordered_json legend = text;
  legend.update(
      {{"labelFontSize", 12}, {"titleFontSize", 12}, {"orient", "right"}, {"symbolSize", 150}, {"symbolOpacity", 1}});
  return {{"background", colours.background},
          {"font", "system-ui, sans-serif"},
          {"view", {{"stroke", nullptr}}},
          {"title", {{"color", colours.text}, {"anchor", "start"}, {"fontSize", 14}}},
          {"axis", std::move(axis)},
          {"header", std::move(header)},
          {"legend", std::move(legend)},
          {"range",
           {{"category", colours.lines},
            {"symbol", {"circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"}}}}};
}

ordered_json vega_dashes() { return {{1, 0}, {6, 4}, {2, 3}, {10, 3, 2, 3}}; }

ordered_json to_vega_lite(const Chart& chart, const SpecOptions& options) {
  ordered_json spec{{"$schema", schema}};
  if (options.whole) {
    spec["title"] = chart.title;
    if (chart.mark != Mark::heatmap) {
      spec["width"] = 640;
      spec["height"] = 360;
    }
    spec["config"] = vega_config(options.theme);
    spec["data"] = {{"name", "points"}, {"values", rows(chart)}};
  } else {
    spec["data"] = {{"name", "points"}};
  }
  spec["params"] = {{{"name", "hidden"}, {"value", ordered_json::array()}}, {{"name", "picked"}, {"value", -1}}};
  spec["transform"] = {{{"filter", "indexof(hidden, datum.line) < 0"}}};
  if (chart.mark == Mark::heatmap) {
    spec.update(heatmap_spec(chart));
    return spec;
  }
  spec["encoding"] = {{"x", x_encoding(chart)},
                      {"color", named("colour", colours(chart), chart.colour_title, options.whole)}};
  spec["layer"] = Layers(chart, options.whole).all();
  return spec;
}

}  // namespace gemmetry::report
