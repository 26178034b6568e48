#include "gemmetry/run/serve/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/run/verify/passes.h"

namespace gemmetry::run {
namespace {

constexpr std::uint64_t share_seed = 42;  // which requests are deterministic: the same in every run
constexpr double longest_wait_s = 0.05;   // between two questions whether to stop

void require_valid(const ServeOptions& options) {
  if (options.verify && (options.verify->batch < 1 || options.verify->window < 1))
    throw Error(fmt::format("verification passes of {} x {}: state at least 1 x 1", options.verify->batch,
                            options.verify->window));
  if (!(options.deterministic >= 0 && options.deterministic <= 1))
    throw Error(fmt::format("a share of {} deterministic requests: state one from 0 to 1", options.deterministic));
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature))
    throw Error(fmt::format("a temperature of {}: state 0 or more", options.temperature));
  if (options.verify && options.fixed_batch)
    throw Error("at one fixed batch there is nothing to verify: leave out either");
}

void require_ids(const Trace& trace) {
  std::vector<bool> seen(trace.size());
  for (const Request& request : trace) {
    const auto id = static_cast<std::size_t>(request.id);
    if (request.id < 0 || id >= seen.size() || seen[id])
      throw Error(fmt::format("trace: request id {}: number {} requests from 0, each once", request.id, trace.size()));
    seen[id] = true;
  }
}

DecodeRow dummy_row() { return {.slot = -1, .position = 0, .token = 0, .draw = {}}; }
WindowRows dummy_window() { return {.slot = -1, .first_position = 0, .tokens = {}, .draw = {}}; }

}  // namespace

std::string_view name(AnswerState state) {
  constexpr std::string_view names[] = {"unfinished", "answered", "cancelled"};
  return names[static_cast<std::size_t>(state)];
}

Server::Server(TokenEngine& engine, const Trace& trace, ServeOptions options, measure::HostClock& clock)
    : engine_(engine), trace_(trace), options_(std::move(options)), clock_(clock), slots_(engine.slots()) {
  require_valid(options_);
  run::require_valid(trace, engine.capacity());
  require_ids(trace);
  served_.answers.resize(trace.size());
  for (const Request& request : trace) {
    Answer& answer = answer_of(request);
    answer.id = request.id;
    answer.deterministic = options_.verify && is_deterministic(request);
    answer.arrival_s = request.arrival_s;
  }
}

Served Server::run() {
  start_s_ = clock_.now_s();
  try {
    serve();
  } catch (...) {
    live_.clear();
    throw;
  }
  live_.clear();
  summarise();
  return std::move(served_);
}

void Server::serve() {
  while (goes_on()) {
    admit();
    if (live_.empty()) {
      if (next_ == trace_.size()) return;
      wait_for_arrival();
      continue;
    }
    decode();
    verify();
    retire();
  }
}

bool Server::goes_on() {
  if (now_s() >= options_.most_time_s) return false;
  return !options_.stop || !options_.stop(served_.metrics);
}

double Server::now_s() const { return std::max(clock_.now_s() - start_s_, awaited_s_); }

bool Server::cancelled(const Request& request) const { return request.cancel_s && *request.cancel_s <= now_s(); }

bool Server::is_deterministic(const Request& request) const {
  if (request.deterministic) return *request.deterministic;
  const double place = measure::random_word(share_seed, static_cast<std::uint64_t>(request.id));
  return place < options_.deterministic * 4294967296.0;
}

void Server::wait_for_arrival() {
  const double arrival_s = std::min(trace_[next_].arrival_s, options_.most_time_s);
  const double left_s = arrival_s - now_s();
  if (options_.stop && left_s > longest_wait_s) return clock_.wait_s(longest_wait_s);
  clock_.wait_s(left_s);
  awaited_s_ = arrival_s;
}

void Server::admit() {
  while (next_ < trace_.size() && trace_[next_].arrival_s <= now_s()) {
    const Request& request = trace_[next_];
    if (cancelled(request)) {
      answer_of(request).state = AnswerState::cancelled;
    } else {
      std::optional<SlotPool::Lease> slot = slots_.take();
      if (!slot) return;
      begin(request, *std::move(slot));
    }
    ++next_;
  }
}

void Server::begin(const Request& request, SlotPool::Lease slot) {
  ServeMetrics& metrics = served_.metrics;
  const Draw draw{request.seed, options_.temperature};
  const double begin_s = clock_.now_s();
  const std::int32_t first = engine_.prefill(slot.slot(), request.prompt, draw);
  metrics.prefill_s += clock_.now_s() - begin_s;
  ++metrics.prefills;
  metrics.prompt_tokens += std::ssize(request.prompt);
  live_.push_back({&request, &answer_of(request), std::move(slot), Drafts(request.new_tokens, first), draw});
  Live& live = live_.back();
  metrics.deterministic_requests += live.verified() ? 1 : 0;
  if (!cancelled(request)) deliver(live);
  if (live.drafts.done() || cancelled(request)) retire();
}

void Server::decode() {
  std::vector<DecodeRow> rows;
  rows.reserve(static_cast<std::size_t>(engine_.slots()));
  for (const Live& live : live_)
    rows.push_back({live.slot.slot(), static_cast<std::int32_t>(live.prompt() + live.drafts.size() - 1),
                    live.drafts.last(), live.draw});
  if (options_.fixed_batch) rows.resize(static_cast<std::size_t>(engine_.slots()), dummy_row());

  const double begin_s = clock_.now_s();
  const std::vector<std::int32_t> drawn = engine_.decode(rows);
  ServeMetrics& metrics = served_.metrics;
  metrics.decode_s += clock_.now_s() - begin_s;
  ++metrics.decode_steps;
  metrics.decoded += std::ssize(live_);
  ++metrics.steps_by_batch[std::ssize(live_)];

  for (std::size_t i = 0; i < live_.size(); ++i) {
    Live& live = live_[i];
    const bool changes = options_.change && live.verified();
    live.drafts.add(changes ? options_.change(live.drafts, drawn[i]) : drawn[i]);
    if (live.verified() || cancelled(*live.request)) continue;
    live.drafts.commit_unverified();
    deliver(live);
  }
}

void Server::verify() {
  if (!options_.verify) return;
  std::vector<Live*> verified;
  std::vector<const Drafts*> drafts;
  for (Live& live : live_)
    if (live.verified() && !cancelled(*live.request)) {
      verified.push_back(&live);
      drafts.push_back(&live.drafts);
    }
  for (const std::vector<std::size_t>& pass : verification_passes(drafts, *options_.verify)) {
    std::vector<Live*> requests;
    for (const std::size_t i : pass) requests.push_back(verified[i]);
    verify_pass(requests);
  }
}

void Server::verify_pass(std::span<Live* const> requests) {
  const PassShape& shape = *options_.verify;
  ServeMetrics& metrics = served_.metrics;
  std::vector<WindowRows> windows;
  for (const Live* live : requests) {
    const std::span<const std::int32_t> tokens = live->drafts.to_verify(shape.window);
    const std::int64_t committed = std::ssize(live->drafts.committed());
    windows.push_back({live->slot.slot(),
                       static_cast<std::int32_t>(live->prompt() + committed - 1),
                       {tokens.begin(), tokens.end()},
                       live->draw});
    metrics.early_windows += live->drafts.ready(shape.window) ? 0 : 1;
  }
  metrics.dummy_windows += shape.batch - std::ssize(windows);
  windows.resize(static_cast<std::size_t>(shape.batch), dummy_window());

  const double begin_s = clock_.now_s();
  const std::vector<std::int32_t> drawn = engine_.verify(windows, shape.window);
  metrics.verify_s += clock_.now_s() - begin_s;
  ++metrics.verify_passes;

  for (std::size_t i = 0; i < requests.size(); ++i) {
    Live& live = *requests[i];
    if (cancelled(*live.request)) continue;
    const auto first = i * static_cast<std::size_t>(shape.window);
    const WindowOutcome outcome = live.drafts.commit(std::span(drawn).subspan(first, windows[i].tokens.size()));
    metrics.windows.add(outcome);
    ++metrics.windows_by_tokens[outcome.tokens];
    if (outcome.tokens == shape.window) metrics.full_windows.add(outcome);
    deliver(live);
  }
}

void Server::deliver(Live& live) {
  Answer& answer = *live.answer;
  const std::span<const std::int32_t> fresh = live.drafts.committed().subspan(answer.tokens.size());
  if (fresh.empty()) return;
  const double time_s = now_s();
  if (answer.first_token_s)
    waits_s_.push_back(time_s - answer.end_s);
  else
    answer.first_token_s = time_s;
  answer.end_s = time_s;
  answer.tokens.insert(answer.tokens.end(), fresh.begin(), fresh.end());
  ServeMetrics& metrics = served_.metrics;
  metrics.committed += std::ssize(fresh);
  if (live.verified()) metrics.deterministic_tokens += std::ssize(fresh);
  if (options_.on_tokens) options_.on_tokens(*live.request, fresh);
}

void Server::retire() {
  std::erase_if(live_, [this](const Live& live) {
    const bool done = std::ssize(live.answer->tokens) == live.request->new_tokens;
    if (done)
      live.answer->state = AnswerState::answered;
    else if (cancelled(*live.request))
      live.answer->state = AnswerState::cancelled;
    else
      return false;
    return true;
  });
}

void Server::summarise() {
  ServeMetrics& metrics = served_.metrics;
  metrics.requests = std::ssize(trace_);
  metrics.time_s = now_s();
  std::vector<double> firsts_s;
  std::vector<double> betweens_s;
  std::vector<double> ends_s;
  for (const Answer& answer : served_.answers) {
    metrics.answered += answer.state == AnswerState::answered ? 1 : 0;
    metrics.cancelled += answer.state == AnswerState::cancelled ? 1 : 0;
    metrics.unfinished += answer.state == AnswerState::unfinished ? 1 : 0;
    if (answer.first_token_s) firsts_s.push_back(*answer.first_token_s - answer.arrival_s);
    if (answer.state != AnswerState::answered) continue;
    ends_s.push_back(answer.end_s - answer.arrival_s);
    const auto length = std::ssize(answer.tokens);
    if (length > 1) betweens_s.push_back((answer.end_s - *answer.first_token_s) / static_cast<double>(length - 1));
    if (answer.deterministic) metrics.deterministic_lengths.push_back(length);
  }
  metrics.first_token_s = spread_of(firsts_s);
  metrics.between_s = spread_of(betweens_s);
  metrics.wait_s = spread_of(waits_s_);
  metrics.end_to_end_s = spread_of(ends_s);
}

Served serve(TokenEngine& engine, const Trace& trace, const ServeOptions& options, measure::HostClock& clock) {
  return Server(engine, trace, options, clock).run();
}

}  // namespace gemmetry::run
