#include "gemmetry/run/serve/slot_decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/run/serve/pass_inputs.h"

namespace gemmetry::run {
namespace {

constexpr std::int64_t shortest_prefill = 16;

/// Error, with what would fit, for a cache that is larger than the memory that is free.
void require_memory(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype,
                    const SlotDecoderOptions& options) {
  measure::DeviceInfo device;
  measure::require(backend.describe(device));
  const std::int64_t of_slot = options.capacity * KvCache::bytes_a_token(model, dtype);
  const std::int64_t fitting = of_slot > 0 ? device.free_bytes / of_slot : options.slots;
  if (options.slots <= fitting) return;
  const auto gibi = [](double bytes) { return bytes / (1 << 30); };
  const std::int64_t each = device.free_bytes / KvCache::bytes_a_token(model, dtype) / options.slots;
  throw Error(
      fmt::format("the cache of {} for {} slots x {} tokens does not fit: {:.3f} GiB are needed, {:.3f} GiB of {} "
                  "are free; use at most {} slots, or {} tokens a slot",
                  model.name, options.slots, options.capacity,
                  gibi(static_cast<double>(of_slot) * static_cast<double>(options.slots)),
                  gibi(static_cast<double>(device.free_bytes)), device.name, fitting, each));
}

const SlotDecoderOptions& checked(measure::Backend& backend, const shape::Model& model, const Weights& weights,
                                  const SlotDecoderOptions& options) {
  const auto require = [](const char* what, std::int64_t value, std::int64_t most) {
    if (value < 1 || value > most) throw Error(fmt::format("{} = {}: use 1 to {}", what, value, most));
  };
  constexpr std::int64_t many = std::int64_t{1} << 20;
  require("slots", options.slots, many);
  require("tokens of a slot", options.capacity, std::int64_t{1} << 30);
  require("attention splits of verification", options.verify_splits, 1024);
  require("prefill passes that are kept", options.prefills, many);
  for (const PassShape& shape : options.windows) {
    require("requests of a verification pass", shape.batch, many);
    require("window of a verification pass", shape.window, many);
  }
  shape::Workload workload;
  workload.phase = shape::Phase::decode;
  workload.cache = options.capacity - 1;
  shape::validate(workload, model);
  require_memory(backend, model, weights.dtype(), options);
  return options;
}

/// All numbers of rows that share an algorithm; none where it is not shared.
std::vector<std::int64_t> pinned_rows(const SlotDecoderOptions& options) {
  std::vector<std::int64_t> rows;
  if (!options.pinned_products) return rows;
  for (std::int64_t i = 1; i <= options.slots; ++i) rows.push_back(i);
  for (const PassShape& shape : options.windows) rows.push_back(shape.rows());
  return rows;
}

/// Whether a pass that goes on with `next` does so as `row` says. Dummies only have to stay in the tables.
bool same(const DecodeRow& next, const DecodeRow& row, std::int64_t capacity) {
  if (next.slot < 0 && row.slot < 0) return next.position < capacity;
  return next.slot == row.slot && next.position == row.position && next.token == row.token &&
         next.draw.seed == row.draw.seed && next.draw.temperature == row.draw.temperature;
}

}  // namespace

SlotDecoder::SlotDecoder(measure::Backend& backend, const shape::Model& model, const Weights& weights,
                         SlotDecoderOptions options)
    : backend_(backend),
      model_(model),
      weights_(weights),
      options_(checked(backend, model, weights, options)),
      cache_(backend, model, weights.dtype(), options_.slots, options_.capacity),
      split_free_(backend, pinned_rows(options_)) {
  // Attention multiplies what a row does not see with 0: that must be a number.
  cache_.clear(backend);
}

shape::Workload SlotDecoder::workload(shape::Phase phase, std::int64_t sequences) const {
  shape::Workload workload;
  workload.phase = phase;
  workload.batch = sequences;
  workload.dtype = weights_.dtype();
  return workload;
}

std::unique_ptr<NextToken> SlotDecoder::pass(const shape::Workload& workload, const ExecutorOptions& how) {
  shape::validate(workload, model_);
  auto made = std::make_unique<NextToken>(backend_, model_, workload, weights_, how, options_.replay);
  const std::vector<AlgorithmUse>& used = made->executor().algorithms();
  const auto known = [&](const AlgorithmUse& one) {
    return !used.empty() && one.pass == used[0].pass && one.rows == used[0].rows && one.batch == used[0].batch;
  };
  if (std::none_of(algorithms_.begin(), algorithms_.end(), known))
    algorithms_.insert(algorithms_.end(), used.begin(), used.end());
  return made;
}

std::int64_t SlotDecoder::padded(std::int64_t prompt) const {
  std::int64_t length = shortest_prefill;
  while (length < prompt) length *= 2;
  return std::min(length, options_.capacity);
}

NextToken& SlotDecoder::prefill_of(std::int64_t tokens) {
  const std::int64_t length = padded(tokens);
  const auto found =
      std::find_if(prefills_.begin(), prefills_.end(), [&](const auto& one) { return one.first == length; });
  if (found != prefills_.end()) {
    prefills_.splice(prefills_.begin(), prefills_, found);
    return *prefills_.front().second;
  }
  if (std::ssize(prefills_) >= options_.prefills) prefills_.pop_back();
  shape::Workload one = workload(shape::Phase::prefill, 1);
  one.sequence = length;
  ExecutorOptions how;
  how.cache = &cache_;
  how.tuned = options_.tuned;
  how.fused_steps = true;
  prefills_.emplace_front(length, pass(one, how));
  return *prefills_.front().second;
}

SlotDecoder::Decoding& SlotDecoder::decoding_of(std::int64_t rows) {
  Decoding& decoding = decodings_[rows];
  if (decoding.pass) return decoding;
  shape::Workload step = workload(shape::Phase::decode, rows);
  step.cache = options_.capacity - 1;
  ExecutorOptions how;
  how.cache = &cache_;
  how.tuned = options_.tuned;
  how.fused_steps = true;
  how.any_slots = true;
  how.attention_splits = options_.decode_splits;
  if (options_.pinned_products) {
    how.tuned = [this](const op::Operator& op) { return split_free_.key(std::get<op::Gemm>(op)); };
    how.only_tuned = true;
    how.activated_products = false;
  }
  decoding.pass = pass(step, how);
  return decoding;
}

NextToken& SlotDecoder::verification_of(PassShape shape) {
  std::unique_ptr<NextToken>& verification = verifications_[{shape.batch, shape.window}];
  if (verification) return *verification;
  const bool any = options_.windows.empty() && !options_.pinned_products;
  if (!any && std::find(options_.windows.begin(), options_.windows.end(), shape) == options_.windows.end())
    throw Error(fmt::format("a verification pass of {} x {} tokens was not announced: name it in the decoder's windows",
                            shape.batch, shape.window));
  shape::Workload windows = workload(shape::Phase::decode, shape.batch);
  windows.new_tokens = shape.window;
  windows.cache = std::max<std::int64_t>(options_.capacity - shape.window, 0);
  ExecutorOptions how;
  how.cache = &cache_;
  how.tuned = [this](const op::Operator& op) { return split_free_.key(std::get<op::Gemm>(op)); };
  how.fused_steps = true;
  how.activated_products = false;
  how.only_tuned = true;
  how.any_slots = true;
  how.attention_splits = options_.verify_splits;
  verification = pass(windows, how);
  return *verification;
}

void SlotDecoder::make_ready(std::int64_t rows, std::int64_t longest_prompt) {
  for (std::int64_t i = 1; i <= std::min(rows, options_.slots); ++i) decoding_of(i);
  for (const PassShape& shape : options_.windows) verification_of(shape);
  const std::int64_t most = std::min(longest_prompt, options_.capacity);
  std::int64_t kept = 0;
  for (std::int64_t length = 1; length <= most && kept < options_.prefills; length = padded(length) + 1, ++kept)
    prefill_of(length);
}

void SlotDecoder::require_place(std::int32_t slot, std::int64_t position, std::int64_t tokens) const {
  if (slot >= options_.slots)
    throw Error(fmt::format("slot {}: there are {} slots, use 0 to {}", slot, options_.slots, options_.slots - 1));
  if (position < 0 || position + tokens > options_.capacity)
    throw Error(fmt::format("{} tokens from position {} on do not fit into slot {} of {} tokens: make slots longer",
                            tokens, position, slot, options_.capacity));
}

std::int32_t SlotDecoder::prefill(std::int32_t slot, std::span<const std::int32_t> prompt, const Draw& draw) {
  if (prompt.empty()) throw Error("a prompt has no tokens; give it at least one");
  if (slot < 0) throw Error(fmt::format("slot {}: a prompt needs a slot from 0 to {}", slot, options_.slots - 1));
  require_place(slot, 0, std::ssize(prompt));
  NextToken& pass = prefill_of(std::ssize(prompt));
  pass.inputs().set(prefill_inputs(slot, prompt, pass.inputs().rows(), draw));
  pass.run();
  return pass.tokens()[0];
}

std::vector<std::int32_t> SlotDecoder::decode(std::span<const DecodeRow> rows) {
  if (rows.empty() || std::ssize(rows) > options_.slots)
    throw Error(
        fmt::format("a decoding step of {} rows: the cache has slots for 1 to {}", rows.size(), options_.slots));
  std::vector<bool> taken(static_cast<std::size_t>(options_.slots));
  for (const DecodeRow& row : rows) {
    if (row.slot < 0) continue;
    require_place(row.slot, row.position, 1);
    if (taken[static_cast<std::size_t>(row.slot)])
      throw Error(fmt::format("slot {} is there twice in one decoding step: give it one row", row.slot));
    taken[static_cast<std::size_t>(row.slot)] = true;
  }
  Decoding& decoding = decoding_of(std::ssize(rows));
  const bool goes_on =
      std::equal(rows.begin(), rows.end(), decoding.next.begin(), decoding.next.end(),
                 [this](const DecodeRow& row, const DecodeRow& next) { return same(next, row, options_.capacity); });
  if (!goes_on) {
    decoding.next.clear();  // until they are written
    decoding.pass->inputs().set(decode_inputs(rows));
    decoding.next.assign(rows.begin(), rows.end());
  }
  decoding.pass->run();
  const std::vector<std::int32_t> drawn = decoding.pass->tokens();
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    ++decoding.next[i].position;
    decoding.next[i].token = drawn[i];
  }
  return drawn;
}

std::vector<std::int32_t> SlotDecoder::verify(std::span<const WindowRows> windows, std::int64_t window) {
  if (windows.empty() || window < 1)
    throw Error(fmt::format("a verification pass of {} x {} tokens: use at least 1 x 1", windows.size(), window));
  for (const WindowRows& rows : windows) {
    const std::int64_t count = std::ssize(rows.tokens);
    if (rows.slot < 0 ? count > 0 : count < 1 || count > window)
      throw Error(fmt::format("slot {} has {} tokens in a window of {}: use 1 to {}, and 0 for a dummy", rows.slot,
                              count, window, window));
    if (rows.slot >= 0) require_place(rows.slot, rows.first_position, count);
  }
  NextToken& pass = verification_of({std::ssize(windows), window});
  pass.inputs().set(window_inputs(windows, window));
  pass.run();
  const std::vector<std::int32_t> drawn = pass.tokens();
  std::vector<std::int32_t> result(drawn.size());
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto count = static_cast<std::ptrdiff_t>(windows[i].tokens.size());
    const auto first = static_cast<std::ptrdiff_t>(i) * window;
    std::copy(drawn.begin() + first + window - count, drawn.begin() + first + window, result.begin() + first);
  }
  return result;
}

}  // namespace gemmetry::run
