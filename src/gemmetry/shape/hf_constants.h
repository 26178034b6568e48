#pragma once

#include "gemmetry/base/json.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::shape::hf {

/// What a config says of a model's values, with the family's defaults (those of transformers 5.17). `model` is what the
/// family's reader made of the config.
Constants read_constants(const Model& model, const JsonObject& config);

}  // namespace gemmetry::shape::hf
