#include "gemmetry/cli/serve_session.h"

#include <algorithm>
#include <utility>

#include "gemmetry/measure/host_clock.h"

namespace gemmetry::cli {

ServeSession::ServeSession(const RunOptions& run, const shape::Model& model, const ServeOptions& options,
                           std::int64_t capacity, std::vector<run::PassShape> shapes)
    : session_(run),
      model_(model),
      options_(options),
      capacity_(capacity),
      shapes_(std::move(shapes)),
      replay_(run.replay()),
      weights_(session_.weights(model, options.dtype())) {}

run::SlotDecoder& ServeSession::engine(Pin pin) {
  if (engine_ && pinned_ == pin) return *engine_;
  engine_.reset();  // before the next takes its memory
  run::SlotDecoderOptions how;
  how.slots = options_.slots();
  how.capacity = capacity_;
  how.replay = replay_;
  how.tuned = session_.tuned();
  how.windows = shapes_;
  how.pinned_products = pin == Pin::products || pin == Pin::all;
  how.decode_splits = pin == Pin::attention || pin == Pin::all ? how.verify_splits : 0;
  engine_ = std::make_unique<run::SlotDecoder>(session_.backend(), model_, weights_, how);
  pinned_ = pin;
  return *engine_;
}

void ServeSession::make_ready(run::SlotDecoder& engine, const run::Trace& trace, const run::ServeOptions& options) {
  std::int64_t longest = 1;
  for (const run::Request& request : trace) longest = std::max<std::int64_t>(longest, std::ssize(request.prompt));
  engine.make_ready(std::min<std::int64_t>(options_.slots(), std::ssize(trace)), longest);
  if (options.fixed_batch)
    engine.decode(std::vector<run::DecodeRow>(static_cast<std::size_t>(options_.slots()), {.slot = -1, .draw = {}}));
  if (options.verify)
    engine.verify(std::vector<run::WindowRows>(static_cast<std::size_t>(options.verify->batch),
                                               {.slot = -1, .tokens = {}, .draw = {}}),
                  options.verify->window);
}

run::Served ServeSession::serve(Pin pin, const run::Trace& trace, const run::ServeOptions& options) {
  run::SlotDecoder& decoder = engine(pin);
  make_ready(decoder, trace, options);
  measure::HostClock clock;
  return run::serve(decoder, trace, options, clock);
}

}  // namespace gemmetry::cli
