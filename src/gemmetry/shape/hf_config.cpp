#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/shape/hf_constants.h"
#include "gemmetry/shape/hf_families.h"
#include "gemmetry/shape/hf_reader.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::shape {
namespace {

using nlohmann::json;

struct Family {
  std::string_view model_type;
  Model (*read)(const JsonObject& config);
};

constexpr std::array families{
    Family{"bert", hf::read_bert},
    Family{"bloom", hf::read_bloom},
    Family{"cohere", hf::read_cohere},
    Family{"cohere2", hf::read_cohere2},
    Family{"deepseek_v2", hf::read_deepseek_v2},
    Family{"deepseek_v3", hf::read_deepseek_v3},
    Family{"falcon", hf::read_falcon},
    Family{"gemma", hf::read_gemma},
    Family{"gemma2", hf::read_gemma2},
    Family{"gemma3_text", hf::read_gemma3_text},
    Family{"glm", hf::read_glm},
    Family{"glm4", hf::read_glm4},
    Family{"gpt2", hf::read_gpt2},
    Family{"gpt_neo", hf::read_gpt_neo},
    Family{"gpt_neox", hf::read_gpt_neox},
    Family{"gpt_oss", hf::read_gpt_oss},
    Family{"gptj", hf::read_gptj},
    Family{"granite", hf::read_granite},
    Family{"llama", hf::read_llama},
    Family{"ministral", hf::read_ministral},
    Family{"ministral3", hf::read_ministral3},
    Family{"mistral", hf::read_mistral},
    Family{"mixtral", hf::read_mixtral},
    Family{"mpt", hf::read_mpt},
    Family{"olmo", hf::read_olmo},
    Family{"olmo2", hf::read_olmo2},
    Family{"olmo3", hf::read_olmo3},
    Family{"opt", hf::read_opt},
    Family{"phi", hf::read_phi},
    Family{"phi3", hf::read_phi3},
    Family{"qwen2", hf::read_qwen2},
    Family{"qwen3", hf::read_qwen3},
    Family{"qwen3_moe", hf::read_qwen3_moe},
    Family{"roberta", hf::read_roberta},
    Family{"seed_oss", hf::read_seed_oss},
    Family{"smollm3", hf::read_smollm3},
    Family{"stablelm", hf::read_stablelm},
    Family{"starcoder2", hf::read_starcoder2},
    Family{"xlm-roberta", hf::read_roberta},
};

const Family* find_family(std::string_view model_type) {
  const auto named = [model_type](const Family& family) { return family.model_type == model_type; };
  const auto found = std::find_if(families.begin(), families.end(), named);
  return found == families.end() ? nullptr : &*found;
}

/// The family whose name is nearest, or else the one that the name starts like (qwen2_5_vl: qwen2); empty if none is
/// near.
std::string nearest_family(std::string_view model_type) {
  const std::vector<std::string> names = supported_families();
  if (std::string found = nearest(model_type, names); !found.empty()) return found;
  std::string best;
  std::size_t longest = 3;  // shorter beginnings are chance
  for (const std::string& family : names) {
    const auto shared = std::mismatch(family.begin(), family.end(), model_type.begin(), model_type.end()).first;
    const auto length = static_cast<std::size_t>(shared - family.begin());
    if (length > longest) {
      longest = length;
      best = family;
    }
  }
  return best;
}

[[noreturn]] void refuse_family(const JsonObject& config, const std::string& model_type) {
  const std::string near = nearest_family(model_type);
  config.fail(
      "model_type",
      fmt::format("unknown family{}; if the structure is the same, set model_type to one of {}; or leave the file and "
                  "state the shape with --hidden, --layers, --heads and --vocab",
                  near.empty() ? "" : ", the nearest is '" + near + "'", fmt::join(supported_families(), ", ")));
}

/// The config of the language model: the document itself, or its text_config in a multimodal wrapper.
struct TextConfig {
  json value;
  std::string path;
};

TextConfig text_config(const JsonObject& document, const json& value) {
  const bool known = document.has("model_type") && find_family(document.string("model_type")) != nullptr;
  if (known || !document.has("text_config")) return {value, ""};
  TextConfig text{document.raw("text_config"), "text_config"};
  if (text.value.is_object() && !text.value.contains("tie_word_embeddings") && document.has("tie_word_embeddings"))
    text.value["tie_word_embeddings"] = document.boolean("tie_word_embeddings");
  return text;
}

/// What would change the model in ways that no family's reader knows.
void refuse_foreign(const JsonObject& config) {
  for (const std::string_view key : {"is_encoder_decoder", "add_cross_attention"})
    if (config.boolean_or(key, false))
      config.fail(key, "encoder-decoder models are not supported; only one stack of layers is");
  if (config.has("per_layer_config") && !config.raw("per_layer_config").empty())
    config.fail("per_layer_config",
                "layers of different sizes are not supported; remove it to take the sizes of the config");
}

}  // namespace

Model model_from_hf_config(std::string_view text, const std::string& source) {
  const json value = parse_json(text, source);
  const TextConfig text_part = text_config(JsonObject(value, source), value);
  const JsonObject config(text_part.value, source, text_part.path);
  if (!config.has("model_type"))
    config.fail("model_type",
                fmt::format("it names the family; set it to one of {}", fmt::join(supported_families(), ", ")));
  const std::string model_type = config.string("model_type");
  const Family* family = find_family(model_type);
  if (family == nullptr) refuse_family(config, model_type);
  refuse_foreign(config);

  Model model = family->read(config);
  model.constants = hf::read_constants(model, config);
  if (config.has("layer_types")) hf::require_length(model, config, "layer_types");
  try {
    validate(model);
  } catch (const Error& problem) {
    throw Error(fmt::format("{}: {}", source, problem.what()));
  }
  return model;
}

std::vector<std::string> supported_families() {
  std::vector<std::string> names;
  names.reserve(families.size());
  for (const Family& family : families) names.emplace_back(family.model_type);
  return names;
}

}  // namespace gemmetry::shape
