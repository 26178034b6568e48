#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "gemmetry/base/json.h"
#include "gemmetry/shape/model.h"

/// What the readers of Hugging Face families share. Defaults are those of transformers 5.17.
namespace gemmetry::shape::hf {

/// A key as the family spells it, and what transformers takes for it too and prefers where both are there.
struct Key {
  std::string_view own;
  std::string_view also = {};
};

/// A size that never defaults; Error naming the key when it is missing.
std::int64_t size(const JsonObject& config, Key key, std::int64_t high = std::int64_t{1} << 40);

/// A size with a family default.
std::int64_t size_or(const JsonObject& config, Key key, std::int64_t fallback, std::int64_t low = 1);

/// a times b; Error naming `key` past 2^40.
std::int64_t product(const JsonObject& config, std::string_view key, std::int64_t a, std::int64_t b);

/// Names of the sizes that never default (the vocabulary is `vocab_size` everywhere).
struct SizeKeys {
  Key hidden = {"hidden_size"};
  Key layers = {"num_hidden_layers"};
  Key heads = {"num_attention_heads"};
};

/// The sizes and what follows from them: as many KV heads as heads, no biases, rotary positions, output head untied
/// unless `tied` or the config says so. `head_dim`: the family's default, 0 for h/a; `stated_head_dim`: whether it
/// reads `head_dim`.
struct Basics {
  SizeKeys keys = {};
  bool tied = false;
  bool stated_head_dim = true;
  std::int64_t head_dim = 0;
};
Model basics(const JsonObject& config, const Basics& family);

/// KV heads from `key`, with the family's default (0: as many as heads; a null key means that too). Error unless they
/// divide the heads.
void set_kv_heads(Model& model, const JsonObject& config, std::int64_t fallback,
                  std::string_view key = "num_key_value_heads");

/// One flag for the biases of the four attention projections.
void set_attention_bias(Model& model, bool bias);

/// Error when hidden size does not divide into heads, for families whose transformers class insists on it.
void require_whole_heads(const Model& model, const JsonObject& config, const SizeKeys& keys = {});

/// LayerNorm with weight and bias.
void set_layer_norm(Model& model);

/// The activation that `key` names, whatever its variant (gelu_new, swish, relu2); Error with the choices otherwise.
Activation activation(const JsonObject& config, std::string_view key, std::string_view fallback);

/// Rotates only part of each head: `partial_rotary_factor` in rope_parameters or rope_scaling, else `key` of the
/// config.
void set_partial_rotary(Model& model, const JsonObject& config, double fallback,
                        std::string_view key = "partial_rotary_factor");

/// `sliding_window`: the family's default when missing (0: none), none when null.
std::int64_t sliding_window(const JsonObject& config, std::int64_t fallback);

/// Which layers slide: what `layer_types` lists, else what the family's rule says of a layer's index.
std::vector<bool> sliding_layers(const Model& model, const JsonObject& config,
                                 const std::function<bool(std::int64_t)>& rule);

/// `values` has one entry a layer (more if `more_is_fine`); Error naming both lengths otherwise.
void require_length(const Model& model, const JsonObject& config, std::string_view key, bool more_is_fine = false);

/// Sets the window and which layers have it.
void set_windows(Model& model, std::int64_t window, const std::vector<bool>& windowed);

/// Takes the kinds of the layers, or none where all are alike; drops a window or experts that no layer has.
void set_layer_kinds(Model& model, std::vector<LayerKind> kinds);

/// Whether `architectures` names a bare ...Model: no language-model head.
bool is_bare(const JsonObject& config);

}  // namespace gemmetry::shape::hf
