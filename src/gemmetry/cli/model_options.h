#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "gemmetry/shape/edit.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::cli {

/// Which model: a preset or file named as MODEL, sizes given as options, or options over a preset or file.
class ModelOptions {
 public:
  void add_to(CLI::App& app);

  /// Whether anything was said.
  bool given() const;
  /// Whether a preset or file was named.
  bool named() const { return !source_.empty(); }
  const shape::ModelEdit& edit() const { return edit_; }

  /// The model. Error when it is missing, unknown or inconsistent.
  shape::Model model() const;
  /// The same without the adapter that was asked for.
  shape::Model without_adapter() const;

 private:
  shape::Model made(const shape::ModelEdit& edit) const;

  std::string source_;
  shape::ModelEdit edit_;
  bool edited_ = false;
};

}  // namespace gemmetry::cli
