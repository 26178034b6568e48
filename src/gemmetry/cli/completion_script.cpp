#include "gemmetry/cli/completion_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "gemmetry/cli/recorded_device.h"
#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::cli {
namespace {

/// An option or positional as a shell sees it.
struct Entry {
  std::vector<std::string> flags;  ///< "--gpu"; none for a positional
  std::string description;
  bool takes_value = false;
  std::vector<std::string> words;  ///< what can follow; empty: a file, or a value that cannot be listed
};

struct Subcommand {
  std::string name;
  std::string description;
  std::vector<Entry> entries;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// The values an option takes: its type is written "a|b|c" where they are few, and names of the catalogues are known.
std::vector<std::string> words_of(const CLI::Option& option) {
  const std::string name = option.get_name();
  if (name == "MODEL") return shape::preset_names();
  if (name == "GPU" || name == "--gpu") return gpu::gpu_names();
  if (name == "NODE" || name == "--node") return gpu::node_names();
  if (name == "--device") {
    std::vector<std::string> devices{"cuda", "cpu"};
    for (const std::string& gpu : recorded_gpus()) devices.push_back("recorded:" + gpu);
    return devices;
  }
  const std::string type = option.get_type_name();
  return type.find('|') == std::string::npos ? std::vector<std::string>{} : split(type, '|');
}

Entry entry_of(const CLI::Option& option) {
  Entry entry;
  for (const std::string& flag : option.get_lnames()) entry.flags.push_back("--" + flag);
  for (const std::string& flag : option.get_snames()) entry.flags.push_back("-" + flag);
  entry.description = option.get_description();
  entry.takes_value = option.get_type_size() != 0;
  entry.words = words_of(option);
  return entry;
}

std::vector<const CLI::App*> children(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// Adds the options of `app` that are not there yet.
void add_entries(const CLI::App& app, std::vector<Entry>& entries) {
  for (const CLI::Option* option : app.get_options()) {
    Entry entry = entry_of(*option);
    const auto same = [&](const Entry& known) { return known.flags == entry.flags && !known.flags.empty(); };
    if (std::none_of(entries.begin(), entries.end(), same)) entries.push_back(std::move(entry));
  }
}

/// A command with commands of its own (measure gemm) offers their names and all their options.
std::vector<Subcommand> subcommands_of(const CLI::App& app) {
  std::vector<Subcommand> commands;
  for (const CLI::App* sub : children(app)) {
    Subcommand command{sub->get_name(), sub->get_description(), {}};
    add_entries(*sub, command.entries);
    Entry names;
    for (const CLI::App* child : children(*sub)) {
      names.words.push_back(child->get_name());
      add_entries(*child, command.entries);
    }
    if (!names.words.empty()) command.entries.insert(command.entries.begin(), std::move(names));
    commands.push_back(std::move(command));
  }
  return commands;
}

std::string bash_script(const std::vector<Subcommand>& commands) {
  std::string names, cases;
  for (const Subcommand& command : commands) {
    names += (names.empty() ? "" : " ") + command.name;
    std::string flags, words, values;
    for (const Entry& entry : command.entries) {
      const std::string list = fmt::format("{}", fmt::join(entry.words, " "));
      if (entry.flags.empty()) {
        words += (words.empty() ? "" : " ") + list;
        continue;
      }
      flags += (flags.empty() ? "" : " ") + fmt::format("{}", fmt::join(entry.flags, " "));
      if (entry.takes_value) values += fmt::format("        {}) words=\"{}\" ;;\n", fmt::join(entry.flags, "|"), list);
    }
    cases +=
        fmt::format("    {})\n      case $previous in\n{}        *) words=\"{}\"; flags=\"{}\" ;;\n      esac ;;\n",
                    command.name, values, words, flags);
  }
  return fmt::format(R"(# bash completion of gemmetry; made by: gemmetry completion bash
_gemmetry() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words="" flags=""
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "{} --help --version" -- "$current"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
  fi
}}
complete -o filenames -F _gemmetry gemmetry
)",
                     names, cases);
}

/// Text inside single quotes, with what zsh's _arguments and _describe read as their own marks escaped.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_script(const std::vector<Subcommand>& commands) {
  std::string list, cases;
  for (const Subcommand& command : commands) {
    list += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.description));
    cases += fmt::format("    {})\n      _arguments", command.name);
    for (const Entry& entry : command.entries) {
      const std::string words = fmt::format("{}", fmt::join(entry.words, " "));
      const std::string action =
          entry.words.empty()
              ? "_files"
              : fmt::format("{{_alternative \"words\\:value\\:({})\" \"files\\:file\\:_files\"}}", zsh_text(words));
      for (const std::string& flag : entry.flags)
        cases += fmt::format(" \\\n        '{}[{}]{}'", flag, zsh_text(entry.description),
                             entry.takes_value ? ":value:" + action : "");
      if (entry.flags.empty()) cases += fmt::format(" \\\n        ':{}:{}'", zsh_text(entry.description), action);
    }
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef gemmetry
# zsh completion of gemmetry; made by: gemmetry completion zsh
_gemmetry() {{
  local -a commands=(
{}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
{}  esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _gemmetry "$@"; else compdef _gemmetry gemmetry; fi
)",
                     list, cases);
}

std::string fish_text(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

std::string fish_script(const std::vector<Subcommand>& commands) {
  std::string script = "# fish completion of gemmetry; made by: gemmetry completion fish\n";
  for (const Subcommand& command : commands)
    script += fmt::format("complete -c gemmetry -f -n __fish_use_subcommand -a {} -d {}\n", command.name,
                          fish_text(command.description));
  for (const Subcommand& command : commands) {
    for (const Entry& entry : command.entries) {
      script += fmt::format("complete -c gemmetry -n '__fish_seen_subcommand_from {}'", command.name);
      for (const std::string& flag : entry.flags)
        script += flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
      if (entry.takes_value && !entry.flags.empty()) script += " -r";
      if (!entry.words.empty())
        script += fmt::format(" -a {}", fish_text(fmt::format("{}", fmt::join(entry.words, " "))));
      script += fmt::format(" -d {}\n", fish_text(entry.description));
    }
  }
  return script;
}

}  // namespace

std::string_view name(Shell shell) {
  switch (shell) {
    case Shell::bash:
      return "bash";
    case Shell::zsh:
      return "zsh";
    case Shell::fish:
      return "fish";
  }
  return "?";
}

std::string completion_script(const CLI::App& app, Shell shell) {
  const std::vector<Subcommand> commands = subcommands_of(app);
  switch (shell) {
    case Shell::bash:
      return bash_script(commands);
    case Shell::zsh:
      return zsh_script(commands);
    case Shell::fish:
      return fish_script(commands);
  }
  return "";
}

}  // namespace gemmetry::cli
