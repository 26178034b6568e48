#include "gemmetry/cli/algorithms_section.h"

namespace gemmetry::cli {
namespace {

using report::Value;
using Row = run::AlgorithmUse;

std::vector<report::Column<Row>> columns() {
  return {
      {{.key = "pass"}, [](const Row& u) { return Value(u.pass); }},
      {{.key = "module"}, [](const Row& u) { return Value(u.module); }},
      {{.key = "detail"}, [](const Row& u) { return u.detail.empty() ? Value() : Value(u.detail); }},
      {{.key = "rows"}, [](const Row& u) { return Value(u.rows); }},
      {{.key = "batch"}, [](const Row& u) { return Value(u.batch); }},
      {{.key = "m"}, [](const Row& u) { return Value(u.m); }},
      {{.key = "n"}, [](const Row& u) { return Value(u.n); }},
      {{.key = "k"}, [](const Row& u) { return Value(u.k); }},
      {{.key = "library"}, [](const Row& u) { return Value(std::string(u.algorithm.library)); }},
      {{.key = "kernel"}, [](const Row& u) { return Value(std::string(u.algorithm.kernel)); }},
      {{.key = "algorithm_key"}, [](const Row& u) { return Value(std::string(u.algorithm.key)); }},
      {{.key = "tile_m"}, [](const Row& u) { return Value(std::int64_t{u.algorithm.tile_m}); }},
      {{.key = "tile_n"}, [](const Row& u) { return Value(std::int64_t{u.algorithm.tile_n}); }},
      {{.key = "split_k"}, [](const Row& u) { return Value(std::int64_t{u.algorithm.split_k}); }},
  };
}

}  // namespace

report::Section algorithms_section(const std::vector<run::AlgorithmUse>& uses) {
  return {"algorithms", "", report::List{make_table(columns(), uses)}, false};
}

}  // namespace gemmetry::cli
