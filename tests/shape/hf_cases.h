#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "gemmetry/base/json.h"

namespace gemmetry::test {

/// Configs with what Hugging Face transformers makes of them: tests/data/hf_cases.json, see tools/record_hf_cases.py.
inline const nlohmann::json& hf_cases() {
  static const std::string path = GEMMETRY_TEST_DATA "/hf_cases.json";
  static const nlohmann::json cases = parse_json(read_text_file(path), path);
  return cases;
}

/// The config cut to so many layers, as the recorder cuts it.
inline nlohmann::json with_layers(nlohmann::json config, std::int64_t layers) {
  for (const char* key : {"num_hidden_layers", "n_layer", "n_layers", "num_layers"})
    if (config.contains(key)) config[key] = layers;
  nlohmann::json flat = nlohmann::json::array();
  for (const auto& group : config.value("attention_types", nlohmann::json::array()))
    for (int i = 0; i < group[1].get<int>(); ++i)
      for (const auto& type : group[0]) flat.push_back(type);
  if (!flat.empty()) {
    flat.get_ref<nlohmann::json::array_t&>().resize(static_cast<std::size_t>(layers));
    config["attention_types"] = {{flat, 1}};
  }
  for (const char* key : {"layer_types", "attention_layers", "no_rope_layers"})
    if (config.contains(key) && config[key].is_array())
      config[key].get_ref<nlohmann::json::array_t&>().resize(static_cast<std::size_t>(layers));
  return config;
}

}  // namespace gemmetry::test
