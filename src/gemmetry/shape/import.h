#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/shape/edit.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::shape {

/// Reads the text of a Hugging Face config.json. Sizes must be there; other keys take their family's default, as
/// transformers 5 has it. Configs with a `text_config` (multimodal wrappers of a supported family) use that.
/// `source` is what messages call the text. Throws Error naming source, key, value and fix.
Model model_from_hf_config(std::string_view text, const std::string& source);

/// Reads the text of a GPT-NeoX or Megatron YAML: keys with dashes or underscores, GPT-NeoX or Megatron argument names.
/// These files seldom state the vocabulary; what they leave out of the sizes `edit` may state, and it is applied at the
/// end. `vocab_size` is padded as both programs pad it (make-vocab-size-divisible-by times model-parallel-size);
/// `padded_vocab_size` and the edit's are taken as they are. Keys that do not shape the model are ignored.
/// Throws Error naming source, key, value and fix.
Model model_from_neox_yaml(std::string_view text, const std::string& source, const ModelEdit& edit = {});

/// The built-in model of that name (`gpt3-2.7b`). Throws Error with the nearest name otherwise.
Model preset(std::string_view name);

/// Names of the built-in models in the order of the catalogue.
std::vector<std::string> preset_names();

/// Where a built-in model's numbers come from, and what else is worth knowing of it (may be empty).
struct PresetNote {
  std::string source;
  std::string description;
};

/// The note of the built-in model of that name. Throws Error with the nearest name otherwise.
PresetNote preset_note(std::string_view name);

/// A preset's name, or the path of a config.json (or a folder that has one) or of a YAML file (.yml or .yaml), with the
/// edit applied. Throws Error when it is neither, naming the nearest preset.
Model load_model(const std::string& name_or_path, const ModelEdit& edit = {});

/// `model_type` values that model_from_hf_config reads.
std::vector<std::string> supported_families();

}  // namespace gemmetry::shape
