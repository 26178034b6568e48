#include "gemmetry/cli/command.h"

#include <fmt/format.h>

#include "gemmetry/base/error.h"

namespace gemmetry::cli {

void require_no_options(const CLI::App& subcommand) {
  for (const CLI::Option* option : subcommand.get_options())
    if (option->count() > 0)
      throw Error(fmt::format("{} stands before {}: state it behind, as its option", option->get_name(),
                              subcommand.get_subcommands().front()->get_name()));
}

}  // namespace gemmetry::cli
