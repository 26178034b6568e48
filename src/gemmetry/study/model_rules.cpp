#include "gemmetry/study/model_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <utility>
#include <variant>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/base/text_value.h"
#include "gemmetry/op/field_text.h"
#include "gemmetry/op/layer.h"
#include "gemmetry/shape/edit.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/workload.h"
#include "gemmetry/study/model_part.h"
#include "gemmetry/study/reading.h"

namespace gemmetry::study {
namespace {

using shape::ModelEdit;
using shape::Workload;

/// What the rules of a model set.
struct Target {
  ModelEdit sizes;
  Workload workload;
};

using Number = std::optional<std::int64_t> ModelEdit::*;
using Choice = std::optional<std::string> ModelEdit::*;
using Flag = std::optional<bool> ModelEdit::*;
using WorkloadNumber = std::int64_t Workload::*;
using WorkloadWord = void (*)(Workload& workload, const std::string& word);

/// One row of the table of what a study states of a model and its workload.
struct ModelField {
  std::string_view name;
  std::variant<Number, Choice, Flag, WorkloadNumber, WorkloadWord> place;
  std::int64_t low = 1;  ///< of a number
};

template <class Enum>
Enum chosen(std::string_view what, const std::string& word, std::initializer_list<Enum> choices) {
  std::vector<std::string> names;
  for (const Enum choice : choices) {
    if (shape::name(choice) == word) return choice;
    names.emplace_back(shape::name(choice));
  }
  refuse_word(what, word, names);
}

void set_phase(Workload& workload, const std::string& word) {
  using enum shape::Phase;
  workload.phase = chosen("phase", word, {forward, training, prefill, decode});
}
void set_dtype(Workload& workload, const std::string& word) { workload.dtype = shape::dtype_from_name(word); }
void set_attention(Workload& workload, const std::string& word) {
  using enum shape::AttentionKind;
  workload.attention = chosen("attention", word, {fused, unfused, eager});
}
void set_projections(Workload& workload, const std::string& word) {
  using enum shape::Projections;
  workload.projections = chosen("projections", word, {fused, hf});
}

const std::array size_fields{
    ModelField{"hidden", &ModelEdit::hidden},
    ModelField{"layers", &ModelEdit::layers},
    ModelField{"heads", &ModelEdit::heads},
    ModelField{"kv_heads", &ModelEdit::kv_heads},
    ModelField{"head_dim", &ModelEdit::head_dim},
    ModelField{"ffn", &ModelEdit::ffn},
    ModelField{"vocab", &ModelEdit::vocab},
    ModelField{"positions_max", &ModelEdit::positions_max},
    ModelField{"window", &ModelEdit::window, 0},
    ModelField{"activation", &ModelEdit::activation},
    ModelField{"positions", &ModelEdit::positions},
    ModelField{"norm", &ModelEdit::norm},
    ModelField{"parallel_residual", &ModelEdit::parallel_residual},
    ModelField{"tied", &ModelEdit::tied},
    ModelField{"bias", &ModelEdit::bias},
    ModelField{"adapter", &ModelEdit::adapter},
    ModelField{"adapter_rank", &ModelEdit::adapter_rank, 0},
};
const std::array workload_fields{
    ModelField{"phase", &set_phase},
    ModelField{"batch", &Workload::batch},
    ModelField{"sequence", &Workload::sequence},
    ModelField{"cache", &Workload::cache, 0},
    ModelField{"new_tokens", &Workload::new_tokens},
    ModelField{"dtype", &set_dtype},
    ModelField{"tensor_parallel", &Workload::tensor_parallel},
    ModelField{"attention", &set_attention},
    ModelField{"projections", &set_projections},
};

const ModelField* find(std::span<const ModelField> fields, std::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const ModelField& one) { return one.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool takes_number(const ModelField& field) {
  return std::holds_alternative<Number>(field.place) || std::holds_alternative<WorkloadNumber>(field.place);
}

void set_number(const ModelField& field, std::int64_t value, Target& target) {
  if (value < field.low) refuse_text(field.name, fmt::format("{}", value), fmt::format("a number from {}", field.low));
  if (const auto* number = std::get_if<Number>(&field.place)) target.sizes.*(*number) = value;
  if (const auto* number = std::get_if<WorkloadNumber>(&field.place)) target.workload.*(*number) = value;
}

void set_word(const ModelField& field, const std::string& word, Target& target) {
  if (const auto* choice = std::get_if<Choice>(&field.place)) target.sizes.*(*choice) = word;
  if (const auto* set = std::get_if<WorkloadWord>(&field.place)) (*set)(target.workload, word);
  if (const auto* flag = std::get_if<Flag>(&field.place)) {
    bool value = false;
    op::read(field.name, word, true, value);
    target.sizes.*(*flag) = value;
  }
}

/// Tries a word on the smallest model, since only an edit knows the words of sizes.
void try_word(const ModelField& field, const std::string& word) {
  Target target;
  set_word(field, word, target);
  target.sizes.hidden = target.sizes.heads = target.sizes.layers = target.sizes.vocab = 1;
  if (target.sizes.adapter) target.sizes.adapter_rank = 1;
  shape::model_from_flags(target.sizes);
}

Rule rule_from_json(const JsonObject& object, const std::string& key, const ModelField& field) {
  if (takes_number(field)) {
    Rule rule{"", formula(object, key)};
    if (rule.formula->names().empty()) {
      Target scratch;
      const std::int64_t value = rule.formula->value({});
      reading(object, key, [&] { set_number(field, value, scratch); });
    }
    return rule;
  }
  std::string word = plain_text(object, key);
  reading(object, key, [&] { try_word(field, word); });
  return {std::move(word), std::nullopt};
}

std::vector<std::string> names(std::span<const ModelField> fields) {
  std::vector<std::string> all;
  for (const ModelField& field : fields) all.emplace_back(field.name);
  return all;
}

Rules rules_from_json(const JsonObject& object, const nlohmann::json& value, std::span<const ModelField> fields,
                      std::string_view kind) {
  Rules rules;
  for (const std::string& key : keys(value)) {
    const ModelField* field = find(fields, key);
    if (field == nullptr) object.fail(key, fmt::format("unknown {}{}", kind, did_you_mean(key, names(fields))));
    rules.emplace(key, rule_from_json(object, key, *field));
  }
  return rules;
}

/// A field that each point sets anew.
struct Setter {
  const ModelField* field;
  Expression formula;
};

void apply(const Rules& rules, std::span<const ModelField> fields, Target& target, std::vector<Setter>& setters) {
  for (const auto& [name, rule] : rules) {
    const ModelField* field = find(fields, name);
    if (field == nullptr) throw Error(fmt::format("a model has no field '{}'", name));
    if (rule.formula)
      setters.push_back({field, *rule.formula});
    else
      set_word(*field, rule.word, target);
  }
}

/// What is executed where the rules ask for a whole.
const std::string& executed_part(const ModelRules& rules) { return rules.of.empty() ? rules.part : rules.of; }

/// Like the program's options: a cache as long as a sequence unless it is stated.
void finish(const ModelRules& rules, Workload& workload) {
  if (workload.phase == shape::Phase::decode && !rules.workload.contains("cache")) workload.cache = workload.sequence;
}

}  // namespace

ModelRules model_rules_from_json(const JsonObject& object) {
  object.refuse_unknown({"model", "sizes", "workload", "part", "of", "whole"});
  ModelRules rules;
  if (object.has("model")) {
    rules.model = line(object, "model");
    const std::vector<std::string> presets = shape::preset_names();
    if (std::find(presets.begin(), presets.end(), rules.model) == presets.end())
      object.fail("model", fmt::format("no model of that name is built in{}", did_you_mean(rules.model, presets)));
  }
  if (object.has("sizes"))
    rules.sizes = rules_from_json(object.object("sizes"), object.raw("sizes"), size_fields, "size of a model");
  if (object.has("workload"))
    rules.workload =
        rules_from_json(object.object("workload"), object.raw("workload"), workload_fields, "field of a workload");
  rules.part = part_from_json(object, "part");
  if (object.has("of")) rules.of = part_from_json(object, "of");
  rules.whole = object.boolean_or("whole", false);
  return rules;
}

std::string part_from_json(const JsonObject& object, std::string_view key) {
  const std::string text = line(object, key);
  const std::vector<std::string> names = part_names();
  for (const std::string& part : parts_of(text))
    if (std::find(names.begin(), names.end(), part) == names.end()) refuse_choice(object, key, part, names);
  return text;
}

Rules model_fields_from_json(const JsonObject& object, const nlohmann::json& value) {
  std::vector<ModelField> all(size_fields.begin(), size_fields.end());
  all.insert(all.end(), workload_fields.begin(), workload_fields.end());
  return rules_from_json(object, value, all, "field of a model or workload");
}

ModelRules merged(const ModelRules& rules, const Series& series) {
  ModelRules all = rules;
  if (!series.part.empty()) all.part = series.part;
  for (const auto& [name, rule] : series.fields)
    (find(size_fields, name) != nullptr ? all.sizes : all.workload).insert_or_assign(name, rule);
  return all;
}

std::string contradiction(const ModelRules& rules) {
  if (rules.model.empty()) {
    std::vector<std::string> missing;
    for (const char* size : {"hidden", "layers", "heads", "vocab"})
      if (!rules.sizes.contains(size)) missing.emplace_back(size);
    if (!missing.empty())
      return fmt::format("a model without a preset needs the sizes {}: state them, or name a preset",
                         fmt::join(missing, ", "));
  }
  if (rules.sizes.contains("adapter") != rules.sizes.contains("adapter_rank"))
    return "an adapter needs both adapter and adapter_rank, of which 0 is none";
  if (rules.workload.contains("cache") && !decodes(rules))
    return "a cache is for the phase decode only: leave it out, or say so";
  if (rules.whole && !whole_kind(executed_part(rules)))
    return fmt::format("'{}' is not executed in one piece: take layer, attention block or model, or a share of one",
                       executed_part(rules));
  if (!rules.of.empty() && modules_of(rules.part).empty())
    return fmt::format("the share of '{}' is asked for: name modules, as in \"part\": \"QKV Transform\"", rules.part);
  return "";
}

bool decodes(const ModelRules& rules) {
  const auto phase = rules.workload.find("phase");
  return phase != rules.workload.end() && phase->second.word == "decode";
}

Maker model_maker(const ModelRules& rules, op::Dtype dtype) {
  Target usual;
  usual.workload.dtype = dtype;
  std::vector<Setter> setters;
  apply(rules.sizes, size_fields, usual, setters);
  apply(rules.workload, workload_fields, usual, setters);
  std::optional<shape::Model> preset;
  if (!rules.model.empty()) preset = shape::preset(rules.model);

  return [=](const Variables& variables) {
    Target target = usual;
    for (const Setter& setter : setters) set_number(*setter.field, setter.formula.value(variables), target);
    finish(rules, target.workload);
    const shape::Model model = preset ? shape::edited(*preset, target.sizes) : shape::model_from_flags(target.sizes);
    shape::validate(target.workload, model);
    shape::require_possible(target.workload, model);
    Work work{operators_of(rules.part, model, target.workload), static_cast<double>(shape::tokens(target.workload))};
    if (!rules.of.empty()) work.of = operators_of(rules.of, model, target.workload);
    if (!rules.whole) return work;
    work.whole = measure::Whole{.kind = *whole_kind(executed_part(rules)), .model = model, .workload = target.workload};
    if (!rules.of.empty()) work.modules = modules_of(rules.part);
    // What is executed of a layer's training step has the update of its parameters too.
    if (work.whole->kind == measure::WholeKind::layer && target.workload.phase == shape::Phase::training)
      work.operators.push_back({op::layer_steps(model, target.workload).back().op, 1});
    return work;
  };
}

}  // namespace gemmetry::study
