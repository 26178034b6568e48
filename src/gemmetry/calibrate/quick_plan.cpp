#include "gemmetry/calibrate/quick_plan.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace gemmetry::calibrate {
namespace {

/// Of one kind that keep to the limits, before another kind has its turn.
constexpr int most_tries = 40;
constexpr double least_width = 512;
constexpr double most_width = 32768;

/// The i-th number of Halton's sequence: its digits to that base, mirrored at the point.
double halton(std::size_t i, std::size_t base) {
  double value = 0;
  double digit = 1;
  for (; i > 0; i /= base) value += static_cast<double>(i % base) * (digit /= static_cast<double>(base));
  return value;
}

/// Evenly between two numbers in the logarithm, rounded to a multiple.
std::int64_t size_between(double low, double high, double share, std::int64_t multiple) {
  const double size = low * std::pow(high / low, share);
  return std::max<std::int64_t>(1, std::llround(size / static_cast<double>(multiple))) * multiple;
}

/// What share of the products is of which kind, in turn.
enum class Turn { thin, middle, large, misaligned, batched };
constexpr std::array turns{Turn::thin,  Turn::large, Turn::thin,       Turn::middle, Turn::thin,
                           Turn::large, Turn::thin,  Turn::misaligned, Turn::large,  Turn::batched};

op::Gemm product(std::size_t i, Turn turn, op::Dtype dtype) {
  const double x = halton(i, 2);
  const double y = halton(i, 3);
  const double z = halton(i, 5);
  op::Gemm gemm{.dtype = dtype};
  gemm.n = size_between(least_width, most_width, y, 16);
  gemm.k = size_between(least_width, most_width, z, 16);
  switch (turn) {
    case Turn::thin:
      gemm.m = size_between(1, 64, x, 1);
      break;
    case Turn::middle:
      gemm.m = size_between(65, 1023, x, 1);
      break;
    case Turn::large:
      gemm.m = size_between(1024, 16384, x, 8);
      break;
    case Turn::misaligned:
      gemm.m = size_between(512, 8192, x, 1);
      gemm.n += (i % 3 == 0) ? 1 : 2;
      break;
    case Turn::batched:
      gemm.batch = size_between(8, 256, y, 1);
      gemm.m = size_between(512, 4096, x, 16);
      gemm.n = gemm.m;
      gemm.k = size_between(64, 256, z, 16);
      break;
  }
  return gemm;
}

}  // namespace

std::vector<op::Gemm> quick_products(const QuickPlan& plan) {
  const std::size_t count = std::min(plan.products, most_quick_products);
  const auto fits = [&](const op::Gemm& gemm) {
    return op::flop(gemm) <= plan.most_flop && op::bytes(gemm) <= plan.most_bytes;
  };
  std::vector<op::Gemm> products;
  std::array<std::size_t, 5> drawn{};  // of each kind: each fills its own space evenly
  for (std::size_t round = 0; products.size() < count && round < 2 * count; ++round) {
    const Turn turn = turns[round % turns.size()];
    for (int tries = 0; tries < most_tries; ++tries) {
      const op::Gemm gemm = product(++drawn[static_cast<std::size_t>(turn)], turn, plan.dtype);
      if (!fits(gemm) || std::find(products.begin(), products.end(), gemm) != products.end()) continue;
      products.push_back(gemm);
      break;
    }
  }
  return products;
}

}  // namespace gemmetry::calibrate
