#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gemmetry/predict/predictor.h"
#include "gemmetry/report/table.h"
#include "gemmetry/run/verify/model_prices.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::cli {

/// Which kernel a product takes at so many rows, by the predictor: products of one class sum in the same order.
struct KernelClass {
  std::int64_t tile_m = 0;
  std::int64_t tile_n = 0;
  std::int64_t split_k = 1;
  bool swapped = false;

  bool operator==(const KernelClass&) const = default;
};

/// A model's product with its class at each number of rows.
struct ProductClasses {
  std::string name;  ///< its module, and which of several
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::vector<std::pair<std::int64_t, KernelClass>> by_rows;

  const KernelClass& at(std::int64_t rows) const;
};

/// Every distinct product of a decoding pass, at each of `rows`.
std::vector<ProductClasses> kernel_classes(const shape::Model& model, const run::ModelPrices& prices,
                                           const predict::Predictor& predictor, std::span<const std::int64_t> rows);

/// Of how many products the class at `rows` is that at `as`.
std::int64_t same_classes(std::span<const ProductClasses> products, std::int64_t rows, std::int64_t as);

/// Ranges of rows of one class, product by product; `decoding` is the number of rows of a usual decoding step.
report::Table class_table(std::span<const ProductClasses> products, std::int64_t decoding);

}  // namespace gemmetry::cli
