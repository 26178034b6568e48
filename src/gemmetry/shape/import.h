#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/shape/model.h"

namespace gemmetry::shape {

/// Reads the text of a Hugging Face config.json. Sizes must be there; other keys take their family's default, as
/// transformers 5 has it. Configs with a `text_config` (multimodal wrappers of a supported family) use that.
/// `source` is what messages call the text. Throws Error naming source, key, value and fix.
Model model_from_hf_config(std::string_view text, const std::string& source);

/// Reads the text of a GPT-NeoX or Megatron YAML: keys with dashes or underscores, GPT-NeoX or Megatron argument names.
/// Throws Error naming source, key, value and fix.
Model model_from_neox_yaml(std::string_view text, const std::string& source);

/// The built-in model of that name (`gpt3-2.7b`). Throws Error with the nearest name otherwise.
Model preset(std::string_view name);

/// Names of the built-in models in the order of the catalogue.
std::vector<std::string> preset_names();

/// A preset's name, or the path of a config.json (or a folder that has one) or of a YAML file.
/// Throws Error when it is neither, naming the nearest preset.
Model load_model(const std::string& name_or_path);

/// `model_type` values that model_from_hf_config reads.
std::vector<std::string> supported_families();

}  // namespace gemmetry::shape
