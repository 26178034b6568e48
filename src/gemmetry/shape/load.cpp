#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::shape {
namespace {

namespace fs = std::filesystem;

/// What a model read from a file is called unless the file says it: the file, or its folder if all files are called so.
std::string name_from(const fs::path& path) {
  const std::string stem = path.stem().string();
  const std::string folder = fs::absolute(path).parent_path().filename().string();
  return stem == "config" && !folder.empty() ? folder : stem;
}

[[noreturn]] void refuse(const std::string& name_or_path) {
  const std::vector<std::string> names = preset_names();
  throw Error(fmt::format("'{}' is neither a built-in model nor a file or folder{}{}", name_or_path.substr(0, 200),
                          did_you_mean(name_or_path, names),
                          nearest(name_or_path, names).empty()
                              ? "; `gemmetry models` lists the models, a path names a config.json, "
                                "a folder with one, or a YAML file"
                              : ""));
}

Model read_file(const fs::path& path, const ModelEdit& edit) {
  const std::string source = path.string();
  const std::string text = read_text_file(source);
  const std::string ending = path.extension().string();
  if (ending == ".yml" || ending == ".yaml") return model_from_neox_yaml(text, source, edit);
  return edited(model_from_hf_config(text, source), edit);
}

}  // namespace

Model load_model(const std::string& name_or_path, const ModelEdit& edit) {
  const std::vector<std::string> names = preset_names();
  if (std::find(names.begin(), names.end(), name_or_path) != names.end()) return edited(preset(name_or_path), edit);

  std::error_code failure;
  fs::path path(name_or_path);
  if (name_or_path.empty() || !fs::exists(path, failure)) {
    if (failure && failure != std::errc::no_such_file_or_directory && failure != std::errc::not_a_directory)
      throw Error(fmt::format("{}: cannot be read: {}", name_or_path.substr(0, 200), failure.message()));
    refuse(name_or_path);
  }
  if (fs::is_directory(path, failure)) {
    if (!fs::exists(path / "config.json", failure))
      throw Error(fmt::format("{}: the folder has no config.json; name the file to read", name_or_path));
    path /= "config.json";
  }
  Model model = read_file(path, edit);
  if (model.name == model.family) model.name = name_from(path);
  return model;
}

}  // namespace gemmetry::shape
