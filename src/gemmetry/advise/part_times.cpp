#include "gemmetry/advise/part_times.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gemmetry::advise {
namespace {

constexpr double not_priced = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void TimeSum::step(const op::Step& step) {
  if (!remember_) {
    time_s_ += costs_.cost(step.op).time_s;
    return;
  }
  const auto [known, is_new] = known_.try_emplace(step.op, 0.0);
  if (is_new) {
    known->second = costs_.cost(step.op).time_s;
    if (std::holds_alternative<op::Gemm>(step.op) || std::holds_alternative<op::GroupedGemm>(step.op))
      products_.push_back(op::hash(step.op));
  }
  time_s_ += known->second;
}

double TimeSum::take() {
  const double sum = time_s_;
  time_s_ = 0;
  return sum;
}

PartTimes::PartTimes(const shape::Model& from, const shape::Workload& workload, const op::CostModel& costs)
    : from_(from), workload_(workload), scratch_(from), sum_(costs) {}

void PartTimes::start(const Choices& choices) {
  choices_ = &choices;
  sum_.clear();
  kinds_.clear();
  for (const auto& [kind, count] : shape::layer_groups(from_))
    kinds_.push_back({.kind = kind,
                      .attention = std::vector<double>(choices.attention.size(), not_priced),
                      .ffn = std::vector<double>(choices.ffn.size(), not_priced)});
  embedding_.assign(choices.vocab.size(), not_priced);
  output_.assign(choices.vocab.size(), not_priced);
}

void PartTimes::set_layers(std::int64_t layers) {
  apply(choices_->sizes(layers, choices_->attention.front(), choices_->ffn.front(), choices_->vocab.front()), from_,
        scratch_);
  embedding_repeats_ = output_repeats_ = update_repeats_ = 0;
  for (OfKind& of : kinds_) of.attention_repeats = of.ffn_repeats = 0;
  for (const op::PartCount& count : op::parts(scratch_, workload_)) {
    const auto repeat = static_cast<double>(count.repeat);
    const auto of = std::ranges::find(kinds_, count.kind, &OfKind::kind);
    switch (count.part) {
      case op::Part::embedding:
        embedding_repeats_ += repeat;
        break;
      case op::Part::attention:
        of->attention_repeats += repeat;
        break;
      case op::Part::ffn:
        of->ffn_repeats += repeat;
        break;
      case op::Part::output:
        output_repeats_ += repeat;
        break;
      case op::Part::update:
        update_repeats_ += repeat;
        break;
    }
  }
}

double PartTimes::part(op::Part part, shape::LayerKind kind, const shape::Model& model) {
  op::lower_part(part, kind, model, workload_, sum_);
  return sum_.take();
}

double PartTimes::attention(std::size_t choice) {
  double seconds = 0;
  for (OfKind& of : kinds_) {
    if (of.attention_repeats == 0) continue;
    double& one = of.attention[choice];
    if (std::isnan(one)) {
      apply(
          choices_->sizes(scratch_.layers, choices_->attention[choice], choices_->ffn.front(), choices_->vocab.front()),
          from_, scratch_);
      one = part(op::Part::attention, of.kind, scratch_);
    }
    seconds += of.attention_repeats * one;
  }
  return seconds;
}

double PartTimes::ffn(std::size_t choice) {
  double seconds = 0;
  for (OfKind& of : kinds_) {
    if (of.ffn_repeats == 0) continue;
    double& one = of.ffn[choice];
    if (std::isnan(one)) {
      apply(
          choices_->sizes(scratch_.layers, choices_->attention.front(), choices_->ffn[choice], choices_->vocab.front()),
          from_, scratch_);
      one = part(op::Part::ffn, of.kind, scratch_);
    }
    seconds += of.ffn_repeats * one;
  }
  return seconds;
}

double PartTimes::ends(std::size_t vocab) {
  if (std::isnan(embedding_[vocab])) {
    apply(choices_->sizes(scratch_.layers, choices_->attention.front(), choices_->ffn.front(), choices_->vocab[vocab]),
          from_, scratch_);
    embedding_[vocab] = part(op::Part::embedding, {}, scratch_);
    output_[vocab] = part(op::Part::output, {}, scratch_);
  }
  return embedding_repeats_ * embedding_[vocab] + output_repeats_ * output_[vocab];
}

double PartTimes::update(const shape::Model& candidate) {
  if (update_repeats_ == 0) return 0;
  sum_.remember(false);
  const double seconds = update_repeats_ * part(op::Part::update, {}, candidate);
  sum_.remember(true);
  return seconds;
}

}  // namespace gemmetry::advise
