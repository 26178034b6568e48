#include "gemmetry/cli/operator_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <type_traits>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/csv_reader.h"
#include "gemmetry/cli/operator_rows.h"
#include "gemmetry/op/field_text.h"
#include "gemmetry/op/kinds.h"
#include "gemmetry/report/value.h"

namespace gemmetry::cli {
namespace {

struct FieldHelp {
  std::string_view field;
  const char* text;
};

/// What a field is, where its name does not say it.
constexpr FieldHelp field_help[] = {
    {"batch", "independent ones at once: of products, or of sequences"},
    {"m", "rows of the result"},
    {"n", "columns of the result"},
    {"k", "inner size, which is summed over"},
    {"layout", "nt: x W^T, a linear layer; nn: x W; tn: x^T W"},
    {"epilogue", "what the product's kernel does with its result"},
    {"experts", "matrices the rows are spread over"},
    {"queries", "query tokens of a sequence"},
    {"keys", "key tokens of a sequence, its queries among them; as many as queries unless said"},
    {"heads", "heads of queries; in rotary of keys too"},
    {"kv_heads", "heads of keys and values; as many as heads unless said"},
    {"head_dim", "dimension of a head of queries and keys"},
    {"value_dim", "dimension of a head of values; head-dim unless said"},
    {"window", "keys a query sees at most; 0: all"},
    {"causal", "queries see no later keys; true unless said"},
    {"backward", "the gradients instead of the forward pass"},
    {"norm", "kind of the norm"},
    {"masked", "with scale and causal mask; true unless said"},
    {"function", "what is computed"},
    {"gated", "the product with a second input of the same size"},
    {"dim", "rotated part of a head"},
    {"dropout", "with dropout"},
    {"bias", "with a bias"},
    {"positions", "learned positions are added"},
    {"vocab", "vocabulary"},
    {"parameters", "weights that are updated"},
    {"read_bytes", "read of one element"},
    {"write_bytes", "written of one element"},
    {"dtype", "type of the operands; bf16 unless said, fp32 on a CPU"},
};

std::string help_of(std::string_view field) {
  for (const FieldHelp& help : field_help)
    if (help.field == field) return help.text;
  return "";
}

// What --help says a field of each type takes.

constexpr const char* type_of(std::int64_t) { return "VALUES"; }
constexpr const char* type_of(double) { return "VALUES"; }
constexpr const char* type_of(bool) { return "true|false"; }
constexpr const char* type_of(shape::Dtype) { return "bf16|fp16|fp8|tf32|fp32"; }
constexpr const char* type_of(shape::NormKind) { return "layer_norm|rms_norm"; }
constexpr const char* type_of(shape::Activation) { return "gelu|relu|silu"; }
constexpr const char* type_of(op::Layout) { return "nt|nn|tn"; }
constexpr const char* type_of(op::Epilogue) { return "none|bias|gelu|bias_gelu|bias_gradient"; }
constexpr const char* type_of(op::Function) { return "copy|scale|mask|cast|add|append|permute|combine|top_k|soft_cap"; }
constexpr const char* type_of(op::CollectiveKind) { return "WORDS"; }
constexpr const char* type_of(op::Span) { return "WORDS"; }

/// Fields that follow another one, or the device, when they are not given.
bool follows_another(std::string_view field) {
  return field == "keys" || field == "kv_heads" || field == "value_dim" || field == "dtype";
}

}  // namespace

std::string flag_of(std::string_view field) {
  std::string flag = "--" + std::string(field);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

void OperatorSource::add_to(CLI::App& app) {
  app.add_option("FILE", file_, "sizes from a CSV file, written @sizes.csv, or @- for standard input")->type_name("");
  const op::Operator defaults = op::operator_of_kind(kind_);
  std::visit(
      [&]<class Op>(const Op& usual) {
        op::for_each_field<Op>([&](const auto& field) {
          const auto take = [this, name = std::string(field.name)](const CLI::results_t& results) {
            axes_.push_back({name, results.empty() || results.front().empty() ? "true" : results.front()});
            return true;
          };
          const auto& value = usual.*field.member;
          using Value = std::remove_cvref_t<decltype(value)>;
          CLI::Option* option = app.add_option(flag_of(field.name), take, help_of(field.name));
          option->type_name(type_of(value))->group("Sizes");
          if constexpr (std::is_same_v<Value, bool>)
            option->expected(0, 1);
          else if (!field.required && !follows_another(field.name)) {
            if constexpr (std::is_enum_v<Value>)
              option->default_str(std::string(op::word(value)));
            else
              option->default_str(fmt::format("{}", value));
          }
        });
      },
      defaults);
}

std::vector<op::Operator> OperatorSource::operators(shape::Dtype dtype) const {
  if (!file_.empty()) return from_file(dtype);
  require_sizes();
  const auto axis = [&](std::string_view name) {
    return std::find_if(axes_.begin(), axes_.end(), [&](const measure::Axis& a) { return a.field == name; });
  };
  if (kind_ == "attention" && axis("keys") == axes_.end()) return self_attention(axis("queries")->values, dtype);
  return measure::expand(kind_, axes_, dtype);
}

/// Queries see their own sequence: as many keys, whatever their number.
std::vector<op::Operator> OperatorSource::self_attention(const std::string& queries, shape::Dtype dtype) const {
  std::vector<op::Operator> ops;
  for (const std::int64_t tokens : measure::axis_values("queries", queries)) {
    std::vector<measure::Axis> axes = axes_;
    for (measure::Axis& axis : axes)
      if (axis.field == "queries") axis.values = fmt::format("{}", tokens);
    axes.push_back({"keys", fmt::format("{}", tokens)});
    for (const op::Operator& op : measure::expand(kind_, axes, dtype)) ops.push_back(op);
  }
  return measure::distinct(ops);
}

void OperatorSource::require_sizes() const {
  std::vector<std::string> missing;
  const op::Operator defaults = op::operator_of_kind(kind_);
  std::visit(
      [&]<class Op>(const Op&) {
        op::for_each_field<Op>([&](const auto& field) {
          const auto same = [&](const measure::Axis& axis) { return axis.field == field.name; };
          if (field.required && !follows_another(field.name) && std::none_of(axes_.begin(), axes_.end(), same))
            missing.push_back(flag_of(field.name));
        });
      },
      defaults);
  if (!missing.empty())
    throw Error(fmt::format("{} needs {} (values, ranges as in 128:1024:128 or 2^5..2^13, lists), or @FILE.csv", kind_,
                            fmt::join(missing, ", ")));
}

std::vector<op::Operator> OperatorSource::from_file(shape::Dtype dtype) const {
  if (!file_.starts_with('@'))
    throw Error(fmt::format("'{}': sizes are options (--m 4096), and a file of sizes is written @{}", file_, file_));
  if (!axes_.empty())
    throw Error(fmt::format("--{} and {}: give sizes as options or as a file, not both", axes_.front().field, file_));
  const std::string path = file_.substr(1);
  std::ifstream stream;
  if (path != "-") {
    if (std::filesystem::is_directory(path)) throw Error(path + ": is a directory; name a CSV file");
    stream.open(path, std::ios::binary);
    if (!stream) throw Error(path + ": cannot be read; name a CSV file, or @- for standard input");
  }
  CsvReader reader(path == "-" ? std::cin : stream, path == "-" ? "standard input" : path);
  OperatorRows rows(kind_, dtype, reader);
  std::vector<op::Operator> ops;
  op::Operator op;
  for (std::vector<report::Value> cells; rows.next(op, cells);) ops.push_back(op);
  if (ops.empty()) throw Error(reader.source() + ": has no rows; each row is one operator");
  return measure::distinct(ops);
}

}  // namespace gemmetry::cli
