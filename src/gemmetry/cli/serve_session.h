#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gemmetry/cli/run_options.h"
#include "gemmetry/cli/serve_options.h"
#include "gemmetry/run/serve/server.h"
#include "gemmetry/run/serve/slot_decoder.h"
#include "gemmetry/run/serve/trace.h"

namespace gemmetry::cli {

/// A model on a device with its weights, on which traces are served one after the other.
class ServeSession {
 public:
  /// `capacity`: tokens of the longest request; `shapes`: all that verification passes will have. Error for what cannot
  /// be executed.
  ServeSession(const RunOptions& run, const shape::Model& model, const ServeOptions& options, std::int64_t capacity,
               std::vector<run::PassShape> shapes);

  RunSession& run() { return session_; }
  const shape::Model& model() const { return model_; }
  const ServeOptions& options() const { return options_; }
  std::int64_t capacity() const { return capacity_; }

  /// The engine whose decoding is pinned so, made where it is not the one of last time. Error where it does not fit.
  run::SlotDecoder& engine(Pin pin);

  /// Serves a trace by the host's clock. What it needs is planned before, so that no request waits for it.
  run::Served serve(Pin pin, const run::Trace& trace, const run::ServeOptions& options);

 private:
  void make_ready(run::SlotDecoder& engine, const run::Trace& trace, const run::ServeOptions& options);

  RunSession session_;
  const shape::Model& model_;
  const ServeOptions& options_;
  std::int64_t capacity_;
  std::vector<run::PassShape> shapes_;
  measure::Replay replay_;
  run::Weights weights_;
  Pin pinned_ = Pin::none;
  std::unique_ptr<run::SlotDecoder> engine_;
};

}  // namespace gemmetry::cli
