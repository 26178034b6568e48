#include "gemmetry/study/claim_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "gemmetry/base/error.h"
#include "gemmetry/study/reading.h"

namespace gemmetry::study {
namespace {

constexpr std::array<Word<Take>, 4> takes{
    {{"median", Take::median}, {"mean", Take::mean}, {"lowest", Take::lowest}, {"highest", Take::highest}}};
constexpr std::array<Word<Direction>, 2> directions{{{"up", Direction::up}, {"down", Direction::down}}};

/// Reads one condition.
class ConditionReader {
 public:
  ConditionReader(const JsonObject& object, const std::vector<SeriesNames>& series)
      : object_(object), series_(series) {}

  Condition read() const {
    struct Kind {
      std::string_view type;
      Condition (ConditionReader::*read)() const;
    };
    constexpr std::array kinds{
        Kind{"ratio", &ConditionReader::ratio},           Kind{"ordering", &ConditionReader::ordering},
        Kind{"monotone", &ConditionReader::monotone},     Kind{"period", &ConditionReader::period},
        Kind{"saturation", &ConditionReader::saturation}, Kind{"linear", &ConditionReader::linear},
    };
    const std::string type = object_.string("type");
    std::vector<std::string> types;
    for (const Kind& kind : kinds) {
      if (kind.type == type) return (this->*kind.read)();
      types.emplace_back(kind.type);
    }
    refuse_choice(object_, "type", type, types);
  }

 private:
  Condition ratio() const {
    object_.refuse_unknown({"type", "of", "over", "take", "match", "at_least", "at_most"});
    RatioCondition ratio;
    ratio.of = selection("of");
    if (!object_.has("over")) object_.fail("over", "a ratio needs the points that `of` is compared with");
    ratio.over = selection("over");
    if (same(ratio.of, ratio.over)) object_.fail("over", "selects the points of `of`: their ratio is always 1");
    ratio.take = word_or<Take>(object_, "take", takes, Take::median);
    if (object_.has("match")) ratio.match = varying("match");
    ratio.at_least = positive("at_least");
    ratio.at_most = positive("at_most");
    if (!ratio.at_least && !ratio.at_most) object_.fail("at_least", "a ratio needs at_least or at_most");
    if (ratio.at_least && ratio.at_most && *ratio.at_least > *ratio.at_most)
      object_.fail("at_least", fmt::format("no ratio can be over at_most = {} as well", *ratio.at_most));
    return ratio;
  }

  Condition ordering() const {
    object_.refuse_unknown({"type", "of", "by", "direction"});
    return OrderingCondition{selection("of"), varying("by"), direction()};
  }

  Condition monotone() const {
    object_.refuse_unknown({"type", "of", "direction", "share"});
    return MonotoneCondition{selection("of"), direction(), part("share", MonotoneCondition{}.share)};
  }

  Condition period() const {
    object_.refuse_unknown({"type", "of", "period", "fall"});
    const Selection of = selection("of");
    const Expression period = known_formula("period");
    if (period.names().empty() && period.value({}) < 1) object_.fail("period", "expected a number from 1");
    return PeriodCondition{of, period, part("fall", 0.02)};
  }

  Condition saturation() const {
    object_.refuse_unknown({"type", "of", "from", "within"});
    return SaturationCondition{selection("of"), known_formula("from"), part("within", 0.1)};
  }

  Condition linear() const {
    object_.refuse_unknown({"type", "of", "along", "within"});
    return LinearCondition{selection("of"), varying("along"), part("within", 0.05)};
  }

  Selection selection(std::string_view key) const {
    Selection selection;
    if (!object_.has(key)) return selection;
    const JsonObject object = object_.object(key);
    object.refuse_unknown({"series", "where"});
    if (object.has("series")) {
      selection.series = line(object, "series");
      std::vector<std::string> labels;
      for (const SeriesNames& one : series_) labels.push_back(one.label);
      if (std::find(labels.begin(), labels.end(), selection.series) == labels.end())
        refuse_choice(object, "series", selection.series, labels);
    }
    selection.where = optional_formula(object, "where");
    if (selection.where)
      for (const SeriesNames& one : series_)
        if (selection.series.empty() || one.label == selection.series) selection.where->require_names(one.names);
    return selection;
  }

  static bool same(const Selection& a, const Selection& b) {
    const auto where = [](const Selection& one) { return one.where ? one.where->text() : std::string(); };
    return a.series == b.series && where(a) == where(b);
  }

  /// A formula over the variables of every series.
  Expression known_formula(std::string_view key) const {
    Expression expression = formula(object_, key);
    for (const SeriesNames& one : series_) expression.require_names(one.names);
    return expression;
  }

  /// One that differs from point to point.
  Expression varying(std::string_view key) const {
    Expression expression = known_formula(key);
    if (expression.names().empty()) object_.fail(key, "names no variable: it is the same at every point");
    return expression;
  }

  Direction direction() const { return word_or<Direction>(object_, "direction", directions, Direction::up); }

  /// A share: above 0, 1 at most.
  double part(std::string_view key, double usual) const {
    const double value = object_.number_or(key, usual);
    if (value <= 0 || value > 1) object_.fail(key, "expected a share above 0 and of at most 1, as in 0.1");
    return value;
  }

  std::optional<double> positive(std::string_view key) const {
    const std::optional<double> value = object_.optional_number(key);
    if (value && *value <= 0) object_.fail(key, "expected a number above 0: times and throughputs are");
    return value;
  }

  const JsonObject& object_;
  const std::vector<SeriesNames>& series_;
};

Claim claim_from_json(const JsonObject& object, const std::vector<SeriesNames>& series) {
  object.refuse_unknown({"id", "text", "condition", "tolerance", "sms"});
  const std::string id = line(object, "id");
  const auto fits = [](char c) { return c == '-' || c == '_' || std::isalnum(static_cast<unsigned char>(c)); };
  if (!std::all_of(id.begin(), id.end(), fits)) object.fail("id", "expected letters, digits, '_' and '-'");
  const std::string text = line(object, "text");
  const double tolerance = object.number_or("tolerance", 0.02);
  if (tolerance < 0 || tolerance >= 1) object.fail("tolerance", "expected a share from 0 and below 1, as in 0.02");
  const JsonObject condition = object.object("condition");
  return {id, text, ConditionReader(condition, series).read(), tolerance, object.optional_integer("sms")};
}

}  // namespace

std::vector<Claim> claims_from_json(const JsonObject& study, const std::vector<SeriesNames>& series) {
  std::vector<Claim> claims;
  if (!study.has("claims")) return claims;
  for (const nlohmann::json& value : study.array("claims")) {
    const JsonObject object(value, study.source(), fmt::format("claims[{}]", claims.size()));
    Claim claim = claim_from_json(object, series);
    for (const Claim& other : claims)
      if (other.id == claim.id) object.fail("id", "another claim has it too: give each its own");
    claims.push_back(std::move(claim));
  }
  return claims;
}

}  // namespace gemmetry::study
