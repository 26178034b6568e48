#include "gemmetry/calibrate/calibration_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace gemmetry::calibrate {
namespace {

using Json = nlohmann::ordered_json;

/// As a number that is written with five digits at most.
double rounded(double value) { return std::stod(fmt::format("{:.5g}", value)); }

std::string source_of(const gpu::Calibration& calibration, const std::string& key) {
  const auto found = calibration.sources.find(key);
  return found == calibration.sources.end() ? "unknown" : found->second;
}

template <class Coefficients>
Json group(const gpu::Calibration& calibration, const std::string& key, const Coefficients& coefficients) {
  Json json;
  json["source"] = source_of(calibration, key);
  for (const auto& field : Coefficients::fields()) json[std::string(field.name)] = rounded(coefficients.*field.member);
  return json;
}

Json errors(const gpu::Calibration& calibration) {
  Json json;
  json["source"] = source_of(calibration, "errors");
  for (const auto& [name, error] : calibration.errors)
    json[name] = {{"shared", rounded(error.shared)}, {"independent", rounded(error.independent)}};
  return json;
}

Json alignment(const gpu::Calibration& calibration) {
  Json json;
  json["source"] = source_of(calibration, "alignment");
  for (const auto& [bytes, classes] : calibration.alignment)
    for (const auto& [elements, efficiency] : classes)
      json[std::to_string(bytes)][std::to_string(elements)] = rounded(efficiency);
  return json;
}

/// As a decimal of as few digits as single precision needs.
double shortest(float value) { return std::stod(fmt::format("{}", value)); }

Json trees(const std::vector<gpu::Tree>& trees) {
  Json json = Json::array();
  for (const gpu::Tree& tree : trees) {
    Json numbers = Json::array();
    for (const float number : tree.number) numbers.push_back(shortest(number));
    json.push_back(Json::array({tree.split, numbers}));
  }
  return json;
}

Json residual(const gpu::Residual& residual) {
  Json json;
  json["features"] = residual.features;
  json["dtypes"] = Json::array();
  for (const shape::Dtype dtype : residual.dtypes) json["dtypes"].push_back(shape::name(dtype));
  json["ranges"] = Json::object();
  for (const auto& [name, range] : residual.ranges) json["ranges"][name] = {range.low, range.high};
  json["errors"] = Json::object();
  for (const auto& [name, error] : residual.errors)
    json["errors"][name] = {{"shared", rounded(error.shared)}, {"independent", rounded(error.independent)}};
  json["trees"] = trees(residual.trees);
  json["spread"] = trees(residual.spread);
  return json;
}

Json residuals(const gpu::Calibration& calibration) {
  Json json;
  json["source"] = source_of(calibration, "residuals");
  for (const auto& [name, one] : calibration.residuals) json[name] = residual(one);
  return json;
}

Json data(const Provenance& p) {
  Json json;
  json["files"] = p.files;
  json["records"] = p.records.used - p.records.held_out;
  json["held_out"] = p.records.held_out;
  json["devices"] = p.devices;
  if (!p.first_time.empty()) json["first"] = p.first_time;
  if (!p.last_time.empty()) json["last"] = p.last_time;
  json["seed"] = p.seed;
  json["gemmetry"] = p.tool;
  return json;
}

Json groups(const std::vector<GroupFit>& fits) {
  Json json = Json::object();
  for (const GroupFit& fit : fits) {
    Json ranges;
    for (const Parameter& parameter : fit.parameters)
      ranges[parameter.name] = {rounded(parameter.range.low), rounded(parameter.range.high)};
    json[std::string(name(fit.group))] = {
        {"records", fit.samples}, {"before", rounded(fit.before)}, {"after", rounded(fit.after)}, {"ranges", ranges}};
  }
  return json;
}

Json held_out_errors(const std::map<ShapeClass, ErrorStatistics>& errors) {
  Json json = Json::object();
  for (const auto& [shape_class, e] : errors)
    json[text_of(shape_class)] = {{"records", e.count},
                                  {"mape", rounded(e.mape)},
                                  {"median", rounded(e.median)},
                                  {"p95", rounded(e.p95)},
                                  {"coverage", rounded(e.coverage)}};
  return json;
}

/// Whether it goes on one line: plain values, lists and objects of such, a tree.
bool is_short(const Json& json, int depth) {
  if (!json.is_structured() || json.empty()) return true;
  const auto plain = [](const Json& one) { return !one.is_structured(); };
  if (std::all_of(json.begin(), json.end(), plain)) return depth > 0 && !(json.is_object() && json.contains("source"));
  return json.is_array() && std::all_of(json.begin(), json.end(), [&](const Json& one) {
           return one.is_array() && std::all_of(one.begin(), one.end(), plain);
         });
}

void write(const Json& json, int depth, std::string& text) {
  if (is_short(json, depth)) {
    text += json.dump();
    return;
  }
  const std::string indent(static_cast<std::size_t>(2 * (depth + 1)), ' ');
  text += json.is_object() ? "{\n" : "[\n";
  bool first = true;
  for (const auto& [key, member] : json.items()) {
    text += first ? "" : ",\n";
    first = false;
    text += indent;
    if (json.is_object()) text += Json(key).dump() + ": ";
    write(member, depth + 1, text);
  }
  text += "\n" + std::string(static_cast<std::size_t>(2 * depth), ' ') + (json.is_object() ? "}" : "]");
}

std::string device_text(const measure::DeviceInfo& device) {
  std::string text = device.name;
  const auto also = [&](const char* what, const char* prefix) {
    if (*what) text += fmt::format("{}{}{}", text.empty() ? "" : ", ", prefix, what);
  };
  also(device.driver, "driver ");
  also(device.runtime, "");
  also(device.products, "");
  also(device.attention, "");
  return text;
}

}  // namespace

void add(Provenance& provenance, const std::vector<measure::Record>& records, const std::string& gpu) {
  for (const measure::Record& record : records) {
    if (*record.device.gpu && record.device.gpu != gpu) continue;
    if (const std::string device = device_text(record.device); !device.empty()) provenance.devices.insert(device);
    if (record.time.empty()) continue;
    if (provenance.first_time.empty() || record.time < provenance.first_time) provenance.first_time = record.time;
    provenance.last_time = std::max(provenance.last_time, record.time);
  }
}

std::string calibration_text(const gpu::Calibration& calibration, const Provenance& provenance,
                             const std::vector<GroupFit>& fits, const std::map<ShapeClass, ErrorStatistics>& held_out) {
  Json json;
  json["name"] = calibration.name;
  json["gemm"] = group(calibration, "gemm", calibration.gemm);
  json["misaligned_gemm"] = group(calibration, "misaligned_gemm", calibration.misaligned_gemm);
  if (!calibration.alignment.empty()) json["alignment"] = alignment(calibration);
  json["attention"] = group(calibration, "attention", calibration.attention);
  json["decode"] = group(calibration, "decode", calibration.decode);
  json["pointwise"] = group(calibration, "pointwise", calibration.pointwise);
  json["collective"] = group(calibration, "collective", calibration.collective);
  if (calibration.chain) json["chain"] = group(calibration, "chain", *calibration.chain);
  if (calibration.power) json["power"] = group(calibration, "power", *calibration.power);
  json["errors"] = errors(calibration);
  json["fit"] = {{"data", data(provenance)}, {"groups", groups(fits)}, {"held_out", held_out_errors(held_out)}};
  if (!calibration.residuals.empty()) json["residuals"] = residuals(calibration);
  std::string text;
  write(json, 0, text);
  return text + "\n";
}

}  // namespace gemmetry::calibrate
