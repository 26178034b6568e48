#include "gemmetry/measure/tuning_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/measure/operator_json.h"

namespace gemmetry::measure {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view format = "gemmetry tuning table";
constexpr std::int64_t version = 1;
/// As much as read_text_file reads.
constexpr std::size_t max_file_bytes = 16u << 20;

/// The field table of AlgorithmInfo.
template <class Info, class Visit>
void for_each_field(Info& info, Visit visit) {
  visit("library", info.library);
  visit("kernel", info.kernel);
  visit("key", info.key);
  visit("id", info.id);
  visit("tile_m", info.tile_m);
  visit("tile_n", info.tile_n);
  visit("stages", info.stages);
  visit("split_k", info.split_k);
  visit("cluster_m", info.cluster_m);
  visit("cluster_n", info.cluster_n);
  visit("swizzle", info.swizzle);
  visit("waves", info.waves);
  visit("workspace_bytes", info.workspace_bytes);
}

template <std::size_t size>
ordered_json value_of(const char (&text)[size]) {
  return std::string(text, strnlen(text, size));
}
template <class Number>
ordered_json value_of(const Number& number) {
  return number;
}

ordered_json algorithm_to_json(const AlgorithmInfo& info) {
  ordered_json object;
  for_each_field(info, [&](const char* name, const auto& member) { object[name] = value_of(member); });
  return object;
}

template <std::size_t size>
void read(const JsonObject& object, const char* name, char (&text)[size]) {
  const std::string value = object.string(name);
  if (value.size() >= size) object.fail(name, fmt::format("expected at most {} bytes", size - 1));
  std::memcpy(text, value.c_str(), value.size() + 1);
}
void read(const JsonObject& object, const char* name, double& value) { value = object.number(name); }
template <class Integer>
void read(const JsonObject& object, const char* name, Integer& value) {
  using Limits = std::numeric_limits<Integer>;
  value = static_cast<Integer>(object.integer(name, Limits::min(), Limits::max()));
}

AlgorithmInfo algorithm_from_json(const JsonObject& object) {
  AlgorithmInfo info;
  object.refuse_unknown({"library", "kernel", "key", "id", "tile_m", "tile_n", "stages", "split_k", "cluster_m",
                         "cluster_n", "swizzle", "waves", "workspace_bytes"});
  for_each_field(info, [&](const char* name, auto& member) { read(object, name, member); });
  return info;
}

ordered_json entry_to_json(const TunedAlgorithm& entry) {
  return {{"gpu", entry.gpu},
          {"library", entry.library},
          {"operator", operator_to_json(entry.op)},
          {"best_s", entry.best_s},
          {"first_s", entry.first_s},
          {"best", algorithm_to_json(entry.best)},
          {"first", algorithm_to_json(entry.first)}};
}

double positive(const JsonObject& object, const char* name) {
  const double value = object.number(name);
  if (!(value > 0)) object.fail(name, "expected seconds, above 0");
  return value;
}

TunedAlgorithm entry_from_json(const JsonObject& object) {
  object.refuse_unknown({"gpu", "library", "operator", "best_s", "first_s", "best", "first"});
  return {object.string("gpu"),
          object.string("library"),
          operator_from_json(object.object("operator")),
          algorithm_from_json(object.object("best")),
          positive(object, "best_s"),
          algorithm_from_json(object.object("first")),
          positive(object, "first_s")};
}

[[noreturn]] void cannot_write(const std::string& path, const std::string& why) {
  throw Error(fmt::format("{}: cannot be written ({}); check that its folder exists and has room", path, why));
}

}  // namespace

TuningTable TuningTable::load(const std::string& path) { return parse(read_text_file(path), path); }

TuningTable TuningTable::parse(std::string_view text, const std::string& source) {
  const nlohmann::json document = parse_json(text, source);
  const JsonObject top(document, source);
  if (!top.has("format") || top.string("format") != format)
    top.fail("format", fmt::format("this is no tuning table; expected \"{}\"", format));
  top.integer("version", version, version);
  top.refuse_unknown({"format", "version", "entries"});
  TuningTable table;
  const nlohmann::json& entries = top.array("entries");
  for (std::size_t i = 0; i < entries.size(); ++i)
    table.put(entry_from_json(JsonObject(entries[i], source, fmt::format("entries[{}]", i))));
  return table;
}

std::string TuningTable::text() const {
  // An entry a line, so that versions of the file can be compared.
  std::string result = fmt::format("{{\"format\": \"{}\", \"version\": {}, \"entries\": [", format, version);
  const char* separator = "\n";
  for (const TunedAlgorithm& entry : entries_) {
    result += separator;
    result += entry_to_json(entry).dump(-1, ' ', true, ordered_json::error_handler_t::replace);
    separator = ",\n";
  }
  return result + "\n]}\n";
}

void TuningTable::save(const std::string& path) const {
  const std::string content = text();
  if (content.size() > max_file_bytes)
    cannot_write(path, fmt::format("{} entries take {} bytes, over 16 MiB: use a table for each GPU", entries_.size(),
                                   content.size()));
  const std::string beside = fmt::format("{}.{}.tmp", path, getpid());
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) {
      const std::string why = std::strerror(errno);
      std::remove(beside.c_str());
      cannot_write(path, why);
    }
  }
  std::error_code failure;
  std::filesystem::rename(beside, path, failure);
  if (!failure) return;
  std::remove(beside.c_str());
  cannot_write(path, failure.message());
}

void TuningTable::put(TunedAlgorithm entry) {
  if (const TunedAlgorithm* known = find(entry.op, entry.gpu, entry.library)) {
    entries_[static_cast<std::size_t>(known - entries_.data())] = std::move(entry);
    return;
  }
  places_.emplace(entry.op, entries_.size());
  entries_.push_back(std::move(entry));
}

void TuningTable::merge(const TuningTable& other) {
  if (&other == this) return;
  for (const TunedAlgorithm& entry : other.entries_) put(entry);
}

const TunedAlgorithm* TuningTable::find(const op::Operator& op, std::string_view gpu, std::string_view library) const {
  const auto [begin, end] = places_.equal_range(op);
  for (auto place = begin; place != end; ++place) {
    const TunedAlgorithm& entry = entries_[place->second];
    if (entry.gpu == gpu && entry.library == library) return &entry;
  }
  return nullptr;
}

}  // namespace gemmetry::measure
