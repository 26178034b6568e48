#include "gemmetry/advise/parameter_table.h"

#include <algorithm>

#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {

ParameterTable::ParameterTable(const shape::Model& from, const Choices& choices)
    : scratch_(from), from_(from), choices_(choices) {
  if (choices.layers.empty() || choices.attention.empty() || choices.ffn.empty()) return;
  const auto set = [&](std::size_t attention, std::size_t ffn, std::int64_t vocab) {
    apply(choices.sizes(from.layers, choices.attention[attention], choices.ffn[ffn], vocab), from, scratch_);
  };
  const std::int64_t first_vocab = choices.vocab.front();
  set(0, 0, first_vocab);
  std::int64_t in_layers = 0;
  for (const auto& [kind, count] : shape::layer_groups(scratch_)) {
    OfKind of{kind, {}, {}};
    for (std::size_t i = 0; i < choices.attention.size(); ++i) {
      set(i, 0, first_vocab);
      of.attention.push_back(shape::layer_parameters(scratch_, kind));
    }
    for (std::size_t j = 0; j < choices.ffn.size(); ++j) {
      set(0, j, first_vocab);
      of.ffn.push_back(shape::layer_parameters(scratch_, kind) - of.attention.front());
    }
    in_layers += of.attention.front() * count;
    kinds_.push_back(std::move(of));
  }
  for (const std::int64_t vocab : choices.vocab) {
    set(0, 0, vocab);
    ends_.push_back(shape::count_parameters(scratch_).total - in_layers);
  }
}

void ParameterTable::set_layers(std::int64_t layers) {
  attention_.assign(choices_.attention.size(), 0);
  ffn_.assign(choices_.ffn.size(), 0);
  apply(choices_.sizes(layers, choices_.attention.front(), choices_.ffn.front(), choices_.vocab.front()), from_,
        scratch_);
  for (const auto& [kind, count] : shape::layer_groups(scratch_)) {
    const auto of = std::ranges::find(kinds_, kind, &OfKind::kind);
    for (std::size_t i = 0; i < attention_.size(); ++i) attention_[i] += count * of->attention[i];
    for (std::size_t j = 0; j < ffn_.size(); ++j) ffn_[j] += count * of->ffn[j];
  }
}

std::pair<std::size_t, std::size_t> ParameterTable::ffn_range(std::size_t attention, std::size_t vocab,
                                                              std::int64_t low, std::int64_t high) const {
  const std::int64_t others = ends_[vocab] + attention_[attention];
  const auto first = std::ranges::lower_bound(ffn_, low - others);
  const auto last = std::ranges::upper_bound(first, ffn_.end(), high - others);
  return {static_cast<std::size_t>(first - ffn_.begin()), static_cast<std::size_t>(last - ffn_.begin())};
}

}  // namespace gemmetry::advise
