#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "gemmetry/advise/search.h"
#include "gemmetry/advise/start.h"
#include "gemmetry/base/error.h"
#include "gemmetry/cli/advise_adapter.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/workload_options.h"
#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using advise::Candidate;
using advise::SearchResult;
using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples = R"(Ctrl-C ends the search early and shows what was found until then (exit status 0).

Examples:
  gemmetry advise gpt3-2.7b --gpu h200
  gemmetry advise gpt3-2.7b --free all --depth-width-band 0.7..1.4
  gemmetry advise llama-2-7b --ffn 10922 --only ffn
  gemmetry advise --params 2.7e9 --attention unfused
  gemmetry advise my/config.json --phase decode --batch 32 --cache 8192 --pareto
  gemmetry advise gpt2-medium --adapter houlsby --slowdown 5% --batch 16 --seq 256      the largest rank
  gemmetry advise verify llama-3.1-8b --rate 12 --flip 0.45%      shapes of verified decoding's passes)";

constexpr std::string_view quality_note =
    "Ranked by predicted time alone: model quality is not predicted. Candidates of one group cannot be told apart.";

struct Options {
  ModelOptions model;
  WorkloadOptions workload{shape::Phase::training};
  GpuOptions gpu;
  OutputOptions output;
  advise::SearchOptions search;
  bool states_free = false;
  std::int64_t keep = 20;
  std::optional<std::int64_t> decode_cache;
  std::int64_t threads = 0;
  AdapterAdvice adapter;
};

/// The sizes a search may change, by the names of --free.
struct FreeSize {
  const char* name;
  bool advise::Free::*member;
};
constexpr FreeSize free_sizes[] = {
    {"heads", &advise::Free::heads}, {"kv_heads", &advise::Free::kv_heads}, {"ffn", &advise::Free::ffn},
    {"vocab", &advise::Free::vocab}, {"hidden", &advise::Free::hidden},     {"layers", &advise::Free::layers},
};

advise::Free nothing_free() {
  advise::Free free;
  for (const FreeSize& size : free_sizes) free.*size.member = false;
  return free;
}

void set_free(advise::Free& free, std::string_view what, std::string word, bool all_too) {
  std::replace(word.begin(), word.end(), '-', '_');
  std::vector<std::string> names;
  bool known = false;
  for (const FreeSize& size : free_sizes) {
    names.emplace_back(size.name);
    const bool meant = word == size.name || (all_too && word == "all");
    if (meant) free.*size.member = true;
    known = known || meant;
  }
  if (all_too) names.emplace_back("all");
  if (!known) refuse_word(what, word, names);
}

template <class Get>
Column<Candidate> size_column(const char* key, const char* heading, Get get) {
  return {{.key = std::string("model.") + key, .heading = heading},
          [get](const Candidate& c) { return Value(get(c.model)); }};
}

std::vector<Column<Candidate>> candidate_columns() {
  using Row = Candidate;
  using shape::Model;
  std::vector<Column<Row>> columns{
      {{.key = "group", .heading = "group", .once = true},
       [](const Row& c) { return Value(std::int64_t{c.group + 1}); }},
      {{.key = "gain", .heading = "gain", .unit = Unit::factor, .interval = true},
       [](const Row& c) { return Value(interval(c.gain)); },
       [](const Row& c) { return c.gain.low > 1 ? report::Tone::good : report::Tone::plain; }},
      {{.key = "time_per_token_s", .heading = "per token", .unit = Unit::seconds},
       [](const Row& c) { return Value(c.time_per_token_s); }},
      {{.key = "parameters", .heading = "parameters", .unit = Unit::count},
       [](const Row& c) { return Value(c.parameters); }},
      size_column("hidden", "h", [](const Model& m) { return m.hidden; }),
      size_column("layers", "L", [](const Model& m) { return m.layers; }),
      size_column("heads", "heads", [](const Model& m) { return m.attention.heads; }),
      size_column("kv_heads", "KV", [](const Model& m) { return m.attention.kv_heads; }),
      size_column("head_dim", "dim", [](const Model& m) { return m.attention.head_dim; }),
      size_column("ffn", "d_ff", [](const Model& m) { return m.ffn.width; }),
      size_column("expert_width", "", [](const Model& m) { return m.experts ? Value(m.experts->width) : Value(); }),
      size_column("vocab", "v", [](const Model& m) { return m.vocab; }),
      {{.key = "decode_time_s", .heading = "decode", .unit = Unit::seconds},
       [](const Row& c) { return c.decode_time_s ? Value(*c.decode_time_s) : Value(); }},
      {{.key = "kv_bytes_per_token", .heading = "KV per token", .unit = Unit::memory},
       [](const Row& c) { return c.kv_bytes_per_token ? Value(*c.kv_bytes_per_token) : Value(); }},
      {{.key = "change", .heading = "change", .wrap = true}, [](const Row& c) { return Value(c.change); }},
  };
  return columns;
}

/// What the search looked at.
std::vector<Column<SearchResult>> search_columns() {
  return {
      {{.key = "enumerated"}, [](const SearchResult& r) { return Value(r.enumerated); }},
      {{.key = "priced"}, [](const SearchResult& r) { return Value(r.seen); }},
      {{.key = "distinct_products"}, [](const SearchResult& r) { return Value(r.distinct_products); }},
      {{.key = "complete"}, [](const SearchResult& r) { return Value(r.complete); }},
      {{.key = "", .heading = "looked at"},
       [](const SearchResult& r) {
         return Value(fmt::format("{} shapes, {} of them within the tolerance, {} distinct products{}", r.enumerated,
                                  r.seen, r.distinct_products, r.complete ? "" : "; ended early"));
       }},
  };
}

std::vector<std::string> notes(const SearchResult& result) {
  std::vector<std::string> lines;
  if (result.complete && result.seen == 0)
    lines.emplace_back("No shape near yours has that many parameters: --params and --tolerance say how many.");
  else if (result.complete && !advise::anything_better(result))
    lines.emplace_back("Nothing better than your shape within the error.");
  if (!result.complete) lines.emplace_back("The search was ended early: there may be better shapes than these.");
  lines.emplace_back(quality_note);
  return lines;
}

/// Shows progress and ends the search on Ctrl-C.
class Watch {
 public:
  Watch(const Console& console, const Interrupt& interrupt) : console_(console), interrupt_(interrupt) {}
  ~Watch() { console_.progress(""); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  bool operator()(std::int64_t seen, std::int64_t all) {
    const double done = all > 0 ? static_cast<double>(seen) / static_cast<double>(all) : 0;
    console_.progress(fmt::format("searching: {:.0f} % of {} shapes (Ctrl-C ends it)", 100 * done,
                                  report::shown(static_cast<double>(all), Unit::count)));
    return !interrupt_.requested();
  }

 private:
  const Console& console_;
  const Interrupt& interrupt_;
};

SearchResult search(const shape::Model& model, const shape::Workload& workload, advise::SearchOptions options,
                    const op::CostModel& costs, const Console& console) {
  const Interrupt interrupt;
  Watch watch(console, interrupt);
  options.progress = [&](std::int64_t seen, std::int64_t all) { return watch(seen, all); };
  return advise::search(model, workload, options, costs);
}

shape::Model start(const Options& options) {
  if (options.model.named() || !options.search.parameters) return options.model.model();
  return shape::edited(advise::start_from_parameters(static_cast<double>(*options.search.parameters)),
                       options.model.edit());
}

constexpr std::int64_t most_kept = 10'000;
constexpr std::int64_t most_threads = 1024;

advise::SearchOptions search_options(const Options& options, const shape::Model& model) {
  advise::SearchOptions search = options.search;
  search.keep = static_cast<std::size_t>(std::min<std::int64_t>(options.keep, most_kept));
  search.decode_cache = options.decode_cache.value_or(default_cache(model));
  search.threads = static_cast<int>(std::min<std::int64_t>(options.threads, most_threads));
  if (!options.states_free && search.parameters && !options.model.named())
    search.free = {.heads = true, .kv_heads = false, .ffn = true, .vocab = true, .hidden = true, .layers = true};
  return search;
}

ExitCode run_advise(const Options& options, const Console& console) {
  if (options.adapter.asked(options.model.edit()))
    return advise_adapter(options.model, options.workload, options.gpu, options.output, options.adapter, console);
  const shape::Model model = start(options);
  const predict::Predictor predictor = options.gpu.predictor("", options.workload.phase());
  const shape::Workload workload = options.workload.workload(model, predictor.gpu());
  shape::require_possible(workload, model);
  const SearchResult result = search(model, workload, search_options(options, model), predictor, console);

  const auto table = [](const std::vector<Candidate>& candidates) {
    return report::List{make_table(candidate_columns(), candidates)};
  };
  report::Document document;
  document.csv = "candidates";
  document.sections = {
      model_section(model),
      workload_section(workload),
      gpu_section(predictor),
      {"current", "Now", report::Facts{make_table(candidate_columns(), result.current)}, false},
      {"", "Now", table({result.current})},
      {"candidates", "Shapes at the same parameter count, fastest first", table(result.candidates)},
  };
  if (options.search.pareto)
    document.sections.push_back(
        {"pareto", "None better in training time, decode time and KV bytes at once", table(result.pareto)});
  document.sections.push_back({"search", "", report::Facts{make_table(search_columns(), result)}});
  document.sections.push_back({"notes", "", report::Notes{notes(result)}});
  options.output.write(document, console);
  return exit_ok;
}

void add_search_options(CLI::App& sub, Options& options) {
  constexpr auto group = "Search";
  const auto set_only = [&options](const std::string& what, const std::string& text, bool list) {
    options.search.free = nothing_free();
    options.states_free = true;
    if (!list) return set_free(options.search.free, what, text, false);
    for (const std::string& word : comma_list(text)) set_free(options.search.free, what, word, true);
  };
  CLI::Option* free = add_text(sub, "--free", "heads,ffn,vocab,hidden,layers,kv_heads,all", "sizes that may change",
                               [=](const std::string& what, const std::string& text) { set_only(what, text, true); });
  free->default_str("heads,ffn,vocab")->group(group);
  add_text(sub, "--only", "heads|kv_heads|ffn|vocab|hidden|layers", "the one size that may change",
           [=](const std::string& what, const std::string& text) { set_only(what, text, false); })
      ->excludes(free)
      ->group(group);
  add_size(sub, "--params", options.search.parameters,
           "parameters to aim at, as in 2.7e9; without a MODEL it starts from a shape of that size")
      ->group(group);
  const auto add_share = [&](const char* flag, double& target, const char* shown, const char* description) {
    const auto read = [&target](const std::string& what, const std::string& text) {
      target = share(what, text);
      if (target >= 1) throw Error(what + " = '" + text + "': expected less than 100 %");
    };
    add_text(sub, flag, "SHARE", description, read)->default_str(shown)->group(group);
  };
  add_share("--tolerance", options.search.tolerance, "2%",
            "how many more parameters a shape may have, as in 2% or 0.02");
  add_share("--smaller", options.search.smaller, "0%", "how many fewer (a smaller model is faster for being smaller)");
  const auto add_band = [&](const char* flag, double& low, double& high, const char* description) {
    const auto read = [&low, &high](const std::string& what, const std::string& text) {
      const Band found = band(what, text);
      low = found.low;
      high = found.high;
    };
    add_text(sub, flag, "LOW..HIGH", description, read)->group(group);
  };
  add_band("--ffn-band", options.search.ffn_over_hidden_low, options.search.ffn_over_hidden_high,
           "FFN width over hidden size, as in 2..5; a quarter around the model's own unless stated");
  add_band("--depth-width-band", options.search.depth_over_width_low, options.search.depth_over_width_high,
           "layers over hidden size, relative to the model's; 0.5..2 unless stated");
  add_size(sub, "--keep", options.keep, "candidates to show")->group(group);
  sub.add_flag("--pareto", options.search.pareto, "also the front of training time, decode time and KV bytes")
      ->group(group);
  add_size(sub, "--decode-batch", options.search.decode_batch, "of --pareto: sequences decoded together")->group(group);
  add_size(sub, "--decode-cache", options.decode_cache, "of --pareto: tokens in the cache of each", 0)->group(group);
  add_size(sub, "--threads", options.threads, "threads to search with; 0: as many as the machine has", 0)->group(group);
}

}  // namespace

void add_advise(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("advise", "better shapes at the same parameter count, ranked by time per token");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  add_search_options(sub, *options);
  options->adapter.add_to(sub);
  options->workload.add_to(sub);
  options->gpu.add_to(sub);
  options->output.add_to(sub);
  add_advise_verify(sub, chosen);
  sub.footer(examples);
  set_command(sub, chosen, options, run_advise);
}

}  // namespace gemmetry::cli
