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
#include "gemmetry/op/kinds.h"
#include "gemmetry/report/value.h"

namespace gemmetry::cli {
namespace {

/// "--kv-heads" for kv_heads.
std::string flag_of(std::string_view field) {
  std::string flag = "--" + std::string(field);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

/// Fields that follow another one when they are not given (op::complete, and an attention's keys).
bool follows_another(std::string_view kind, std::string_view field) { return kind == "attention" && field == "keys"; }

}  // namespace

void OperatorSource::add_to(CLI::App& app) {
  app.add_option("FILE", file_, "sizes from a CSV file, written @FILE, or @- for standard input")->type_name("@FILE");
  const op::Operator defaults = op::operator_of_kind(kind_);
  std::visit(
      [&]<class Op>(const Op&) {
        op::for_each_field<Op>([&](const auto& field) {
          using Value = std::remove_cvref_t<decltype(std::declval<Op>().*field.member)>;
          const bool flag = std::is_same_v<Value, bool>;
          const bool number = std::is_arithmetic_v<Value> && !flag;
          const auto take = [this, name = std::string(field.name)](const CLI::results_t& results) {
            axes_.push_back({name, results.empty() || results.front().empty() ? "true" : results.front()});
            return true;
          };
          CLI::Option* option = app.add_option(flag_of(field.name), take, field.required ? "needed" : "");
          option->type_name(flag ? "[true|false]" : number ? "VALUES" : "WORDS")->group("Sizes");
          if (flag) option->expected(0, 1);
        });
      },
      defaults);
}

std::vector<op::Operator> OperatorSource::operators(shape::Dtype dtype) const {
  if (!file_.empty()) return from_file(dtype);
  require_sizes();
  std::vector<measure::Axis> axes = axes_;
  const auto given = [&](std::string_view name) {
    return std::any_of(axes.begin(), axes.end(), [&](const measure::Axis& axis) { return axis.field == name; });
  };
  if (kind_ != "attention" || given("keys")) return measure::expand(kind_, axes, dtype);
  // Queries see their own sequence: as many keys, whatever their number.
  axes.push_back({"keys", "1"});
  std::vector<op::Operator> ops = measure::expand(kind_, axes, dtype);
  for (op::Operator& op : ops) std::get<op::Attention>(op).keys = std::get<op::Attention>(op).queries;
  return ops;
}

void OperatorSource::require_sizes() const {
  std::vector<std::string> missing;
  const op::Operator defaults = op::operator_of_kind(kind_);
  std::visit(
      [&]<class Op>(const Op&) {
        op::for_each_field<Op>([&](const auto& field) {
          const auto same = [&](const measure::Axis& axis) { return axis.field == field.name; };
          if (field.required && !follows_another(kind_, field.name) && std::none_of(axes_.begin(), axes_.end(), same))
            missing.push_back(flag_of(field.name));
        });
      },
      defaults);
  if (!missing.empty())
    throw Error(fmt::format("measure {} needs {} (values, ranges as in 128:1024:128 or 2^5..2^13, lists), or @FILE.csv",
                            kind_, fmt::join(missing, ", ")));
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
  if (ops.empty()) throw Error(path + ": has no rows; each row is one operator");
  return measure::distinct(ops);
}

}  // namespace gemmetry::cli
