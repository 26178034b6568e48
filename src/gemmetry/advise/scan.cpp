#include "gemmetry/advise/scan.h"

#include "gemmetry/shape/memory.h"

namespace gemmetry::advise {
namespace {

/// KV bytes per cached token of one sequence on one GPU, at the cache's length.
double kv_bytes_per_token(const shape::Model& model, const shape::Workload& decode) {
  const std::int64_t cached = decode.cache + 1;
  return shape::kv_bytes(model, decode, cached) / static_cast<double>(cached);
}

}  // namespace

Scan::Scan(const ScanPlan& plan, ScanState& state)
    : plan_(plan),
      state_(state),
      scratch_(plan.space.model()),
      times_(plan.space.model(), plan.workload, plan.costs),
      best_(plan.keep),
      best_widths_(plan.keep_widths) {
  if (plan.decode) decode_times_.emplace(plan.space.model(), *plan.decode, plan.costs);
}

void Scan::run(const Choices& choices, std::span<const std::int64_t> layers) {
  if (choices.shapes() == 0) return;
  if (choices_ != &choices) {
    choices_ = &choices;
    parameters_.emplace(plan_.space.model(), choices);
    times_.start(choices);
    if (decode_times_) decode_times_->start(choices);
  }
  for (const std::int64_t depth : layers) {
    parameters_->set_layers(depth);
    times_.set_layers(depth);
    if (decode_times_) decode_times_->set_layers(depth);
    for (std::size_t i = 0; i < choices.attention.size() && !state_.stop.load(std::memory_order_relaxed); ++i)
      scan_heads(depth, i);
  }
}

void Scan::scan_heads(std::int64_t layers, std::size_t attention) {
  const Space& space = plan_.space;
  const std::int64_t low = space.least_parameters(), high = space.most_parameters();
  const std::size_t vocabs = choices_->vocab.size();
  const std::size_t first = parameters_->ffn_range(attention, vocabs - 1, low, high).first;
  const std::size_t last = parameters_->ffn_range(attention, 0, low, high).second;
  if (first >= last) return;

  Sizes sizes = choices_->sizes(layers, choices_->attention[attention], 0, 0);
  const double attention_s = times_.attention(attention);
  std::optional<double> decode_attention_s;
  double kv_bytes = 0;
  if (decode_times_) {
    sizes.ffn = choices_->ffn.front();
    sizes.vocab = choices_->vocab.front();
    apply(sizes, space.model(), scratch_);
    decode_attention_s = decode_times_->attention(attention);
    kv_bytes = kv_bytes_per_token(scratch_, *plan_.decode);
  }
  best_widths_.clear();
  std::int64_t seen = 0;
  for (std::size_t j = first; j < last; ++j) {
    const double layers_s = attention_s + times_.ffn(j);
    sizes.ffn = choices_->ffn[j];
    std::optional<Found> best_vocab;
    for (std::size_t v = 0; v < vocabs; ++v) {
      const std::int64_t parameters = parameters_->total(attention, j, v);
      if (parameters < low || parameters > high) continue;
      ++seen;
      sizes.vocab = choices_->vocab[v];
      if (sizes == space.origin()) continue;
      apply(sizes, space.model(), scratch_);
      const double time_s = layers_s + times_.ends(v) + times_.update(scratch_);
      const bool best = (!best_vocab || time_s <= best_vocab->time_s) && best_widths_.admits(time_s);
      if (!best && !decode_attention_s) continue;
      const Found found{time_s, differences(space.origin(), sizes), parameters, sizes};
      if (best && (!best_vocab || found < *best_vocab)) best_vocab = found;
      if (decode_attention_s)
        front_.offer({found, *decode_attention_s + decode_times_->ffn(j) + decode_times_->ends(v), kv_bytes});
    }
    if (best_vocab) best_widths_.offer(*best_vocab);
  }
  best_.offer(best_widths_);
  state_.seen.fetch_add(seen, std::memory_order_relaxed);
}

std::int64_t count_candidates(const Space& space, const Choices& choices) {
  if (choices.shapes() == 0) return 0;
  ParameterTable parameters(space.model(), choices);
  std::int64_t count = 0;
  for (const std::int64_t layers : choices.layers) {
    parameters.set_layers(layers);
    for (std::size_t i = 0; i < choices.attention.size(); ++i)
      for (std::size_t v = 0; v < choices.vocab.size(); ++v) {
        const auto [first, last] = parameters.ffn_range(i, v, space.least_parameters(), space.most_parameters());
        count += static_cast<std::int64_t>(last - first);
      }
  }
  return count;
}

}  // namespace gemmetry::advise
