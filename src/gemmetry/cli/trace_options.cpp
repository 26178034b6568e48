#include "gemmetry/cli/trace_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/trace_file.h"

namespace gemmetry::cli {
namespace {

using run::LengthKind;

constexpr std::int64_t usual_most = 5;  // means: what lies beyond is 2 % of lognormal lengths

}  // namespace

TraceOptions::TraceOptions() {
  random_.rate_per_s = 12;
  random_.requests = 200;
  random_.prompt = {LengthKind::fixed, 256};
  random_.new_tokens = {LengthKind::lognormal, 205};
}

void TraceOptions::add_to(CLI::App& app, bool from_file) {
  constexpr auto group = "Requests";
  const auto of_random = [this](CLI::Option* option) {
    of_random_.push_back(option);
    return option->group(group);
  };
  const auto read_rate = [this](const std::string& what, const std::string& text) {
    random_.rate_per_s = number(what, text);
    if (!(random_.rate_per_s > 0)) refuse_text(what, text, "requests a second, over 0");
  };
  add_text(app, "--rate", "R", "requests that arrive a second, as a Poisson process", read_rate)
      ->default_str("12")
      ->group(group);
  of_random(add_size(app, "--requests", random_.requests, "requests"));
  of_random(add_size(app, "--prompt", random_.prompt.mean, "tokens of a prompt, on average"));
  of_random(add_size(app, "--new-tokens", random_.new_tokens.mean, "tokens of an answer, on average"));
  const std::initializer_list<LengthKind> kinds{LengthKind::fixed, LengthKind::uniform, LengthKind::lognormal};
  of_random(add_choice(app, "--prompt-lengths", random_.prompt.kind, kinds, "how prompts' lengths spread"));
  of_random(add_choice(app, "--lengths", random_.new_tokens.kind, kinds, "how answers' lengths spread"));
  of_random(
      add_size(app, "--most-prompt", most_prompt_, "tokens of the longest prompt; five times the mean unless stated"));
  of_random(add_size(app, "--most-new-tokens", most_new_tokens_, "tokens of the longest answer; the same"));
  const auto read_order = [this](const std::string& what, const std::string& text) {
    order_ = whole_number(what, text, 0);
  };
  add_text(app, "--order", "SEED", "the same requests in another order, at other times of that rate", read_order)
      ->group(group);
  if (from_file)
    app.add_option("--trace", file_,
                   "requests of a file, CSV or .jsonl: arrival_s, prompt or prompt_tokens, new_tokens")
        ->type_name("FILE")
        ->group(group);
}

run::TraceOptions TraceOptions::limited() const {
  run::TraceOptions options = random_;
  options.prompt.most = most_prompt_.value_or(usual_most * options.prompt.mean);
  options.new_tokens.most = most_new_tokens_.value_or(usual_most * options.new_tokens.mean);
  return options;
}

std::string TraceOptions::text() const {
  const auto lengths = [](const run::Lengths& l) {
    return l.kind == LengthKind::fixed ? fmt::format("fixed {}", l.mean)
                                       : fmt::format("{} {} (to {})", name(l.kind), l.mean, l.most);
  };
  const run::TraceOptions random = limited();
  std::string text = file_.empty() ? fmt::format("{} requests of {} + {} tokens", random.requests,
                                                 lengths(random.prompt), lengths(random.new_tokens))
                                   : fmt::format("requests of {}", file_);
  if (order_) text += fmt::format(", order {}", *order_);
  return text;
}

run::Trace TraceOptions::trace(std::int64_t vocab, std::uint64_t seed) const {
  return trace(vocab, seed, random_.rate_per_s);
}

run::Trace TraceOptions::trace(std::int64_t vocab, std::uint64_t seed, double rate_per_s) const {
  run::Trace trace;
  if (!file_.empty()) {
    for (const CLI::Option* option : of_random_)
      if (option->count() > 0)
        throw Error(fmt::format("{} is of random requests, --trace takes those of a file: leave out either",
                                option->get_name()));
    trace = read_trace(file_, vocab, seed);
    run::require_valid(trace, std::int64_t{1} << 40, file_);
  } else {
    run::TraceOptions options = limited();
    options.vocab = vocab;
    options.seed = seed;
    options.rate_per_s = rate_per_s;
    trace = run::random_trace(options);
  }
  return order_ ? run::reordered(std::move(trace), rate_per_s, static_cast<std::uint64_t>(*order_)) : trace;
}

std::int64_t longest_request(const run::Trace& trace, const shape::Model& model) {
  std::int64_t most = 1;
  for (const run::Request& request : trace) most = std::max(most, std::ssize(request.prompt) + request.new_tokens);
  if (model.positions == shape::Positions::learned && most > model.position_rows)
    throw Error(
        fmt::format("the longest request has {} tokens, prompt and answer, and {} has {} positions: --most-prompt and "
                    "--most-new-tokens cut them",
                    most, model.name, model.position_rows));
  return most;
}

}  // namespace gemmetry::cli
