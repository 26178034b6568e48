#include "gemmetry/run/serve/priced_engine.h"

#include <algorithm>
#include <utility>

#include "gemmetry/measure/random_data.h"

namespace gemmetry::run {
namespace {

constexpr std::int64_t vocab = 32768;

/// The token with so many in front of it.
std::int32_t token_at(const Draw& draw, std::int64_t position) {
  return measure::random_index(draw.seed, static_cast<std::uint64_t>(position), vocab);
}

double mean(double sum, std::int64_t count) { return count > 0 ? sum / static_cast<double>(count) : 0; }

}  // namespace

PricedEngine::PricedEngine(std::int64_t slots, std::int64_t capacity, PassPrices prices, VirtualClock& clock)
    : slots_(slots), capacity_(capacity), prices_(std::move(prices)), clock_(clock) {}

std::int32_t PricedEngine::prefill(std::int32_t, std::span<const std::int32_t> prompt, const Draw& draw) {
  clock_.wait_s(prices_.prefill_s(std::ssize(prompt)));
  return token_at(draw, std::ssize(prompt));
}

std::vector<std::int32_t> PricedEngine::decode(std::span<const DecodeRow> rows) {
  std::vector<std::int32_t> drawn;
  drawn.reserve(rows.size());
  double context = 0;
  std::int64_t live = 0;
  for (const DecodeRow& row : rows) {
    drawn.push_back(token_at(row.draw, row.position + 1));
    if (row.slot < 0) continue;
    context += row.position;
    ++live;
  }
  clock_.wait_s(prices_.decode_s(std::ssize(rows), mean(context, live)));
  return drawn;
}

std::vector<std::int32_t> PricedEngine::verify(std::span<const WindowRows> windows, std::int64_t window) {
  std::vector<std::int32_t> drawn(windows.size() * static_cast<std::size_t>(window));
  double context = 0;
  std::int64_t live = 0;
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const WindowRows& rows = windows[w];
    for (std::size_t i = 0; i < rows.tokens.size(); ++i)
      drawn[w * static_cast<std::size_t>(window) + i] =
          token_at(rows.draw, rows.first_position + static_cast<std::int64_t>(i) + 1);
    if (rows.slot < 0) continue;
    context += rows.first_position;
    ++live;
  }
  clock_.wait_s(prices_.verify_s({std::ssize(windows), window}, mean(context, live)));
  return drawn;
}

}  // namespace gemmetry::run
