#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "gemmetry/measure/host_clock.h"
#include "gemmetry/run/serve/draft_change.h"
#include "gemmetry/run/serve/serve_metrics.h"
#include "gemmetry/run/serve/slot_pool.h"
#include "gemmetry/run/serve/token_engine.h"
#include "gemmetry/run/serve/trace.h"
#include "gemmetry/run/verify/pass_shape.h"

namespace gemmetry::run {

/// How a trace is served.
struct ServeOptions {
  std::optional<PassShape> verify;  ///< of deterministic requests' passes; without it nobody is verified
  /// Every decode step has as many rows as the engine has slots, dummies among them: with algorithms that the engine
  /// has pinned, tokens cannot hang on who else is live (the batch-invariant baseline).
  bool fixed_batch = false;
  double deterministic = 1;  ///< share of requests, from 0 to 1, that are deterministic unless they say themselves
  float temperature = 0;
  DraftChange change;  ///< of deterministic requests' drafts
  /// Tokens as they are streamed: committed ones only.
  std::function<void(const Request&, std::span<const std::int32_t>)> on_tokens;
  /// Asked between passes: whether to end, with requests unfinished.
  std::function<bool(const ServeMetrics&)> stop;
  double most_time_s = std::numeric_limits<double>::infinity();  ///< ends then as `stop` would
};

enum class AnswerState { unfinished, answered, cancelled };
std::string_view name(AnswerState state);

/// What a request was answered with.
struct Answer {
  std::int64_t id = 0;
  bool deterministic = false;
  AnswerState state = AnswerState::unfinished;
  std::vector<std::int32_t> tokens;  ///< those streamed
  double arrival_s = 0;
  std::optional<double> first_token_s;  ///< after the trace begins, as is
  double end_s = 0;                     ///< the last token
};

struct Served {
  std::vector<Answer> answers;  ///< by the requests' ids
  ServeMetrics metrics;
};

/// Serves a trace by continuous batching: a request is filled in, alone, once it has come and a slot is free; each step
/// decodes all that are live; after a step in which a deterministic request has filled its window or has all its
/// tokens, verification passes run, one after the other, and roll back what differs. What is cancelled leaves its slot
/// at the end of the pass it is in, whose result for it is dropped. Engine, trace and clock outlive it.
class Server {
 public:
  /// Error for options that make no sense, or a trace that the engine's slots cannot hold.
  Server(TokenEngine& engine, const Trace& trace, ServeOptions options, measure::HostClock& clock);

  /// Serves all of the trace. An engine's Error passes through, with every slot free.
  Served run();

  const SlotPool& slots() const { return slots_; }

 private:
  /// A request in a slot.
  struct Live {
    const Request* request = nullptr;
    Answer* answer = nullptr;
    SlotPool::Lease slot;
    Drafts drafts;
    Draw draw;

    std::int32_t prompt() const { return static_cast<std::int32_t>(request->prompt.size()); }
    bool verified() const { return answer->deterministic; }
  };

  void serve();
  /// Whether one step after the other is to go on.
  bool goes_on();
  void wait_for_arrival();
  void admit();
  void begin(const Request& request, SlotPool::Lease slot);
  void decode();
  void verify();
  void verify_pass(std::span<Live* const> requests);
  /// Streams what was committed since the last time.
  void deliver(Live& live);
  /// Frees the slots of those that are done or cancelled.
  void retire();
  bool cancelled(const Request& request) const;
  bool is_deterministic(const Request& request) const;
  double now_s() const;
  Answer& answer_of(const Request& request) { return served_.answers[static_cast<std::size_t>(request.id)]; }
  void summarise();

  TokenEngine& engine_;
  const Trace& trace_;
  ServeOptions options_;
  measure::HostClock& clock_;
  SlotPool slots_;
  std::vector<Live> live_;  ///< by their beginning
  std::size_t next_ = 0;    ///< request of the trace
  double start_s_ = 0;
  double awaited_s_ = 0;  ///< the arrival that was waited for, which has come whatever the clock's last digit says
  Served served_;
  std::vector<double> waits_s_;
};

/// Server(...).run().
Served serve(TokenEngine& engine, const Trace& trace, const ServeOptions& options, measure::HostClock& clock);

}  // namespace gemmetry::run
