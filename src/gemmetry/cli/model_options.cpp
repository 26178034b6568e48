#include "gemmetry/cli/model_options.h"

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/shape/adapter.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::cli {
namespace {

constexpr auto group = "Model sizes (over those of MODEL, or on their own)";

}  // namespace

void ModelOptions::add_to(CLI::App& app) {
  add_text(app, "MODEL", "", "a preset (gemmetry models), or the path of a config.json, its folder, or a YAML file",
           [this](const std::string&, const std::string& text) {
             if (text.empty()) throw Error("MODEL = '': name a preset or a path; gemmetry models lists the presets");
             source_ = text;
           });

  const auto size = [&](const char* flag, std::optional<std::int64_t>& target, const char* description,
                        std::int64_t low = 1) {
    add_size(app, flag, target, description, low)->group(group)->each([this](const std::string&) { edited_ = true; });
  };
  const auto word = [&](const char* flag, std::optional<std::string>& target, const char* choices,
                        const char* description) {
    const auto read = [this, &target](const std::string&, const std::string& text) {
      target = text;
      edited_ = true;
    };
    add_text(app, flag, choices, description, read)->group(group);
  };
  const auto yes_no = [&](const char* flag, std::optional<bool>& target, bool value, const char* description) {
    const auto set = [this, &target, value] {
      target = value;
      edited_ = true;
    };
    return app.add_flag_callback(flag, set, description)->group(group);
  };

  size("--hidden", edit_.hidden, "hidden size h");
  size("--layers", edit_.layers, "layers L");
  size("--heads", edit_.heads, "attention heads a");
  size("--kv-heads", edit_.kv_heads, "key-value heads");
  size("--head-dim", edit_.head_dim, "dimension of a head; h/a unless stated");
  size("--ffn", edit_.ffn, "FFN width d_ff; 4h unless stated");
  size("--vocab", edit_.vocab, "vocabulary v");
  size("--max-positions", edit_.positions_max, "longest sequence");
  size("--window", edit_.window, "sliding window in tokens; 0: none", 0);
  size("--experts", edit_.experts, "routed experts; 0: none", 0);
  size("--experts-active", edit_.experts_active, "experts a token visits");
  size("--expert-width", edit_.expert_width, "FFN width of one expert");
  word("--activation", edit_.activation, "gelu|relu|silu|swiglu|geglu|reglu", "the last three have a gated FFN");
  word("--positions", edit_.positions, "learned|rotary|alibi|none", "how a token knows its place");
  word("--norm", edit_.norm, "layernorm|rmsnorm", "kind of the norms");
  yes_no("--parallel-residual", edit_.parallel_residual, true, "attention and FFN side by side");
  CLI::Option* tied = yes_no("--tied", edit_.tied, true, "the output head shares the token embedding");
  yes_no("--untied", edit_.tied, false, "the output head has a matrix of its own")->excludes(tied);
  const auto read_adapter = [this](const std::string&, const std::string& text) {
    edited_ = true;
    if (text.find(':') == std::string::npos) {
      edit_.adapter = shape::name(shape::adapter_kind_from_name(text));
      return;
    }
    const shape::Adapter adapter = shape::adapter_from_text(text);
    edit_.adapter = shape::name(adapter.kind);
    edit_.adapter_rank = adapter.rank;
  };
  add_text(app, "--adapter", "KIND:RANK", "houlsby (h), lin (l), lora or lora-merged, as in houlsby:64", read_adapter)
      ->group(group);
  CLI::Option* bias = yes_no("--bias", edit_.bias, true, "projections have biases");
  yes_no("--no-bias", edit_.bias, false, "projections have no biases")->excludes(bias);
}

bool ModelOptions::given() const { return named() || edited_; }

shape::Model ModelOptions::model() const { return made(edit_); }

shape::Model ModelOptions::without_adapter() const {
  shape::ModelEdit edit = edit_;
  edit.adapter = "none";
  edit.adapter_rank.reset();
  return made(edit);
}

shape::Model ModelOptions::made(const shape::ModelEdit& edit) const {
  if (named()) return shape::edited(shape::load_model(source_), edit);
  if (edited_) return shape::model_from_flags(edit);
  throw Error(
      "no model: name a preset (gemmetry models lists them) or a config.json, or give --hidden, --layers, --heads and "
      "--vocab");
}

}  // namespace gemmetry::cli
