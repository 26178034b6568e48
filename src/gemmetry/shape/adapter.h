#pragma once

#include <string>
#include <string_view>

#include "gemmetry/shape/model.h"

namespace gemmetry::shape {

/// "houlsby", "lin", "lora", "lora-merged".
std::string_view name(AdapterKind kind);

/// The kind of that name, or of the letter that LoRA's figures use: "h" is houlsby, "l" is lin. Error naming the
/// choices and the nearest one otherwise.
AdapterKind adapter_kind_from_name(std::string_view name);

/// "houlsby:64": kind and rank; Error naming what is missing or wrong. A rank of 0 is no adapter, for which Model has
/// none.
Adapter adapter_from_text(std::string_view text);

/// As adapter_from_text reads it.
std::string to_text(const Adapter& adapter);

/// Whether the adapter runs operators of its own, which a merged one does not.
bool is_separate(const Model& model);

}  // namespace gemmetry::shape
