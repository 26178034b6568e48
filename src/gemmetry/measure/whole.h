#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::measure {

/// What is executed as a whole.
enum class WholeKind {
  layer,      ///< one layer of the model's first kind, without embedding and head
  attention,  ///< the attention part of one layer
  model,      ///< tokens to logits
  answer,     ///< a prompt, and the tokens that it is answered with one by one
};

/// A model, or a part of it, that is executed in one piece.
struct Whole {
  WholeKind kind = WholeKind::model;
  shape::Model model;
  shape::Workload workload;              ///< of an answer: prefill, its sequence being the prompt
  std::int64_t new_tokens = 0;           ///< of an answer: for each sequence
  std::optional<shape::Model> baseline;  ///< a model that is executed in turns with it, to tell how much slower it is
};

/// Tokens that it works on: of an answer those that it has.
std::int64_t tokens(const Whole& whole);

/// Every size of the model that decides what the whole takes, in one line: "h=2560 L=32 v=50257 a=32 d=80 ff=10240 gelu
/// ...". What is usual is left out, as are layers and vocabulary of what is one layer.
std::string model_text(WholeKind kind, const shape::Model& model);

/// Likewise of the workload: "forward b=4 s=2048 bf16 unfused".
std::string workload_text(const Whole& whole);

std::string_view name(WholeKind kind);
/// Error naming the choices.
WholeKind whole_kind_from_name(std::string_view word);

}  // namespace gemmetry::measure
