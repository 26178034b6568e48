#include "gemmetry/cli/kernel_classes.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/op/lower.h"

namespace gemmetry::cli {
namespace {

using report::Value;

/// Neighbouring numbers of rows at which a product is of one class.
struct ClassRange {
  const ProductClasses* product = nullptr;
  std::int64_t first = 0;
  std::int64_t last = 0;
  KernelClass kernel;
  bool decodes = false;
};

KernelClass class_of(const predict::Predictor& predictor, const op::Gemm& gemm) {
  const predict::GemmPlan plan = predictor.plan(gemm);
  return {plan.tile_m, plan.tile_n, plan.split_k, plan.swapped};
}

std::string name_of(const op::Step& step) {
  return step.detail.empty() ? std::string(name(step.module)) : fmt::format("{}, {}", name(step.module), step.detail);
}

std::vector<ClassRange> ranges(std::span<const ProductClasses> products, std::int64_t decoding) {
  std::vector<ClassRange> all;
  for (const ProductClasses& product : products)
    for (const auto& [rows, kernel] : product.by_rows) {
      if (all.empty() || all.back().product != &product || !(all.back().kernel == kernel))
        all.push_back({&product, rows, rows, kernel, false});
      all.back().last = rows;
      all.back().decodes = all.back().decodes || rows == decoding;
    }
  return all;
}

}  // namespace

const KernelClass& ProductClasses::at(std::int64_t rows) const {
  return std::lower_bound(by_rows.begin(), by_rows.end(), rows,
                          [](const auto& entry, std::int64_t wanted) { return entry.first < wanted; })
      ->second;
}

std::vector<ProductClasses> kernel_classes(const shape::Model& model, const run::ModelPrices& prices,
                                           const predict::Predictor& predictor, std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<ProductClasses> products;
  op::Program program;
  op::lower(model, prices.pass(1, 1, 1), program);
  for (const op::Step& step : program.steps()) {
    const auto* gemm = std::get_if<op::Gemm>(&step.op);
    if (!gemm || gemm->batch > 1) continue;
    const std::string name = name_of(step);
    const auto same = [&](const ProductClasses& p) { return p.name == name && p.n == gemm->n && p.k == gemm->k; };
    if (std::any_of(products.begin(), products.end(), same)) continue;
    ProductClasses& product = products.emplace_back(ProductClasses{name, gemm->n, gemm->k, {}});
    for (const std::int64_t count : sorted) {
      op::Gemm taller = *gemm;
      taller.m = count;
      product.by_rows.emplace_back(count, class_of(predictor, taller));
    }
  }
  return products;
}

std::int64_t same_classes(std::span<const ProductClasses> products, std::int64_t rows, std::int64_t as) {
  return std::count_if(products.begin(), products.end(),
                       [&](const ProductClasses& product) { return product.at(rows) == product.at(as); });
}

report::Table class_table(std::span<const ProductClasses> products, std::int64_t decoding) {
  using Row = ClassRange;
  const std::vector<report::Column<Row>> columns{
      {{.key = "module", .heading = "product", .once = true}, [](const Row& r) { return Value(r.product->name); }},
      {{.key = "n", .heading = "n"}, [](const Row& r) { return Value(r.product->n); }},
      {{.key = "k", .heading = "k"}, [](const Row& r) { return Value(r.product->k); }},
      {{.key = "rows_from", .heading = "rows from"}, [](const Row& r) { return Value(r.first); }},
      {{.key = "rows_to", .heading = "to"}, [](const Row& r) { return Value(r.last); }},
      {{.key = "tile_m", .heading = "tile"}, [](const Row& r) { return Value(r.kernel.tile_m); }},
      {{.key = "tile_n", .heading = "by"}, [](const Row& r) { return Value(r.kernel.tile_n); }},
      {{.key = "split_k", .heading = "split k"}, [](const Row& r) { return Value(r.kernel.split_k); }},
      {{.key = "decodes", .heading = "of decoding"}, [](const Row& r) { return Value(r.decodes); }},
  };
  return make_table(columns, ranges(products, decoding));
}

}  // namespace gemmetry::cli
