#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "gemmetry/run/serve/server.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::cli {

/// What products and attention of decoding must not choose by the live batch. Verification is pinned always.
enum class Pin { none, products, attention, all };
std::string_view name(Pin pin);

/// How requests are served by a model.
class ServeOptions {
 public:
  void add_to(CLI::App& app);

  std::int64_t slots() const { return slots_; }
  shape::Dtype dtype() const { return dtype_; }
  float temperature() const { return temperature_; }
  double deterministic() const { return deterministic_; }
  Pin pin() const { return pin_; }
  const std::string& inject() const { return inject_; }

  /// Mismatches that are injected into windows of this length; none unless asked for.
  run::DraftChange change(std::int64_t window, std::uint64_t seed) const;

 private:
  std::int64_t slots_ = 64;
  shape::Dtype dtype_ = shape::Dtype::bf16;
  float temperature_ = 1;
  double deterministic_ = 1;
  Pin pin_ = Pin::none;
  std::string inject_;
  std::optional<double> bernoulli_;
  std::optional<std::int64_t> forced_;
};

/// A shape of verification passes, "8x64". Error for any other text.
run::PassShape pass_shape(std::string_view what, std::string_view text);

}  // namespace gemmetry::cli
