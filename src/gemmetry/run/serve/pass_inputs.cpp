#include "gemmetry/run/serve/pass_inputs.h"

namespace gemmetry::run {
namespace {

constexpr std::int32_t nowhere = -1;

/// Of the token that follows `before` others.
measure::SampleParameters sampling(const Draw& draw, std::int32_t before) {
  return {draw.seed, before, draw.temperature};
}

void add_row(PassInputs& all, std::int32_t slot, std::int32_t position, std::int32_t token) {
  all.tokens.push_back(token);
  all.positions.push_back(position);
  all.slots.push_back(slot);
}

void add_filling(PassInputs& all) { add_row(all, nowhere, 0, 0); }

/// The sequence whose rows were added last.
void end_sequence(PassInputs& all, std::int32_t slot, std::int32_t length) {
  all.lengths.push_back(length);
  all.sequence_slots.push_back(slot);
  all.last_rows.push_back(static_cast<std::int32_t>(all.tokens.size()) - 1);
}

}  // namespace

PassInputs decode_inputs(std::span<const DecodeRow> rows) {
  PassInputs all;
  for (const DecodeRow& row : rows) {
    add_row(all, row.slot, row.position, row.token);
    all.sampling.push_back(sampling(row.draw, row.position + 1));
    end_sequence(all, row.slot, row.position + 1);
  }
  return all;
}

PassInputs window_inputs(std::span<const WindowRows> windows, std::int64_t window) {
  PassInputs all;
  for (const WindowRows& rows : windows) {
    for (std::int64_t i = std::ssize(rows.tokens); i < window; ++i) {
      add_filling(all);
      all.sampling.emplace_back();
    }
    std::int32_t position = rows.first_position;
    for (const std::int32_t token : rows.tokens) {
      add_row(all, rows.slot, position++, token);
      all.sampling.push_back(sampling(rows.draw, position));
    }
    end_sequence(all, rows.slot, position);
  }
  return all;
}

PassInputs prefill_inputs(std::int32_t slot, std::span<const std::int32_t> prompt, std::int64_t length,
                          const Draw& draw) {
  PassInputs all;
  std::int32_t position = 0;
  for (const std::int32_t token : prompt) add_row(all, slot, position++, token);
  end_sequence(all, slot, position);
  while (std::ssize(all.tokens) < length) add_filling(all);
  all.sampling.push_back(sampling(draw, position));
  return all;
}

}  // namespace gemmetry::run
