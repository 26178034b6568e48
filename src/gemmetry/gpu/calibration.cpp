#include "gemmetry/gpu/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/text_value.h"
#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/gpu/embedded_calibration.h"

// Reads and chooses calibrations; docs/models/*.md describe what the coefficients mean.

namespace gemmetry::gpu {
namespace {

/// What a class of errors gains when a calibration serves another GPU than its own: the share that all operators there
/// have in common, and a factor for what is each one's own.
struct Widening {
  double shared;
  double independent;
};

/// Within a generation: H100's fit with H200's datasheet reads 4.6 to 6.8 % off against 4.8 to 6.0 % with its own
/// (docs/models/gemm.md); boards with other power limits move more. Across generations: fits of A100 read 33 % (decode)
/// and 10 % off on H100, fits of roofline type (published tables); the wider is taken.
Widening widening(Fit fit) {
  switch (fit) {
    case Fit::own:
      return {0, 1};
    case Fit::generation:
      return {0.08, 1.1};
    case Fit::borrowed:
      return {0.25, 1.5};
  }
  return {0.25, 1.5};
}

/// The generation whose kernels a GPU without a calibration of its own generation runs most alike.
Generation forebear(Generation generation) {
  switch (generation) {
    case Generation::ada:
      return Generation::ampere;
    case Generation::blackwell:
      return Generation::hopper;
    case Generation::cdna3:
      return Generation::cdna2;
    default:
      return generation;
  }
}

std::string line_of_text(const JsonObject& object, std::string_view key) {
  std::string text = object.string(key);
  if (text.empty() || text.find_first_of("\n\r\t") != std::string::npos) object.fail(key, "expected one line of text");
  return text;
}

template <class Group>
Group read_group(const JsonObject& file, std::string_view key, std::map<std::string, std::string>& sources) {
  const JsonObject object = file.object(key);
  Group group;
  std::apply(
      [&](const auto&... field) {
        object.refuse_unknown({"source", field.name...});
        const auto read = [&](const auto& one) {
          const double value = object.number(one.name);
          if (value < one.low || value > one.high)
            object.fail(one.name, fmt::format("expected {:g} to {:g}", one.low, one.high));
          group.*one.member = value;
        };
        (read(field), ...);
      },
      Group::fields());
  sources[std::string(key)] = line_of_text(object, "source");
  return group;
}

void read_residuals(const JsonObject& file, Calibration& calibration) {
  const JsonObject group = file.object("residuals");
  calibration.sources["residuals"] = line_of_text(group, "source");
  for (const auto& [name, residual] : file.raw("residuals").items())
    if (name != "source") calibration.residuals[name] = residual_from_json(group, name);
}

/// "alignment": {"source": "...", "2": {"1": 0.13, "2": 0.35}}: bytes of an element, elements, efficiency.
void read_alignment(const JsonObject& file, Calibration& calibration) {
  const JsonObject sizes = file.object("alignment");
  calibration.sources["alignment"] = line_of_text(sizes, "source");
  for (const auto& [bytes, classes] : file.raw("alignment").items()) {
    if (bytes == "source") continue;
    const JsonObject object = sizes.object(bytes);
    for (const auto& [elements, efficiency] : classes.items()) {
      const double value = object.number(elements);
      if (!(value > 0 && value <= 1)) object.fail(elements, "expected a share, above 0 and at most 1");
      calibration.alignment[whole_number("bytes of an element", bytes)][whole_number("elements", elements)] = value;
    }
  }
}

/// How unlike two GPUs are that run the same kernels: by the factors between their throughputs and bandwidths.
double distance(const Gpu& a, const Gpu& b) {
  return std::abs(std::log(reference_flops(a) / reference_flops(b))) + std::abs(std::log(a.bandwidth / b.bandwidth));
}

Calibration read(const EmbeddedFile& file) {
  return calibration_from_json(file.text, fmt::format("data/calibration/{}.json", file.name));
}

void widen(LogErrors& errors, const Widening& by) {
  for (auto& [name, error] : errors) error = {std::hypot(error.shared, by.shared), error.independent * by.independent};
}

/// What was learned of kernel choices holds within a generation (H100's residual takes H200's error from 5.4 to 3.9 %,
/// docs/models/residual.md), and nowhere else; so do watts.
void lend(Calibration& calibration) {
  if (calibration.fit != Fit::own) calibration.chain.reset();
  if (calibration.fit == Fit::borrowed) {
    calibration.residuals.clear();
    calibration.power.reset();
  }
  const Widening by = widening(calibration.fit);
  widen(calibration.errors, by);
  for (auto& [name, residual] : calibration.residuals) widen(residual.errors, by);
}

/// The nearest calibration among those of `generation`; null when there is none.
const EmbeddedFile* nearest_of(const Gpu& gpu, Generation generation) {
  const EmbeddedFile* best = nullptr;
  double least = std::numeric_limits<double>::infinity();
  for (const EmbeddedFile& file : embedded_calibration()) {
    const Gpu fitted = load_gpu(std::string(file.name));
    if (fitted.generation != generation) continue;
    const double far = distance(gpu, fitted);
    if (best == nullptr || far < least) {
      best = &file;
      least = far;
    }
  }
  return best;
}

}  // namespace

Calibration calibration_from_json(std::string_view text, const std::string& source) {
  const nlohmann::json document = parse_json(text, source);
  const JsonObject file(document, source);
  file.refuse_unknown({"name", "gemm", "misaligned_gemm", "alignment", "attention", "decode", "pointwise", "collective",
                       "chain", "power", "errors", "fit", "residuals"});

  Calibration calibration;
  calibration.name = line_of_text(file, "name");
  calibration.gemm = read_group<GemmCoefficients>(file, "gemm", calibration.sources);
  calibration.misaligned_gemm = read_group<GemmCoefficients>(file, "misaligned_gemm", calibration.sources);
  calibration.attention = read_group<AttentionCoefficients>(file, "attention", calibration.sources);
  calibration.decode = read_group<DecodeCoefficients>(file, "decode", calibration.sources);
  calibration.pointwise = read_group<PointwiseCoefficients>(file, "pointwise", calibration.sources);
  calibration.collective = read_group<CollectiveCoefficients>(file, "collective", calibration.sources);
  if (file.has("alignment")) read_alignment(file, calibration);
  if (file.has("chain")) calibration.chain = read_group<ChainCoefficients>(file, "chain", calibration.sources);
  if (file.has("power")) calibration.power = read_group<PowerCoefficients>(file, "power", calibration.sources);
  const JsonObject errors = file.object("errors");
  calibration.errors = log_errors_from_json(errors, Classes::all);
  calibration.sources["errors"] = line_of_text(errors, "source");
  if (file.has("residuals")) read_residuals(file, calibration);
  return calibration;
}

Calibration calibration_for(const Gpu& gpu) {
  for (const EmbeddedFile& file : embedded_calibration())
    if (file.name == gpu.name) return read(file);

  const EmbeddedFile* file = nearest_of(gpu, gpu.generation);
  if (file == nullptr) file = nearest_of(gpu, forebear(gpu.generation));
  if (file == nullptr)
    throw Error(fmt::format("GPU '{}': no calibration of generation {} or of its forebears is shipped; use a GPU of {}",
                            gpu.name, name(gpu.generation), "volta, ampere, ada, hopper, blackwell, cdna2 or cdna3"));
  return lent(read(*file), gpu);
}

Calibration lent(Calibration calibration, const Gpu& gpu) {
  if (calibration.name == gpu.name) return calibration;
  const std::vector<std::string> known = gpu_names();
  const bool is_known = std::find(known.begin(), known.end(), calibration.name) != known.end();
  const bool alike = is_known && load_gpu(calibration.name).generation == gpu.generation;
  calibration.fit = alike ? Fit::generation : Fit::borrowed;
  lend(calibration);
  return calibration;
}

LogError error_of(const Calibration& calibration, std::string_view error_class) {
  const auto found = calibration.errors.find(std::string(error_class));
  if (found != calibration.errors.end()) return found->second;
  LogError widest;
  for (const auto& [name, error] : calibration.errors)
    widest = {std::max(widest.shared, error.shared), std::max(widest.independent, error.independent)};
  return widest;
}

double reference_flops(const Gpu& gpu) {
  for (const shape::Dtype dtype : {shape::Dtype::fp16, shape::Dtype::bf16})
    if (const auto found = gpu.tensor_flops.find(dtype); found != gpu.tensor_flops.end()) return found->second;
  return gpu.vector_flops;
}

std::vector<std::string> calibration_names() {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_calibration()) names.emplace_back(file.name);
  return names;
}

std::string_view name(Fit fit) {
  switch (fit) {
    case Fit::own:
      return "own";
    case Fit::generation:
      return "generation";
    case Fit::borrowed:
      return "borrowed";
  }
  return "?";
}

}  // namespace gemmetry::gpu
