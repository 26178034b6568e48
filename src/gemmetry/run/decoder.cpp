#include "gemmetry/run/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gemmetry/base/error.h"

namespace gemmetry::run {
namespace {

shape::Workload workload_of(shape::Phase phase, const Weights& weights, std::int64_t sequences) {
  shape::Workload workload;
  workload.phase = phase;
  workload.batch = sequences;
  workload.dtype = weights.dtype();
  return workload;
}

}  // namespace

Decoder::Decoder(measure::Backend& backend, const shape::Model& model, const Weights& weights, DecoderOptions options)
    : backend_(backend),
      model_(model),
      weights_(weights),
      options_(std::move(options)),
      cache_(backend, model, weights.dtype(), options_.slots, options_.capacity),
      requests_(static_cast<std::size_t>(options_.slots)) {}

ExecutorOptions Decoder::executor_options() const { return {&cache_, options_.tuned, true}; }

NextToken& Decoder::prefill_of(std::int64_t sequences, std::int64_t length) {
  if (prefill_ && prefill_->inputs().sequences() == sequences && prefill_length_ == length) return *prefill_;
  prefill_.reset();  // before the next takes its memory
  shape::Workload workload = workload_of(shape::Phase::prefill, weights_, sequences);
  workload.sequence = length;
  shape::validate(workload, model_);
  prefill_ = std::make_unique<NextToken>(backend_, model_, workload, weights_, executor_options(), options_.replay);
  prefill_length_ = length;
  return *prefill_;
}

void Decoder::set_sampling(Inputs& inputs, std::int64_t first_slot, std::int32_t ahead) const {
  std::vector<measure::SampleParameters> parameters;
  for (std::int64_t i = 0; i < inputs.sequences(); ++i) {
    const Request& request = requests_[static_cast<std::size_t>(first_slot + i)];
    parameters.push_back({options_.sampling.seed + static_cast<std::uint64_t>(first_slot + i), request.cached + ahead,
                          options_.sampling.temperature});
  }
  inputs.set_sampling(parameters);
}

Tokens Decoder::prefill(const std::vector<Tokens>& prompts, std::int64_t first_slot) {
  const auto count = std::ssize(prompts);
  if (count == 0 || prompts[0].empty()) throw Error("a prompt has no tokens; give it at least one");
  const std::int64_t length = std::ssize(prompts[0]);
  if (first_slot + count > options_.slots)
    throw Error(fmt::format("{} requests are more than the {} slots of the cache", first_slot + count, options_.slots));
  if (length > options_.capacity)
    throw Error(fmt::format("a prompt of {} tokens is longer than the cache's {}", length, options_.capacity));
  Tokens tokens;
  for (const Tokens& prompt : prompts) {
    if (std::ssize(prompt) != length)
      throw Error(fmt::format("prompts of {} and {} tokens cannot be filled in at once", length, prompt.size()));
    tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  }

  NextToken& pass = prefill_of(count, length);
  pass.inputs().set_tokens(tokens);
  pass.inputs().set_first_slot(static_cast<std::int32_t>(first_slot));
  for (std::int64_t i = 0; i < count; ++i)
    requests_[static_cast<std::size_t>(first_slot + i)].cached = static_cast<std::int32_t>(length);
  set_sampling(pass.inputs(), first_slot, 0);
  pass.run();
  const Tokens drawn = pass.tokens();
  for (std::int64_t i = 0; i < count; ++i)
    requests_[static_cast<std::size_t>(first_slot + i)].next = drawn[static_cast<std::size_t>(i)];
  current_ = 0;
  return drawn;
}

NextToken& Decoder::pass_of(std::int64_t requests) {
  std::unique_ptr<NextToken>& pass = passes_[requests];
  if (!pass) {
    shape::Workload workload = workload_of(shape::Phase::decode, weights_, requests);
    workload.cache = options_.capacity - 1;
    shape::validate(workload, model_);
    pass = std::make_unique<NextToken>(backend_, model_, workload, weights_, executor_options(), options_.replay);
  }
  if (current_ == requests) return *pass;
  Tokens next;
  Tokens cached;
  for (std::int64_t i = 0; i < requests; ++i) {
    const Request& request = requests_[static_cast<std::size_t>(i)];
    next.push_back(request.next);
    cached.push_back(request.cached);
  }
  Inputs& inputs = pass->inputs();
  inputs.set_tokens(next);
  inputs.set_cached(cached);
  set_sampling(inputs, 0, 1);
  current_ = requests;
  return *pass;
}

void Decoder::require_room(std::int64_t requests, std::int64_t tokens) const {
  if (requests < 1 || requests > options_.slots)
    throw Error(fmt::format("{} requests: the cache has slots for 1 to {}", requests, options_.slots));
  for (std::int64_t i = 0; i < requests; ++i)
    if (const std::int64_t cached = requests_[static_cast<std::size_t>(i)].cached; cached + tokens > options_.capacity)
      throw Error(fmt::format("request {} has {} tokens in a cache of {}: no room for {} more; make the cache longer",
                              i, cached, options_.capacity, tokens));
}

Tokens Decoder::step(std::int64_t requests) {
  require_room(requests, 1);
  NextToken& pass = pass_of(requests);
  pass.run();
  const Tokens drawn = pass.tokens();
  for (std::int64_t i = 0; i < requests; ++i) {
    Request& request = requests_[static_cast<std::size_t>(i)];
    ++request.cached;
    request.next = drawn[static_cast<std::size_t>(i)];
  }
  return drawn;
}

std::vector<Tokens> Decoder::generate(const std::vector<Tokens>& prompts, std::int64_t new_tokens) {
  std::vector<Tokens> answers(prompts.size());
  for (std::size_t begin = 0, end = 0; begin < prompts.size(); begin = end) {
    while (end < prompts.size() && prompts[end].size() == prompts[begin].size()) ++end;
    const auto at = [&](std::size_t i) { return prompts.begin() + static_cast<std::ptrdiff_t>(i); };
    const Tokens first = prefill({at(begin), at(end)}, static_cast<std::int64_t>(begin));
    for (std::size_t i = begin; i < end; ++i) answers[i].push_back(first[i - begin]);
  }
  require_room(std::ssize(prompts), new_tokens - 1);
  for (std::int64_t i = 1; i < new_tokens; ++i) {
    const Tokens drawn = step(std::ssize(prompts));
    for (std::size_t k = 0; k < drawn.size(); ++k) answers[k].push_back(drawn[k]);
  }
  return answers;
}

std::vector<double> Decoder::time_prefill(std::int32_t repeats) {
  if (!prefill_) throw Error("nothing was filled in that could be timed");
  return prefill_->time(repeats);
}

std::vector<double> Decoder::time_steps(std::int64_t requests, std::int32_t steps) {
  require_room(requests, steps);
  NextToken& pass = pass_of(requests);
  std::vector<double> times = pass.time(steps);
  const Tokens next = pass.tokens();
  for (std::int64_t i = 0; i < requests; ++i) {
    Request& request = requests_[static_cast<std::size_t>(i)];
    request.cached += steps;
    request.next = next[static_cast<std::size_t>(i)];
  }
  return times;
}

void Decoder::rewind(std::int64_t requests, std::int64_t cached) {
  for (std::int64_t i = 0; i < requests; ++i)
    requests_[static_cast<std::size_t>(i)].cached = static_cast<std::int32_t>(cached);
  current_ = 0;
}

}  // namespace gemmetry::run
