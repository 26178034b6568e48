#include "gemmetry/shape/hf_constants.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace gemmetry::shape::hf {
namespace {

/// Where a family's default is another than most families'.
struct Default {
  std::string_view family;
  double value;
};

constexpr std::array epsilons{Default{"bert", 1e-12},    Default{"roberta", 1e-12},  Default{"xlm-roberta", 1e-12},
                              Default{"glm", 1.5625e-7}, Default{"glm4", 1.5625e-7}, Default{"olmo2", 1e-5},
                              Default{"olmo3", 1e-5},    Default{"gpt_oss", 1e-5},   Default{"phi3", 1e-5},
                              Default{"mixtral", 1e-5},  Default{"ministral3", 1e-5}};
constexpr std::array bases{Default{"cohere", 500000}, Default{"olmo3", 500000}, Default{"smollm3", 2e6},
                           Default{"gpt_oss", 150000}, Default{"mixtral", 1e6}};

template <std::size_t size>
double default_of(const std::array<Default, size>& defaults, std::string_view family, double usual) {
  const auto found =
      std::find_if(defaults.begin(), defaults.end(), [=](const Default& d) { return d.family == family; });
  return found == defaults.end() ? usual : found->value;
}

double norm_epsilon(const Model& model, const JsonObject& config) {
  const double usual = model.norm == NormKind::rms_norm ? 1e-6 : 1e-5;
  const double fallback = default_of(epsilons, model.family, usual);
  for (const std::string_view key :
       {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "layernorm_epsilon", "norm_epsilon", "norm_eps"}) {
    if (!config.has(key)) continue;
    const double epsilon = config.number(key);
    if (!(epsilon >= 0 && epsilon < 1)) config.fail(key, "expected a number from 0, under 1, such as 1e-5");
    return epsilon;
  }
  return fallback;
}

double positive(const JsonObject& config, std::string_view key, double fallback) {
  const double value = config.number_or(key, fallback);
  if (!(value > 0)) config.fail(key, "expected a number above 0");
  return value;
}

std::optional<RotaryScaling> rotary_scaling(const JsonObject& rope, const Model& model) {
  const std::string kind = rope.string_or("rope_type", rope.string_or("type", "default"));
  if (kind == "default") return std::nullopt;
  RotaryScaling scaling;
  scaling.factor = positive(rope, "factor", 1);
  if (kind == "linear") return scaling;
  scaling.kind = kind == "llama3" ? RotaryScaling::Kind::llama3 : RotaryScaling::Kind::other;
  scaling.low_frequency_factor = positive(rope, "low_freq_factor", 1);
  scaling.high_frequency_factor = positive(rope, "high_freq_factor", 4);
  scaling.original_positions =
      positive(rope, "original_max_position_embeddings",
               model.max_positions > 0 ? static_cast<double>(model.max_positions) : scaling.original_positions);
  return scaling;
}

/// Old configs state the base beside the scaling, new ones state both in one place.
void read_rotary(Constants& constants, const Model& model, const JsonObject& config) {
  constants.rotary_base = positive(config, config.has("rotary_emb_base") ? "rotary_emb_base" : "rope_theta",
                                   default_of(bases, model.family, 10000));
  for (const std::string_view key : {"rope_scaling", "rope_parameters"}) {
    if (!config.has(key) || config.raw(key).empty()) continue;
    const JsonObject rope = config.object(key);
    // Parameters for each kind of layer (Gemma 3): what they say is no single base.
    if (rope.has("full_attention") || rope.has("sliding_attention")) {
      constants.rotary_scaling = RotaryScaling{.kind = RotaryScaling::Kind::other};
      continue;
    }
    constants.rotary_base = positive(rope, "rope_theta", constants.rotary_base);
    constants.rotary_scaling = rotary_scaling(rope, model);
  }
}

/// The names of GELU's tanh form; every other GELU is taken as the exact one.
bool is_tanh(std::string_view name) {
  constexpr std::array names{"gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool gelu_tanh(const Model& model, const JsonObject& config) {
  for (const std::string_view key : {"hidden_activation", "hidden_act", "activation_function", "activation"})
    if (config.has(key)) return is_tanh(config.string(key));
  constexpr std::array tanh_families{"gpt2",       "gpt_neo", "gptj",   "bloom",      "phi",
                                     "starcoder2", "gemma",   "gemma2", "gemma3_text"};
  return std::find(tanh_families.begin(), tanh_families.end(), model.family) != tanh_families.end();
}

}  // namespace

Constants read_constants(const Model& model, const JsonObject& config) {
  Constants constants;
  constants.norm_epsilon = norm_epsilon(model, config);
  if (model.positions == Positions::rotary) read_rotary(constants, model, config);
  constants.gelu_tanh = model.ffn.activation == Activation::gelu && gelu_tanh(model, config);
  constants.position_offset = model.family == "opt" ? 2 : 0;
  return constants;
}

}  // namespace gemmetry::shape::hf
