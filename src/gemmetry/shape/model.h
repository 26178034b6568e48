#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gemmetry::shape {

/// The function between the two halves of the FFN. With a gated FFN: silu is SwiGLU, gelu is GeGLU, relu is ReGLU.
enum class Activation { gelu, relu, silu };

enum class NormKind { layer_norm, rms_norm };

/// Where a layer's norms stand.
enum class NormPlacement {
  pre,       ///< on the input of each branch, and once after the last layer (GPT-2, Llama)
  post,      ///< after each residual addition, none after the last layer (BERT, OPT-350M)
  branch,    ///< on the output of each branch before it is added, and after the last layer (OLMo 2)
  sandwich,  ///< on input and output of each branch, and after the last layer (Gemma 2, GLM-4)
};

/// How a token knows its place.
enum class Positions { none, learned, rotary, alibi };

/// A norm on queries and keys before the score product.
enum class QkNorm {
  none,
  head,   ///< over each head's dimension, weights shared by the heads (Qwen 3, Gemma 3)
  width,  ///< over the whole projection (OLMo 2)
};

/// Latent (low-rank) attention, DeepSeek's MLA: keys and values are expanded from one vector of `kv_rank` per token.
struct LatentAttention {
  std::int64_t q_rank = 0;  ///< rank of the query projection; 0: queries come straight from the hidden state
  std::int64_t kv_rank = 0;
  std::int64_t nope_dim = 0;  ///< part of a head that is not rotated
  std::int64_t rope_dim = 0;  ///< part of a head that is rotated; the key's is shared by all heads
  bool operator==(const LatentAttention&) const = default;
};

struct AttentionShape {
  std::int64_t heads = 0;       ///< a
  std::int64_t kv_heads = 0;    ///< heads, fewer with grouped or multi-query attention
  std::int64_t head_dim = 0;    ///< dimension of a query or key head; h/a unless a config says otherwise
  std::int64_t value_dim = 0;   ///< dimension of a value head; head_dim but for latent attention
  std::int64_t rotary_dim = 0;  ///< rotated part of a head; 0 without rotary positions
  std::int64_t window = 0;      ///< sliding window in tokens of the windowed layers; 0: none
  bool causal = true;
  bool qkv_bias = false;
  bool output_bias = false;
  bool sinks = false;      ///< a learned logit per head (gpt-oss)
  bool qkv_fused = false;  ///< Hugging Face runs query, key and value as one product
  QkNorm qk_norm = QkNorm::none;
  NormKind qk_norm_kind = NormKind::rms_norm;
  bool qk_norm_bias = false;
  bool qk_norm_own_weights = false;  ///< with QkNorm::head: each head has weights of its own (StableLM 2, Command R+)
  std::optional<LatentAttention> latent = std::nullopt;
  bool operator==(const AttentionShape&) const = default;
};

struct Ffn {
  std::int64_t width = 0;  ///< d_ff: 4h in the paper's model, near 8h/3 when gated
  bool gated = false;      ///< three matrices (SwiGLU) instead of two
  Activation activation = Activation::gelu;
  bool bias = false;
  bool gate_up_fused = false;  ///< Hugging Face runs gate and up as one product
  bool operator==(const Ffn&) const = default;
};

/// A mixture of experts in place of the FFN of the sparse layers.
struct Experts {
  std::int64_t count = 0;         ///< routed experts
  std::int64_t active = 0;        ///< routed experts a token visits
  std::int64_t width = 0;         ///< FFN width of one expert
  std::int64_t shared_width = 0;  ///< FFN width of all shared experts together; 0: none
  bool router_bias = false;
  bool bias = false;  ///< biases on the experts' projections (gpt-oss)
  bool operator==(const Experts&) const = default;
};

/// What can differ from layer to layer.
struct LayerKind {
  bool windowed = false;  ///< attends within `AttentionShape::window` only
  bool sparse = false;    ///< mixture of experts instead of the dense FFN
  bool rotary = true;     ///< rotates queries and keys, in a model with rotary positions
  auto operator<=>(const LayerKind&) const = default;
};

/// How many layers of one kind a model has.
struct LayerGroup {
  LayerKind kind;
  std::int64_t count = 0;
};

struct OutputHead {
  bool present = true;     ///< false: an encoder without a language-model head
  bool tied = true;        ///< shares its matrix with the token embedding
  bool bias = false;       ///< a bias per vocabulary entry
  bool transform = false;  ///< a dense h to h layer with activation and norm first (BERT's and RoBERTa's MLM head)
  bool operator==(const OutputHead&) const = default;
};

/// How rotary frequencies are stretched for contexts longer than those trained on.
struct RotaryScaling {
  enum class Kind {
    linear,
    llama3,
    other,  ///< of a kind that is not read (YaRN, dynamic, by kind of layer): such a model is priced, but not run
  };
  Kind kind = Kind::linear;
  double factor = 1;
  double low_frequency_factor = 1;   ///< llama3
  double high_frequency_factor = 4;  ///< llama3
  double original_positions = 8192;  ///< llama3
  bool operator==(const RotaryScaling&) const = default;
};

/// What a config says of a model's values: it changes its results, not its cost.
struct Constants {
  double norm_epsilon = 1e-5;
  double rotary_base = 10000;
  std::optional<RotaryScaling> rotary_scaling = std::nullopt;
  bool gelu_tanh = false;            ///< GELU in its tanh form
  std::int64_t position_offset = 0;  ///< first row of the learned position table that is used (OPT: 2)
  bool operator==(const Constants&) const = default;
};

/// What is added to a trained model to adapt it, its own weights frozen.
enum class AdapterKind {
  houlsby,      ///< Adapter^H: two bottlenecks a layer, after attention and after the FFN, each before it is added
  lin,          ///< Adapter^L: one a layer, after the FFN, with a norm of its own
  lora,         ///< LoRA beside the query and value projections, not merged: two thin products each
  lora_merged,  ///< LoRA added into the weights: the model's own operators
};

struct Adapter {
  AdapterKind kind = AdapterKind::lora;
  std::int64_t rank = 0;  ///< r: width of the bottleneck
  bool operator==(const Adapter&) const = default;
};

/// The shape of a transformer: all that decides its operators and its parameter count. Letters are the paper's (Table
/// I).
struct Model {
  std::string name;
  std::string family;  ///< Hugging Face `model_type`, "neox" or "flags"

  std::int64_t hidden = 0;  ///< h
  std::int64_t layers = 0;  ///< L
  std::int64_t vocab = 0;   ///< v
  AttentionShape attention;
  Ffn ffn;                         ///< of the dense layers
  std::optional<Experts> experts;  ///< of the sparse layers

  Positions positions = Positions::learned;
  std::int64_t max_positions = 0;    ///< longest sequence the config states; 0: not stated
  std::int64_t position_rows = 0;    ///< rows of the learned position table, offset included (OPT has two more)
  std::int64_t token_types = 0;      ///< rows of the segment table (BERT)
  std::int64_t embedding_width = 0;  ///< width of the token embedding; other than h with projections (OPT-350M)
  bool embedding_norm = false;       ///< a norm right after the embedding (BLOOM, BERT)

  NormKind norm = NormKind::layer_norm;
  bool norm_weight = true;  ///< false: a norm without parameters (OLMo)
  bool norm_bias = true;    ///< always false for rms_norm
  NormPlacement norm_placement = NormPlacement::pre;
  bool final_norm = true;
  bool parallel_residual = false;  ///< attention and FFN both start from the layer's input
  bool shared_norm = false;        ///< with parallel_residual: one norm serves both branches

  OutputHead head;
  bool pooler = false;  ///< a dense h to h layer on the first token (BERT without head)
  Constants constants;
  std::optional<Adapter> adapter;

  /// One entry a layer where layers differ; empty: all alike (windowed if there is a window, sparse if there are
  /// experts).
  std::vector<LayerKind> layer_kinds;

  bool operator==(const Model&) const = default;
};

/// Kind of layer `index` (from 0).
LayerKind layer_kind(const Model& model, std::int64_t index);

/// The distinct kinds of the model's layers and how many there are of each, in order of first appearance.
std::vector<LayerGroup> layer_groups(const Model& model);

/// Sets the number of layers; where layers differ, the pattern goes on with its smallest period or is cut.
void set_layers(Model& model, std::int64_t layers);

/// Throws Error naming the first size that is missing, not positive, over 2^40, or inconsistent with another (heads
/// that do not divide into KV heads, a head dimension that is not given and does not divide, a pattern of the wrong
/// length).
void validate(const Model& model);

/// Whether the paper's formulas describe the model: 4h plain FFN, as many KV heads as heads, head dimension h/a.
bool is_paper_model(const Model& model);

std::string_view name(Activation activation);
std::string_view name(Positions positions);

}  // namespace gemmetry::shape
