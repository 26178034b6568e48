// Each file of data/models is {"source": ..., "models": {name: config, ...}}; a config is a Hugging Face config.json,
// to which "description" may be added.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/shape/embedded_models.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::shape {
namespace {

struct Preset {
  std::string name;
  std::string config;
  PresetNote note;
};

/// The catalogue, in the order of its files and within a file as written.
std::vector<Preset> read_catalogue() {
  std::vector<Preset> catalogue;
  for (const EmbeddedFile& file : embedded_models()) {
    const auto family = nlohmann::ordered_json::parse(file.text);
    const std::string source = family.at("source");
    for (const auto& [name, config] : family.at("models").items())
      catalogue.push_back({name, config.dump(), PresetNote{source, config.value("description", std::string())}});
  }
  return catalogue;
}

const std::vector<Preset>& catalogue() {
  static const std::vector<Preset> presets = read_catalogue();
  return presets;
}

const Preset& find(std::string_view name) {
  for (const Preset& preset : catalogue())
    if (preset.name == name) return preset;
  throw Error(fmt::format("model '{}' is not built in{}", name.substr(0, 100), did_you_mean(name, preset_names())));
}

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : catalogue()) names.push_back(preset.name);
  return names;
}

Model preset(std::string_view name) {
  const Preset& found = find(name);
  Model model = model_from_hf_config(found.config, "preset " + found.name);
  model.name = found.name;
  return model;
}

PresetNote preset_note(std::string_view name) { return find(name).note; }

}  // namespace gemmetry::shape
