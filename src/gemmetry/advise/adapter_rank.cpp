#include "gemmetry/advise/adapter_rank.h"

#include <algorithm>

#include "gemmetry/op/lower.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {

AdapterRanks::AdapterRanks(const shape::Model& model, const shape::Workload& workload, shape::AdapterKind kind,
                           const op::CostModel& costs)
    : model_(model),
      workload_(workload),
      kind_(kind),
      costs_(costs),
      without_(price(model)),
      time_(op::total_time(without_)) {}

op::PricedProgram AdapterRanks::price(const shape::Model& model) {
  op::Program program;
  op::lower(model, workload_, program);
  op::PricedProgram priced;
  priced.reserve(program.steps().size());
  for (std::size_t i = 0; i < program.steps().size(); ++i) {
    const op::Step& step = program.steps()[i];
    const auto [known, is_new] = known_.try_emplace(step.op);
    if (is_new) known->second = costs_.cost(step.op);
    priced.push_back({step, known->second, static_cast<double>(program.count(i))});
  }
  return priced;
}

AdapterCost AdapterRanks::cost(std::int64_t rank) {
  shape::Model adapted = model_;
  adapted.adapter = {kind_, rank};
  shape::validate(workload_, adapted);
  const op::PricedProgram with = price(adapted);
  return {rank, shape::count_parameters(adapted).adapter, op::total_time(with), costs_.compare(without_, with)};
}

std::optional<AdapterCost> AdapterRanks::largest(double limit, bool for_sure) {
  for (std::int64_t rank = model_.hidden; rank > 0; --rank) {
    const AdapterCost tried = cost(rank);
    if ((for_sure ? tried.slowdown.high : tried.slowdown.value) <= 1 + limit) return tried;
  }
  return std::nullopt;
}

AdapterCost AdapterRanks::cheapest() {
  AdapterCost best = cost(1);
  for (std::int64_t rank = 2; rank <= model_.hidden; ++rank)
    if (const AdapterCost tried = cost(rank); tried.slowdown.value < best.slowdown.value) best = tried;
  return best;
}

std::vector<std::int64_t> usual_ranks(std::int64_t largest) {
  std::vector<std::int64_t> ranks{10, 100, 250};
  for (std::int64_t rank = 1; rank <= 1024; rank *= 2) ranks.push_back(rank);
  std::erase_if(ranks, [=](std::int64_t rank) { return rank > largest; });
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

std::int64_t padded_rank(std::int64_t rank) { return (rank + 7) / 8 * 8; }

}  // namespace gemmetry::advise
