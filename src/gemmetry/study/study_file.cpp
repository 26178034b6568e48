#include "gemmetry/study/study_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "gemmetry/base/embedded_file.h"
#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/measure/axis.h"
#include "gemmetry/study/assignments.h"
#include "gemmetry/study/chart_file.h"
#include "gemmetry/study/claim_file.h"
#include "gemmetry/study/embedded_studies.h"
#include "gemmetry/study/model_rules.h"
#include "gemmetry/study/operator_rules.h"
#include "gemmetry/study/reading.h"

namespace gemmetry::study {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::int64_t most_points = 1'000'000;

/// Texts are shown on terminals and pages as they are.
void refuse_control_characters(const std::string& text, const std::string& source) {
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), is_control))
    throw Error(fmt::format("{}: the text {} has a control character: write it without", source, json(text).dump()));
}

/// The document with its keys as they are written, since axes and formulas have an order. Error for a key that stands
/// twice in an object.
ordered_json in_order(std::string_view text, const std::string& source) {
  using Event = ordered_json::parse_event_t;
  std::vector<std::set<std::string>> open;
  return ordered_json::parse(text, [&](int, Event event, ordered_json& value) {
    if (event == Event::value && value.is_string())
      refuse_control_characters(value.get_ref<const std::string&>(), source);
    if (event == Event::object_start) open.emplace_back();
    if (event == Event::object_end) open.pop_back();
    if (event == Event::key && !open.back().insert(value.get<std::string>()).second)
      throw Error(fmt::format("{}: key '{}' stands twice in one object", source, value.get<std::string>()));
    return true;
  });
}

/// Reads one file, part by part: each is checked with what stands before it.
class StudyReader {
 public:
  StudyReader(std::string_view text, const std::string& source)
      : document_(parse_json(text, source)), root_(document_, source), ordered_(in_order(text, source)) {}

  Study read(const std::string& name) {
    root_.refuse_unknown({"title", "figures", "source", "notes", "axes", "let", "where", "operator", "model",
                          "baseline", "series", "chart", "claims"});
    study_.name = name;
    study_.title = line(root_, "title");
    study_.source = line(root_, "source");
    study_.figures = lines("figures");
    study_.notes = lines("notes");
    read_axes();
    if (root_.has("let")) study_.let = let(root_.object("let"), ordered_.at("let"), false);
    study_.where = optional_formula(root_, "where");
    read_subject();
    if (root_.has("baseline")) study_.baseline = let(root_.object("baseline"), ordered_.at("baseline"), true);
    read_series();
    study_.chart = chart_from_json(root_.object("chart"), study_);
    check_names();
    study_.claims = claims_from_json(root_, names_);
    return std::move(study_);
  }

 private:
  std::vector<std::string> lines(std::string_view key) const {
    std::vector<std::string> all;
    if (!root_.has(key)) return all;
    for (const json& value : root_.array(key)) {
      const std::string place = fmt::format("{}[{}]", key, all.size());
      if (!value.is_string() || value.get_ref<const std::string&>().empty())
        root_.fail(key, fmt::format("expected a text at {}", place));
      if (std::find(all.begin(), all.end(), value.get<std::string>()) != all.end())
        root_.fail(key, fmt::format("{} stands there twice", place));
      all.push_back(value.get<std::string>());
    }
    return all;
  }

  static void require_name(const JsonObject& object, const std::string& name) {
    if (!is_name(name))
      object.fail(name, "its key cannot name a variable: use letters, digits and '_', and no function's name");
  }

  void read_axes() {
    const JsonObject axes = root_.object("axes");
    for (const auto& [name, value] : ordered_.at("axes").items()) {
      require_name(axes, name);
      if (value.is_structured() || value.is_boolean() || value.is_null())
        axes.fail(name, "expected values, as in \"128:4096:128\", \"2^5..2^13\" or \"8,12,16\"");
      const std::string what = fmt::format("{}: key '{}'", root_.source(), axes.full_key(name));
      std::vector<std::int64_t> values = measure::axis_values(what, plain_text(axes, name), 0);
      study_.axes.push_back({name, without_repetitions(values)});
    }
    if (study_.axes.empty()) root_.fail("axes", "a study sweeps one variable at least");
  }

  static std::vector<std::int64_t> without_repetitions(const std::vector<std::int64_t>& values) {
    std::set<std::int64_t> seen;
    std::vector<std::int64_t> once;
    for (const std::int64_t value : values)
      if (seen.insert(value).second) once.push_back(value);
    return once;
  }

  std::vector<std::pair<std::string, Expression>> let(const JsonObject& object, const ordered_json& ordered,
                                                      bool of_series) const {
    std::vector<std::pair<std::string, Expression>> all;
    for (const auto& [name, value] : ordered.items()) {
      require_name(object, name);
      if (!of_series && is_axis(study_, name)) object.fail(name, "an axis has that name: choose another");
      all.emplace_back(name, formula(object, name));
    }
    return all;
  }

  void read_subject() {
    if (root_.has("operator") == root_.has("model"))
      root_.fail("operator", "a study has either an operator or a model");
    if (root_.has("operator"))
      study_.op = operator_rules_from_json(root_.object("operator"), root_.raw("operator"));
    else
      study_.model = model_rules_from_json(root_.object("model"));
  }

  void read_series() {
    if (!root_.has("series")) root_.fail("series", "a study has one series at least, as in [{\"label\": \"bf16\"}]");
    for (const json& value : root_.array("series")) {
      const std::size_t index = study_.series.size();
      const JsonObject object(value, root_.source(), fmt::format("series[{}]", index));
      study_.series.push_back(one_series(object, ordered_.at("series").at(index)));
    }
    if (study_.series.empty()) root_.fail("series", "a study has one series at least, as in [{\"label\": \"bf16\"}]");
    require_room();
  }

  Series one_series(const JsonObject& object, const ordered_json& ordered) const {
    object.refuse_unknown({"label", "let", "fields", "part", "clocks", "policy", "launch", "note"});
    Series series;
    series.label = line(object, "label");
    for (const Series& other : study_.series)
      if (other.label == series.label) object.fail("label", "another series has it too: give each its own");
    if (object.has("let")) series.let = let(object.object("let"), ordered.at("let"), true);
    if (object.has("fields")) {
      const JsonObject fields = object.object("fields");
      series.fields = study_.op ? operator_fields_from_json(fields, object.raw("fields"), study_.op->kind)
                                : model_fields_from_json(fields, object.raw("fields"));
    }
    if (object.has("part")) {
      if (!study_.model) object.fail("part", "an operator has no parts: a model has");
      series.part = part_from_json(object, "part");
    }
    reading(object, "clocks", [&] {
      if (object.has("clocks")) series.clocks = measure::clocks_from_name(object.string("clocks"));
    });
    reading(object, "policy", [&] {
      if (object.has("policy")) series.policy = measure::policy_from_name(object.string("policy"));
    });
    reading(object, "launch", [&] {
      if (object.has("launch")) series.launch = measure::replay_from_name(object.string("launch"));
    });
    if (object.has("note")) series.note = line(object, "note");
    return series;
  }

  void require_room() const {
    auto points = static_cast<std::int64_t>(study_.series.size());
    for (const Sweep& axis : study_.axes) {
      const auto values = static_cast<std::int64_t>(axis.values.size());
      if (points > most_points / values)
        root_.fail("axes", fmt::format("the combinations of all series are more than {} points: take larger steps",
                                       most_points));
      points *= values;
    }
  }

  /// Every name in a formula is one of its series'; what a series states of its operator or model is complete.
  void check_names() {
    const JsonObject chart = root_.object("chart");
    for (std::size_t i = 0; i < study_.series.size(); ++i) {
      const Series& series = study_.series[i];
      const std::vector<std::string> names = checked_names(study_, series);
      if (study_.where) study_.where->require_names(names);
      check_subject(i, names);
      if (std::find(names.begin(), names.end(), study_.chart.x) == names.end())
        refuse_choice(chart, "x", study_.chart.x, names);
      for (const std::optional<Expression>& formula : {study_.chart.color, study_.chart.row, study_.chart.panel})
        if (formula) formula->require_names(names);
      for (const auto& [name, formula] : study_.baseline) {
        formula.require_names(names);
        if (std::find(names.begin(), names.end(), name) == names.end())
          root_.object("baseline")
              .fail(name, fmt::format("no axis or formula has that name{}", did_you_mean(name, names)));
      }
      names_.push_back({series.label, names});
    }
  }

  void check_subject(std::size_t index, const std::vector<std::string>& names) const {
    const Series& series = study_.series[index];
    const auto check = [&](const Rules& rules) {
      for (const auto& [name, rule] : rules)
        if (rule.formula) rule.formula->require_names(names);
    };
    const auto refuse = [&](const std::string& problem) {
      throw Error(fmt::format("{}: key 'series[{}]' ('{}'): {}", root_.source(), index, series.label, problem));
    };
    if (study_.op) {
      const Rules rules = merged(*study_.op, series.fields);
      const std::vector<std::string> missing = missing_fields(study_.op->kind, rules);
      if (!missing.empty()) refuse(fmt::format("{} needs {}", study_.op->kind, fmt::join(missing, ", ")));
      check(rules);
    } else {
      const ModelRules rules = merged(*study_.model, series);
      if (const std::string problem = contradiction(rules); !problem.empty()) refuse(problem);
      check(rules.sizes);
      check(rules.workload);
    }
  }

  json document_;
  JsonObject root_;
  ordered_json ordered_;
  Study study_;
  std::vector<SeriesNames> names_;
};

}  // namespace

Study study_from_json(std::string_view text, const std::string& name, const std::string& source) {
  return StudyReader(text, source).read(name);
}

Study load_study(const std::string& name_or_path) {
  if (name_or_path.ends_with(".json"))
    return study_from_json(read_text_file(name_or_path), std::filesystem::path(name_or_path).stem().string(),
                           name_or_path);
  for (const EmbeddedFile& file : embedded_studies())
    if (file.name == name_or_path)
      return study_from_json(file.text, name_or_path, fmt::format("data/studies/{}.json", name_or_path));
  throw Error(fmt::format(
      "study '{}' is unknown{} (`gemmetry study list` names them; a path ending in .json reads a file of your own)",
      name_or_path.substr(0, 100), did_you_mean(name_or_path, study_names())));
}

std::vector<std::string> study_names() {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_studies()) names.emplace_back(file.name);
  return names;
}

}  // namespace gemmetry::study
