#include "gemmetry/measure/whole.h"

#include <fmt/format.h>

#include <array>
#include <type_traits>
#include <utility>

#include "gemmetry/op/names.h"

namespace gemmetry::measure {
namespace {

constexpr std::array<std::pair<WholeKind, std::string_view>, 4> kinds{{{WholeKind::layer, "layer"},
                                                                       {WholeKind::attention, "attention"},
                                                                       {WholeKind::model, "model"},
                                                                       {WholeKind::answer, "answer"}}};

/// Words of a line, of which the usual ones are left out.
class Line {
 public:
  void word(std::string_view word) { text_ += fmt::format("{}{}", text_.empty() ? "" : " ", word); }
  void word_if(bool said, std::string_view text) {
    if (said) word(text);
  }
  template <class Value>
  void size(std::string_view key, Value value) {
    word(fmt::format("{}={}", key, value));
  }
  template <class Value>
  void unusual(std::string_view key, Value value, std::type_identity_t<Value> usual) {
    if (value != usual) size(key, value);
  }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_attention(Line& line, const shape::Model& model) {
  const shape::AttentionShape& a = model.attention;
  line.size("a", a.heads);
  line.unusual("kv", a.kv_heads, a.heads);
  line.size("d", a.head_dim);
  line.unusual("dv", a.value_dim, a.head_dim);
  line.unusual("rotary", a.rotary_dim, 0);
  line.unusual("window", a.window, 0);
  line.word_if(!a.causal, "bidirectional");
  line.word_if(a.qkv_bias, "qkv_bias");
  line.word_if(a.output_bias, "output_bias");
  line.word_if(a.sinks, "sinks");
  line.word_if(a.qkv_fused, "qkv_fused");
  if (a.qk_norm != shape::QkNorm::none) {
    line.word(a.qk_norm == shape::QkNorm::head ? "qk_norm_head" : "qk_norm_width");
    line.word_if(a.qk_norm_kind == shape::NormKind::layer_norm, "qk_layer_norm");
    line.word_if(a.qk_norm_bias, "qk_norm_bias");
    line.word_if(a.qk_norm_own_weights, "qk_norm_own_weights");
  }
  if (a.latent)
    line.size("latent",
              fmt::format("{},{},{},{}", a.latent->q_rank, a.latent->kv_rank, a.latent->nope_dim, a.latent->rope_dim));
}

void add_ffn(Line& line, const shape::Model& model) {
  line.size("ff", model.ffn.width);
  line.word(name(model.ffn.activation));
  line.word_if(model.ffn.gated, "gated");
  line.word_if(model.ffn.bias, "ffn_bias");
  line.word_if(model.ffn.gate_up_fused, "gate_up_fused");
  if (!model.experts) return;
  const shape::Experts& e = *model.experts;
  line.size("experts", fmt::format("{},{},{},{}", e.count, e.active, e.width, e.shared_width));
  line.word_if(e.router_bias, "router_bias");
  line.word_if(e.bias, "expert_bias");
}

void add_norms(Line& line, const shape::Model& model) {
  line.word(name(model.positions));
  line.word(model.norm == shape::NormKind::layer_norm ? "layer_norm" : "rms_norm");
  line.word_if(!model.norm_weight, "norm_without_weight");
  line.word_if(!model.norm_bias, "norm_without_bias");
  if (model.norm_placement != shape::NormPlacement::pre)
    line.size("norms", model.norm_placement == shape::NormPlacement::post     ? "post"
                       : model.norm_placement == shape::NormPlacement::branch ? "branch"
                                                                              : "sandwich");
  line.word_if(model.parallel_residual, "parallel");
  line.word_if(model.shared_norm, "shared_norm");
}

void add_ends(Line& line, const shape::Model& model) {
  line.unusual("embedding", model.embedding_width, model.hidden);
  line.unusual("token_types", model.token_types, 0);
  line.word_if(model.embedding_norm, "embedding_norm");
  line.word_if(!model.final_norm, "no_final_norm");
  line.word_if(!model.head.present, "no_head");
  line.word_if(!model.head.tied, "untied");
  line.word_if(model.head.bias, "head_bias");
  line.word_if(model.head.transform, "head_transform");
  line.word_if(model.pooler, "pooler");
}

std::string adapter_text(const shape::Adapter& adapter) {
  constexpr std::array<std::string_view, 4> words{"houlsby", "lin", "lora", "lora-merged"};
  return fmt::format("{},{}", words.at(static_cast<std::size_t>(adapter.kind)), adapter.rank);
}

/// A letter for each layer: which of the kinds it is, in order of first appearance.
std::string pattern_of(const shape::Model& model) {
  const std::vector<shape::LayerGroup> groups = shape::layer_groups(model);
  std::string pattern;
  for (std::int64_t i = 0; i < model.layers && groups.size() > 1; ++i)
    for (std::size_t kind = 0; kind < groups.size(); ++kind)
      if (groups[kind].kind == shape::layer_kind(model, i)) pattern += static_cast<char>('a' + kind);
  return pattern;
}

std::string kind_text(const shape::LayerKind& kind) {
  return fmt::format("{}{}{}", kind.windowed ? "w" : "", kind.sparse ? "s" : "", kind.rotary ? "r" : "");
}

}  // namespace

std::int64_t tokens(const Whole& whole) {
  if (whole.kind == WholeKind::answer) return whole.workload.batch * whole.new_tokens;
  return shape::tokens(whole.workload);
}

std::string model_text(WholeKind kind, const shape::Model& model) {
  const bool one_layer = kind == WholeKind::layer || kind == WholeKind::attention;
  Line line;
  line.size("h", model.hidden);
  if (!one_layer) {
    line.size("L", model.layers);
    line.size("v", model.vocab);
  }
  add_attention(line, model);
  if (kind != WholeKind::attention) add_ffn(line, model);
  add_norms(line, model);
  if (!one_layer) add_ends(line, model);
  if (model.adapter) line.size("adapter", adapter_text(*model.adapter));
  const std::string pattern = one_layer ? "" : pattern_of(model);
  line.unusual("kind", kind_text(shape::layer_kind(model, 0)),
               model.positions == shape::Positions::rotary ? "r" : kind_text({}));
  line.unusual("pattern", pattern, "");
  return line.take();
}

std::string workload_text(const Whole& whole) {
  const shape::Workload& w = whole.workload;
  const bool answer = whole.kind == WholeKind::answer, decode = w.phase == shape::Phase::decode;
  Line line;
  line.word(answer ? "answer" : name(w.phase));
  line.size("b", w.batch);
  line.size(decode ? "cache" : "s", decode ? w.cache : w.sequence);
  if (answer) line.size("new", whole.new_tokens);
  line.unusual("new", decode ? w.new_tokens : 1, 1);
  line.word(name(w.dtype));
  line.word_if(w.attention != shape::AttentionKind::fused, name(w.attention));
  line.word_if(w.projections != shape::Projections::fused, "hf_projections");
  line.unusual("t", w.tensor_parallel, 1);
  line.unusual("p", w.pipeline_parallel, 1);
  line.unusual("dp", w.data_parallel, 1);
  line.word_if(w.sequence_parallel, "sequence_parallel");
  if (w.sharding != shape::Sharding::none) line.size("sharding", name(w.sharding));
  if (w.recompute != shape::Recompute::none) line.size("recompute", name(w.recompute));
  line.unusual("microbatches", w.microbatches, 1);
  line.word_if(w.dropout, "dropout");
  return line.take();
}

std::string_view name(WholeKind kind) { return op::name_in<WholeKind>(kinds, kind); }
WholeKind whole_kind_from_name(std::string_view word) { return op::value_in<WholeKind>(kinds, "run", word); }

}  // namespace gemmetry::measure
