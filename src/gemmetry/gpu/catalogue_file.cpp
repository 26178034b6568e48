#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/gpu/catalogue.h"

// Reads one file of the catalogue; docs/gpus.md describes the format.

namespace gemmetry::gpu {
namespace {

constexpr std::int64_t largest_alignment = 1024;

/// The range a fact must lie in. Wide enough for any GPU of its time, narrow enough to catch a wrong unit: a clock in
/// MHz, a throughput in TFLOP/s, a bandwidth in GB/s, a latency in microseconds.
struct Range {
  double low;
  double high;
  std::string_view unit;
};

constexpr Range count{1, 1e5, ""};
constexpr Range clock{1e8, 1e11, "Hz"};
constexpr Range throughput{1e10, 1e18, "FLOP/s"};
constexpr Range bytes_per_second{1e8, 1e15, "bytes/s"};
constexpr Range bytes{1e5, 1e15, "bytes"};
constexpr Range watts{1, 1e5, "W"};
constexpr Range seconds{1e-9, 1e-2, "s"};
constexpr Range fraction{0.01, 1, ""};

/// A text that can be shown on one line of a table.
std::string line_of_text(const JsonObject& object, std::string_view key) {
  std::string text = object.string(key);
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), control)) object.fail(key, "expected text without control characters");
  if (text.find_first_not_of(' ') == std::string::npos) object.fail(key, "must not be empty");
  return text;
}

/// A name as it is typed on the command line: lower-case letters, digits, '-' and '.'.
std::string catalogue_name(const JsonObject& object, std::string_view key) {
  std::string name = object.string(key);
  const bool good = !name.empty() && name.size() <= 64 &&
                    name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
  if (!good) object.fail(key, "expected at most 64 lower-case letters, digits, '-' and '.'");
  return name;
}

/// The "facts" of a file: numbers that each carry their source, which goes to `sources`.
class Facts {
 public:
  Facts(JsonObject object, std::map<std::string, std::string>& sources)
      : object_(std::move(object)), sources_(sources) {}

  const JsonObject& object() const { return object_; }

  /// The value of a fact; nothing when the fact or its value is null or absent.
  std::optional<double> optional(std::string_view key, const Range& range) {
    if (!object_.has(key)) return std::nullopt;
    if (!object_.raw(key).is_object()) object_.fail(key, R"(expected {"value": NUMBER, "source": "where it is from"})");
    const JsonObject fact = object_.object(key);
    fact.refuse_unknown({"value", "source"});
    if (!fact.has("source"))
      fact.fail("source", "every fact says where it is from: a datasheet, 'measured: ...' or 'assumed: ...'");
    sources_[std::string(key)] = line_of_text(fact, "source");
    if (!fact.has("value")) return std::nullopt;
    const double value = fact.number("value");
    if (value < range.low || value > range.high)
      fact.fail("value", fmt::format("expected {:g} to {:g}{}{}", range.low, range.high, range.unit.empty() ? "" : " ",
                                     range.unit));
    return value;
  }

  double required(std::string_view key, const Range& range) {
    const std::optional<double> value = optional(key, range);
    if (value) return *value;
    object_.fail(key, fmt::format("it must be known{}{}", range.unit.empty() ? "" : ", in ", range.unit));
  }

  std::int64_t required_count(std::string_view key) {
    const double value = required(key, count);
    if (value != std::floor(value)) object_.fail(key, "expected a whole number");
    return static_cast<std::int64_t>(value);
  }

 private:
  JsonObject object_;
  std::map<std::string, std::string>& sources_;
};

Generation generation(const JsonObject& file) {
  constexpr Generation all[] = {Generation::volta,     Generation::ampere, Generation::ada,  Generation::hopper,
                                Generation::blackwell, Generation::cdna2,  Generation::cdna3};
  const std::string text = file.string("generation");
  std::vector<std::string> names;
  for (const Generation one : all) {
    if (name(one) == text) return one;
    names.emplace_back(name(one));
  }
  file.fail("generation", fmt::format("expected {}{}", fmt::join(names, ", "), did_you_mean(text, names)));
}

/// One class of the list: [elements, efficiency].
AlignmentClass alignment_class(const JsonObject& entry, const nlohmann::json& pair) {
  if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number())
    entry.fail("classes", "expected pairs of numbers [elements, efficiency]");
  const double elements = pair[0].get<double>();
  const double efficiency = pair[1].get<double>();
  const bool whole = elements >= 1 && elements <= largest_alignment && elements == std::floor(elements);
  if (!whole || !std::has_single_bit(static_cast<std::uint64_t>(elements)))
    entry.fail("classes", fmt::format("{:g} elements: expected a power of two up to {}", elements, largest_alignment));
  if (!(efficiency > 0 && efficiency <= 1))
    entry.fail("classes", fmt::format("efficiency {:g}: expected a fraction above 0 and at most 1", efficiency));
  return {static_cast<std::int64_t>(elements), efficiency};
}

std::vector<AlignmentClass> alignment_classes(const JsonObject& entry) {
  const nlohmann::json& list = entry.raw("classes");
  if (!list.is_array() || list.empty()) entry.fail("classes", "expected a list of [elements, efficiency]");
  std::vector<AlignmentClass> classes;
  for (const nlohmann::json& pair : list) {
    const AlignmentClass next = alignment_class(entry, pair);
    if (!classes.empty() && (next.elements <= classes.back().elements || next.efficiency < classes.back().efficiency))
      entry.fail("classes", "expected ascending elements, and efficiencies that never fall");
    classes.push_back(next);
  }
  if (classes.front().elements != 1) entry.fail("classes", "the first class must be for 1 element");
  if (classes.back().efficiency != 1) entry.fail("classes", "the last class must have efficiency 1");
  return classes;
}

void read_alignment(const JsonObject& file, Gpu& gpu) {
  const JsonObject sizes = file.object("alignment");
  sizes.refuse_unknown({"1", "2", "4"});
  for (const std::int64_t size : {1, 2, 4}) {
    const std::string key = std::to_string(size);
    if (!sizes.has(key)) continue;
    const JsonObject entry = sizes.object(key);
    entry.refuse_unknown({"source", "classes"});
    gpu.sources["alignment." + key] = line_of_text(entry, "source");
    gpu.alignment[size] = alignment_classes(entry);
  }
  for (const auto& [dtype, flops] : gpu.tensor_flops) {
    const auto size = static_cast<std::int64_t>(shape::bytes_per_element(dtype));
    if (!gpu.alignment.contains(size))
      sizes.fail(std::to_string(size), fmt::format("it must be given for the tensor units of {}", shape::name(dtype)));
  }
}

void check_aliases(const JsonObject& file) {
  if (!file.has("aliases")) return;
  const nlohmann::json& aliases = file.raw("aliases");
  const auto text = [](const nlohmann::json& alias) { return alias.is_string(); };
  if (!aliases.is_array() || !std::all_of(aliases.begin(), aliases.end(), text))
    file.fail("aliases", "expected a list of names");
}

}  // namespace

Gpu gpu_from_json(std::string_view text, const std::string& source) {
  const nlohmann::json document = parse_json(text, source);
  const JsonObject file(document, source);
  file.refuse_unknown({"name", "title", "aliases", "generation", "link", "facts", "alignment"});

  Gpu gpu;
  gpu.name = catalogue_name(file, "name");
  gpu.title = line_of_text(file, "title");
  check_aliases(file);
  gpu.generation = generation(file);
  if (file.has("link")) gpu.link = line_of_text(file, "link");

  Facts facts(file.object("facts"), gpu.sources);
  facts.object().refuse_unknown({"sms", "boost_clock_hz", "tensor_flops_bf16", "tensor_flops_fp16", "tensor_flops_fp8",
                                 "tensor_flops_tf32", "tensor_flops_fp32", "vector_flops", "bandwidth", "memory_bytes",
                                 "l2_bytes", "power_limit_w", "launch_stream_s", "launch_graph_s", "sustained_fraction",
                                 "link_bandwidth"});
  gpu.sms = facts.required_count("sms");
  gpu.boost_clock_hz = facts.required("boost_clock_hz", clock);
  for (const shape::Dtype dtype : shape::all_dtypes()) {
    const auto flops = facts.optional(fmt::format("tensor_flops_{}", shape::name(dtype)), throughput);
    if (flops) gpu.tensor_flops[dtype] = *flops;
  }
  gpu.vector_flops = facts.required("vector_flops", throughput);
  gpu.bandwidth = facts.required("bandwidth", bytes_per_second);
  gpu.memory_bytes = facts.required("memory_bytes", bytes);
  gpu.l2_bytes = facts.required("l2_bytes", bytes);
  gpu.power_limit_w = facts.optional("power_limit_w", watts);
  gpu.launch_stream_s = facts.required("launch_stream_s", seconds);
  gpu.launch_graph_s = facts.required("launch_graph_s", seconds);
  gpu.sustained_fraction = facts.optional("sustained_fraction", fraction);
  gpu.link_bandwidth = facts.optional("link_bandwidth", bytes_per_second);

  read_alignment(file, gpu);
  return gpu;
}

Node node_from_json(std::string_view text, const std::string& source) {
  const nlohmann::json document = parse_json(text, source);
  const JsonObject file(document, source);
  file.refuse_unknown({"name", "title", "aliases", "gpu", "facts"});

  Node node;
  node.name = catalogue_name(file, "name");
  node.title = line_of_text(file, "title");
  check_aliases(file);
  node.gpu = catalogue_name(file, "gpu");

  Facts facts(file.object("facts"), node.sources);
  facts.object().refuse_unknown({"gpus", "intra_bandwidth", "intra_latency", "inter_bandwidth", "inter_latency"});
  node.gpus = facts.required_count("gpus");
  node.intra_bandwidth = facts.required("intra_bandwidth", bytes_per_second);
  node.intra_latency = facts.required("intra_latency", seconds);
  node.inter_bandwidth = facts.required("inter_bandwidth", bytes_per_second);
  node.inter_latency = facts.required("inter_latency", seconds);
  return node;
}

}  // namespace gemmetry::gpu
