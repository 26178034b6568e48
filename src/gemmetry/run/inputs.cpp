#include "gemmetry/run/inputs.h"

#include <fmt/format.h>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/run/rotation.h"

namespace gemmetry::run {
namespace {

constexpr std::int64_t parts = 7;

std::int64_t bytes_of_part(std::int64_t rows) {
  return aligned(rows * static_cast<std::int64_t>(sizeof(measure::SampleParameters)));
}

/// Positions that a run may meet.
std::int64_t positions_of(const shape::Workload& workload) {
  return workload.phase == shape::Phase::decode ? workload.cache + 1 : workload.sequence;
}

}  // namespace

Inputs::Inputs(measure::Backend& backend, const shape::Model& model, const shape::Workload& workload)
    : backend_(backend),
      vocab_(model.vocab),
      sequences_(workload.batch),
      rows_(shape::tokens(workload)),
      part_bytes_(bytes_of_part(rows_)),
      memory_(backend, parts * part_bytes_, "the tokens of " + model.name) {
  const auto rows = static_cast<std::size_t>(rows_);
  const std::int64_t length = rows_ / sequences_;
  std::vector<std::int32_t> positions(rows);
  std::vector<std::int32_t> last;
  for (std::size_t row = 0; row < rows; ++row)
    positions[row] = static_cast<std::int32_t>(row % static_cast<std::size_t>(length));
  for (std::int64_t i = 1; i <= sequences_; ++i) last.push_back(static_cast<std::int32_t>(i * length - 1));
  write(tokens(), std::vector<std::int32_t>(rows));
  write(this->positions(), positions);
  write(last_rows(), last);
  write(lengths(), std::vector<std::int32_t>(last.size(), static_cast<std::int32_t>(length)));
  set_first_slot(0);
  set_sampling(std::vector<measure::SampleParameters>(last.size()));
  if (model.positions != shape::Positions::rotary || model.attention.rotary_dim == 0) return;
  const std::vector<float> table = rotation_table(model, positions_of(workload));
  const auto bytes = static_cast<std::int64_t>(table.size() * sizeof(float));
  rotation_ = DeviceBuffer(backend, bytes, "the rotations of " + model.name);
  measure::require(backend.write(rotation(), table.data(), bytes));
}

void Inputs::write(void* to, const std::vector<std::int32_t>& values) {
  measure::require(backend_.write(to, values.data(), static_cast<std::int64_t>(values.size() * sizeof values[0])));
}

void Inputs::set_tokens(std::span<const std::int32_t> tokens) {
  if (std::ssize(tokens) != rows_)
    throw Error(fmt::format("{} tokens are given, the workload has {}; give as many", tokens.size(), rows_));
  for (const std::int32_t token : tokens)
    if (token < 0 || token >= vocab_)
      throw Error(fmt::format("token {} is not in the vocabulary of {}; use 0 to {}", token, vocab_, vocab_ - 1));
  write(this->tokens(), {tokens.begin(), tokens.end()});
}

void Inputs::set_cached(std::span<const std::int32_t> cached) {
  std::vector<std::int32_t> lengths(cached.begin(), cached.end());
  write(positions(), lengths);
  for (std::int32_t& length : lengths) ++length;
  write(this->lengths(), lengths);
}

void Inputs::set_first_slot(std::int32_t first) {
  std::vector<std::int32_t> slots(static_cast<std::size_t>(rows_));
  const auto length = static_cast<std::size_t>(rows_ / sequences_);
  for (std::size_t row = 0; row < slots.size(); ++row) slots[row] = first + static_cast<std::int32_t>(row / length);
  write(this->slots(), slots);
}

void Inputs::set_sampling(std::span<const measure::SampleParameters> parameters) {
  measure::require(backend_.write(sampling(), parameters.data(), static_cast<std::int64_t>(parameters.size_bytes())));
}

}  // namespace gemmetry::run
