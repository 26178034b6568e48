#include "gemmetry/cli/app.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <new>
#include <sstream>

#include "gemmetry/backends/open.h"
#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/base/version.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/console.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/measure/sweep.h"

namespace gemmetry::cli {
namespace {

constexpr auto description = "What a transformer's shape costs on a GPU, why, and which shape to use instead.";

constexpr auto examples = R"(Examples:
  gemmetry explain gpt3-2.7b                      the operators, what each costs and why
  gemmetry check my/config.json --tp 1,2,4,8      the paper's rules, graded on this GPU
  gemmetry advise gpt3-2.7b --gpu h200            better shapes at the same parameter count
  gemmetry gemm 8192 10922 4096                   one product, its tiles and waves
  gemmetry measure gemm --m 8192 --n 10922 --k 4096   the same on this machine's GPU

gemmetry COMMAND --help says more of each. Exit status: 0 ok, 1 finding, 2 wrong usage or input, 3 no device.)";

constexpr std::size_t help_column = 34;

/// Only the program itself prints the help of every command.
void leave_out_help_all(CLI::App& app) {
  for (CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    sub->set_help_all_flag();
    leave_out_help_all(*sub);
  }
}

void build(CLI::App& app, Command& chosen) {
  app.description(description);
  app.footer(examples);
  app.get_formatter()->column_width(help_column);
  app.set_version_flag("--version", fmt::format("gemmetry {}", version), "print the version");
  app.set_help_flag("-h,--help", "print this help");
  app.set_help_all_flag("--help-all", "print the help of every command");
  add_explain(app, chosen);
  add_check(app, chosen);
  add_advise(app, chosen);
  add_gemm(app, chosen);
  add_predict(app, chosen);
  add_measure(app, chosen);
  add_tune(app, chosen);
  add_calibrate(app, chosen);
  add_validate(app, chosen);
  add_records(app, chosen);
  add_study(app, chosen);
  add_report(app, chosen);
  add_backends(app, chosen);
  add_models(app, chosen);
  add_gpus(app, chosen);
  add_nodes(app, chosen);
  add_completion(app, chosen);
  leave_out_help_all(app);
}

/// The innermost subcommand that was given, or the program itself.
const CLI::App& active(const CLI::App& app) {
  const std::vector<CLI::App*> given = app.get_subcommands();
  return given.empty() ? app : active(*given.front());
}

/// "measure gemm ", or nothing for the program itself.
std::string path_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent ? path_of(*parent) + command.get_name() + " " : "";
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

/// What to say of arguments that nothing takes.
std::string unexpected(const CLI::App& app) {
  const CLI::App& command = active(app);
  const std::vector<std::string> left = command.remaining();
  const std::string first = left.empty() ? "" : left.front().substr(0, left.front().find('='));
  if (first.starts_with("--"))
    return fmt::format("unknown option '{}'{} (gemmetry {}--help lists them)", first,
                       did_you_mean(first, flags_of(command)), path_of(command));
  if (first.size() > 1 && first[0] == '-' && first.find_first_not_of("0123456789.e", 1) == std::string::npos)
    return fmt::format("'{}': expected a number above 0", first);
  if (first.starts_with('-')) return fmt::format("unknown option '{}': options begin with two dashes", first);
  if (!command_names(command).empty())
    return fmt::format("unknown command '{}{}'{} (gemmetry {}--help lists them)", path_of(command), first,
                       did_you_mean(first, command_names(command)), path_of(command));
  return fmt::format("unexpected argument '{}' (gemmetry {}--help says what it takes)", first, path_of(command));
}

/// Reads the command line. Throws Error for wrong usage; returns false when help or the version was all that was asked
/// for.
bool parse(CLI::App& app, int argc, char** argv, const Console& console) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::Success& asked) {
    std::ostringstream text;
    app.exit(asked, text, text);
    console.write(text.str());
    return false;
  } catch (const CLI::ExtrasError&) {
    throw Error(unexpected(app));
  } catch (const CLI::ParseError& wrong) {
    throw Error(fmt::format("{} (gemmetry {}--help)", wrong.what(), path_of(active(app))));
  }
}

ExitCode run_program(int argc, char** argv, const Console& console) {
  CLI::App app;
  app.name("gemmetry");
  Command chosen;
  build(app, chosen);
  if (!parse(app, argc, argv, console)) return exit_ok;
  if (!chosen)
    throw Error(fmt::format("no command: use {} (gemmetry {}--help)", fmt::join(command_names(active(app)), ", "),
                            path_of(active(app))));
  return chosen(console);
}

}  // namespace

ExitCode run(int argc, char** argv) {
  const Console console;
  try {
    return run_program(argc, argv, console);
  } catch (const backends::NoDevice& missing) {
    console.complain(missing.what());
    return exit_no_device;
  } catch (const measure::BackendError& failed) {
    console.complain(failed.what());
    return exit_no_device;
  } catch (const measure::DeviceLost& lost) {
    console.complain(lost.what());
    return exit_no_device;
  } catch (const Error& error) {
    console.complain(error.what());
  } catch (const std::bad_alloc&) {
    console.complain("out of memory: use smaller sizes or fewer rows");
  } catch (const std::exception& error) {
    console.complain(fmt::format("unexpected: {}; please report this", error.what()));
  }
  return exit_bad_input;
}

}  // namespace gemmetry::cli
