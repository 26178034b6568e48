#include "gemmetry/run/serve/trace.h"

#include <fmt/format.h>

#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/measure/shuffle.h"

namespace gemmetry::run {
namespace {

constexpr std::int64_t most_requests = 10'000'000;
constexpr double longest_s = 1e9;

/// What hangs on the seed of a trace draws from streams of its own.
enum Stream : std::uint64_t { arrivals = 1, prompts, answers, draws, orders };

constexpr std::uint64_t stream(std::uint64_t seed, Stream which) { return seed * 16 + which; }

void require_rate(double rate_per_s) {
  if (!(rate_per_s > 0) || !std::isfinite(rate_per_s))
    throw Error(fmt::format("{} requests a second: state a rate over 0", rate_per_s));
}

/// Seconds to the next arrival.
double gap_s(std::uint64_t seed, std::uint64_t index, double rate_per_s) {
  const double u = (static_cast<double>(measure::random_word(stream(seed, arrivals), index)) + 0.5) / 4294967296.0;
  return -std::log(u) / rate_per_s;
}

}  // namespace

std::vector<std::int32_t> random_prompt(std::uint64_t seed, std::int64_t length, std::int64_t vocab) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = measure::random_index(stream(seed, prompts), i, vocab);
  return tokens;
}

Trace random_trace(const TraceOptions& options) {
  if (options.requests < 1 || options.requests > most_requests)
    throw Error(fmt::format("{} requests: state 1 to {}", options.requests, most_requests));
  require_rate(options.rate_per_s);
  if (options.vocab < 1) throw Error(fmt::format("prompts of a vocabulary of {}: state at least 1", options.vocab));
  require_valid(options.prompt, "prompts");
  require_valid(options.new_tokens, "answers");
  Trace trace;
  double now_s = 0;
  for (std::int64_t id = 0; id < options.requests; ++id) {
    const auto index = static_cast<std::uint64_t>(id);
    Request& request = trace.emplace_back();
    now_s += gap_s(options.seed, index, options.rate_per_s);
    request.id = id;
    request.arrival_s = now_s;
    request.seed = stream(options.seed, draws) << 32 | index;
    request.new_tokens = options.new_tokens.at(stream(options.seed, answers), index);
    request.prompt =
        random_prompt(request.seed, options.prompt.at(stream(options.seed, prompts), index), options.vocab);
  }
  return trace;
}

Trace reordered(Trace trace, double rate_per_s, std::uint64_t seed) {
  require_rate(rate_per_s);
  measure::shuffle(trace, stream(seed, orders));
  double now_s = 0;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    now_s += gap_s(seed, i, rate_per_s);
    if (trace[i].cancel_s) trace[i].cancel_s = now_s + (*trace[i].cancel_s - trace[i].arrival_s);
    trace[i].arrival_s = now_s;
  }
  return trace;
}

void require_valid(const Trace& trace, std::int64_t capacity, const std::string& source) {
  if (trace.empty()) throw Error(fmt::format("{}: has no request; give it at least one", source));
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const Request& request = trace[i];
    const auto fail = [&](const std::string& problem) {
      throw Error(fmt::format("{}: request {}: {}", source, i + 1, problem));
    };
    if (!(request.arrival_s >= 0 && request.arrival_s <= longest_s))
      fail(fmt::format("arrival_s = {}: expected seconds from 0 to {:g}", request.arrival_s, longest_s));
    if (i > 0 && request.arrival_s < trace[i - 1].arrival_s)
      fail(fmt::format("arrival_s = {} is before the {} of the request in front: sort them by arrival",
                       request.arrival_s, trace[i - 1].arrival_s));
    if (request.cancel_s && !(*request.cancel_s >= request.arrival_s && *request.cancel_s <= 2 * longest_s))
      fail(fmt::format("cancel_s = {}: expected seconds from its arrival_s, {}", *request.cancel_s, request.arrival_s));
    if (request.prompt.empty()) fail("its prompt has no tokens; give it at least one");
    if (request.new_tokens < 1) fail(fmt::format("new_tokens = {}: ask for at least 1", request.new_tokens));
    const std::int64_t length = std::ssize(request.prompt);
    if (length + request.new_tokens > capacity)
      fail(
          fmt::format("a prompt of {} and {} new tokens are longer than a slot of {}: make slots longer, or it shorter",
                      length, request.new_tokens, capacity));
  }
}

}  // namespace gemmetry::run
