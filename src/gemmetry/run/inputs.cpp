#include "gemmetry/run/inputs.h"

#include <fmt/format.h>

#include <cstring>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/run/rotation.h"

namespace gemmetry::run {
namespace {

/// Positions that a run may meet.
std::int64_t positions_of(const shape::Workload& workload) {
  return workload.phase == shape::Phase::decode ? workload.cache + workload.new_tokens : workload.sequence;
}

std::int64_t bytes_of(std::int64_t numbers) {
  return aligned(numbers * static_cast<std::int64_t>(sizeof(std::int32_t)));
}

template <class One>
void require_count(std::string_view what, const std::vector<One>& given, std::int64_t count) {
  if (std::ssize(given) != count)
    throw Error(fmt::format("{} {} are given, the workload has {}; give as many", given.size(), what, count));
}

}  // namespace

Inputs::Offsets Inputs::offsets_of(std::int64_t rows, std::int64_t sequences, std::int64_t draws) {
  const std::int64_t parameters = aligned(draws * static_cast<std::int64_t>(sizeof(measure::SampleParameters)));
  const std::int64_t sizes[] = {bytes_of(rows),      bytes_of(rows),      bytes_of(rows), bytes_of(sequences),
                                bytes_of(sequences), bytes_of(sequences), parameters,     bytes_of(draws)};
  Offsets offsets{};
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) offsets[i + 1] = offsets[i] + sizes[i];
  return offsets;
}

Inputs::Inputs(measure::Backend& backend, const shape::Model& model, const shape::Workload& workload)
    : backend_(backend),
      vocab_(model.vocab),
      sequences_(workload.batch),
      rows_(shape::tokens(workload)),
      draws_(workload.phase == shape::Phase::decode ? rows_ : sequences_),
      offsets_(offsets_of(rows_, sequences_, draws_)),
      memory_(backend, offset(Part::end), "the tokens of " + model.name) {
  const auto rows = static_cast<std::size_t>(rows_);
  const auto length = static_cast<std::int32_t>(rows_ / sequences_);
  PassInputs all;
  all.tokens.resize(rows);
  for (std::int32_t sequence = 0; sequence < sequences_; ++sequence) {
    for (std::int32_t i = 0; i < length; ++i) all.positions.push_back(i);
    all.slots.insert(all.slots.end(), static_cast<std::size_t>(length), sequence);
    all.lengths.push_back(length);
    all.sequence_slots.push_back(sequence);
    all.last_rows.push_back((sequence + 1) * length - 1);
  }
  all.sampling.resize(static_cast<std::size_t>(draws_));
  set(all);
  if (model.positions != shape::Positions::rotary || model.attention.rotary_dim == 0) return;
  const std::vector<float> table = rotation_table(model, positions_of(workload));
  const auto bytes = static_cast<std::int64_t>(table.size() * sizeof(float));
  rotation_ = DeviceBuffer(backend, bytes, "the rotations of " + model.name);
  measure::require(backend.write(rotation(), table.data(), bytes));
}

void Inputs::set(const PassInputs& all) {
  require_tokens(all.tokens);
  require_count("positions", all.positions, rows_);
  require_count("slots of rows", all.slots, rows_);
  require_count("lengths", all.lengths, sequences_);
  require_count("slots of sequences", all.sequence_slots, sequences_);
  require_count("last rows", all.last_rows, sequences_);
  require_count("sampling parameters", all.sampling, draws_);
  std::vector<char> image(static_cast<std::size_t>(offset(Part::sampled)));
  const auto put = [&](Part part, const auto& values) {
    if (!values.empty()) std::memcpy(image.data() + offset(part), values.data(), values.size() * sizeof values[0]);
  };
  put(Part::tokens, all.tokens);
  put(Part::positions, all.positions);
  put(Part::slots, all.slots);
  put(Part::lengths, all.lengths);
  put(Part::sequence_slots, all.sequence_slots);
  put(Part::last_rows, all.last_rows);
  put(Part::sampling, all.sampling);
  measure::require(backend_.write(memory_.at(), image.data(), std::ssize(image)));
}

void Inputs::write(void* to, const std::vector<std::int32_t>& values) {
  measure::require(backend_.write(to, values.data(), static_cast<std::int64_t>(values.size() * sizeof values[0])));
}

void Inputs::require_tokens(std::span<const std::int32_t> tokens) const {
  if (std::ssize(tokens) != rows_)
    throw Error(fmt::format("{} tokens are given, the workload has {}; give as many", tokens.size(), rows_));
  for (const std::int32_t token : tokens)
    if (token < 0 || token >= vocab_)
      throw Error(fmt::format("token {} is not in the vocabulary of {}; use 0 to {}", token, vocab_, vocab_ - 1));
}

void Inputs::set_tokens(std::span<const std::int32_t> tokens) {
  require_tokens(tokens);
  write(this->tokens(), {tokens.begin(), tokens.end()});
}

void Inputs::set_cached(std::span<const std::int32_t> cached) {
  const auto length = static_cast<std::int32_t>(rows_ / sequences_);
  std::vector<std::int32_t> positions, lengths;
  for (const std::int32_t before : cached) {
    for (std::int32_t i = 0; i < length; ++i) positions.push_back(before + i);
    lengths.push_back(before + length);
  }
  write(this->positions(), positions);
  write(this->lengths(), lengths);
}

void Inputs::set_first_slot(std::int32_t first) {
  std::vector<std::int32_t> slots, of_sequences;
  for (std::int32_t sequence = 0; sequence < sequences_; ++sequence) {
    slots.insert(slots.end(), static_cast<std::size_t>(rows_ / sequences_), first + sequence);
    of_sequences.push_back(first + sequence);
  }
  write(this->slots(), slots);
  write(sequence_slots(), of_sequences);
}

void Inputs::set_sampling(std::span<const measure::SampleParameters> parameters) {
  measure::require(backend_.write(sampling(), parameters.data(), static_cast<std::int64_t>(parameters.size_bytes())));
}

}  // namespace gemmetry::run
