#include <fmt/format.h>

#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/completion_script.h"

namespace gemmetry::cli {
namespace {

constexpr auto examples = R"(Examples:
  gemmetry completion bash > ~/.local/share/bash-completion/completions/gemmetry
  gemmetry completion zsh > "${fpath[1]}/_gemmetry"
  gemmetry completion fish > ~/.config/fish/completions/gemmetry.fish)";

struct Options {
  const CLI::App* app = nullptr;
  Shell shell = Shell::bash;
};

ExitCode run_completion(const Options& options, const Console& console) {
  console.write(completion_script(*options.app, options.shell));
  return exit_ok;
}

}  // namespace

void add_completion(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("completion", "a script that completes commands, options and names in a shell");
  auto options = std::make_shared<Options>();
  options->app = &app;
  add_choice(sub, "SHELL", options->shell, {Shell::bash, Shell::zsh, Shell::fish}, "the shell")
      ->required()
      ->default_str("");
  sub.footer(examples);
  set_command(sub, chosen, options, run_completion);
}

}  // namespace gemmetry::cli
