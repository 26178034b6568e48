#include "gemmetry/measure/sample.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <variant>

#include "gemmetry/measure/fill_value.h"
#include "gemmetry/measure/oracle_families.h"
#include "gemmetry/measure/product.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/measure/row_sample.h"

namespace gemmetry::measure {
namespace {

using Samples = std::vector<Sample>;

constexpr std::int64_t blocks = 8;
constexpr std::int64_t chosen_of_a_side = 8;  ///< beside the first and the last

/// Which elements are looked at: as random as the data, from a stream of its own.
class Choice {
 public:
  explicit Choice(std::uint64_t seed) : seed_(~seed) {}

  std::int64_t below(std::int64_t limit) {
    const std::uint64_t high = random_word(seed_, count_++);
    const std::uint64_t low = random_word(seed_, count_++);
    return static_cast<std::int64_t>((high << 31 ^ low) % static_cast<std::uint64_t>(limit));
  }

  /// The first, the last and some between, in order, each once.
  std::vector<std::int64_t> of(std::int64_t size, std::int64_t between = chosen_of_a_side) {
    if (size <= 0) return {};
    std::set<std::int64_t> chosen{0, size - 1};
    for (std::int64_t i = 0; i < between; ++i) chosen.insert(below(size));
    return {chosen.begin(), chosen.end()};
  }

 private:
  std::uint64_t seed_;
  std::uint64_t count_ = 0;
};

/// The operands of an operator as their seeds make them.
class Seeded {
 public:
  Seeded(const op::Operator& op, std::uint64_t seed) : operands_(operands(op)), seed_(seed) {}

  double value(std::size_t operand, std::int64_t index) const {
    return fill_value(operands_[operand], seed_ + operand, index);
  }
  void values(std::size_t operand, std::int64_t first, std::int64_t stride, std::vector<double>& into) const {
    fill_values(operands_[operand], seed_ + operand, first, stride, into);
  }
  Element element(std::size_t operand) const { return operands_[operand].element; }
  std::size_t count() const { return operands_.size(); }

 private:
  std::vector<Operand> operands_;
  std::uint64_t seed_;
};

void put(Sample& sample, std::int64_t element, Uncertain result) {
  sample.elements.push_back(element);
  sample.expected.values.push_back(result.value);
  sample.expected.errors.push_back(result.error);
}

/// In four sums at a time: one alone would wait for its own last addition.
Sum dot(const std::vector<double>& x, const std::vector<double>& y) {
  constexpr std::size_t lanes = 4;
  Sum sums[lanes];
  const std::size_t whole = x.size() / lanes * lanes;
  for (std::size_t l = 0; l < whole; l += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const double term = x[l + lane] * y[l + lane];
      sums[lane].value += term;
      sums[lane].squares += term * term;
    }
  for (std::size_t l = whole; l < x.size(); ++l) sums[0].add(x[l] * y[l]);
  Sum sum;
  for (const Sum& one : sums) {
    sum.value += one.value;
    sum.squares += one.squares;
  }
  sum.terms = static_cast<std::int64_t>(x.size());
  return sum;
}

/// The elements of c where ten of its rows cross ten of its columns. `finish` makes of an element's sum and its column
/// the result.
template <class Finish>
void cross(const Product& p, const Seeded& seeded, Choice& choice, Sample& c, Finish finish) {
  const std::vector<std::int64_t> rows = choice.of(p.m);
  const std::vector<std::int64_t> columns = choice.of(p.n);
  const std::size_t depth = static_cast<std::size_t>(p.k);
  std::vector<std::vector<double>> b(columns.size(), std::vector<double>(depth));
  for (std::size_t j = 0; j < columns.size(); ++j) seeded.values(1, p.b_index(0, columns[j]), p.b_step(), b[j]);
  std::vector<double> a(depth);
  for (const std::int64_t row : rows) {
    seeded.values(0, p.a_index(row, 0), p.a_step(), a);
    for (std::size_t j = 0; j < columns.size(); ++j)
      put(c, p.c_index(row, columns[j]), finish(dot(a, b[j]), columns[j]));
  }
}

Samples of(const op::Gemm& g, std::uint64_t seed, std::int64_t split_k) {
  const Seeded seeded(g, seed);
  Choice choice(seed);
  const bool biased = g.epilogue == op::Epilogue::bias || g.epilogue == op::Epilogue::bias_gelu;
  Sample c{.operand = biased ? std::size_t{3} : std::size_t{2}};
  const std::vector<std::int64_t> batch = choice.of(g.batch, blocks - 2);
  for (std::int64_t block = 0; block < blocks && g.batch > 0; ++block) {
    const Product p = product(g, batch[static_cast<std::size_t>(block) % batch.size()]);
    cross(p, seeded, choice, c, [&](const Sum& sum, std::int64_t column) {
      return epilogue(g, {sum.value, product_error(sum, g.dtype, split_k)}, biased ? seeded.value(2, column) : 0);
    });
  }
  if (g.epilogue != op::Epilogue::bias_gradient) return {c};

  Sample gradient{.operand = c.operand + 1};
  for (const std::int64_t row : choice.of(g.m)) {
    Sum sum;
    std::vector<double> column(static_cast<std::size_t>(g.k));
    for (std::int64_t index = 0; index < g.batch; ++index) {
      const Product p = product(g, index);
      seeded.values(0, p.a_index(row, 0), p.a_step(), column);
      for (const double term : column) sum.add(term);
    }
    put(gradient, row, {sum.value, product_error(sum, g.dtype, split_k)});
  }
  return {c, gradient};
}

Samples of(const op::GroupedGemm& g, std::uint64_t seed, std::int64_t split_k) {
  const Seeded seeded(g, seed);
  Choice choice(seed);
  Sample c{.operand = 2};
  // Experts without rows have no elements but in the weights' gradient, where theirs are 0.
  const std::int64_t busy = g.layout == op::Layout::tn ? g.experts : std::min(g.experts, g.rows);
  const std::vector<std::int64_t> experts = choice.of(busy, blocks - 2);
  for (std::int64_t block = 0; block < blocks && busy > 0; ++block)
    cross(product(g, experts[static_cast<std::size_t>(block) % experts.size()]), seeded, choice, c,
          [&](const Sum& sum, std::int64_t) {
            return Uncertain{sum.value, product_error(sum, g.dtype, split_k)};
          });
  return {c};
}

/// Gradients of some elements of a table: `row_of(i)` is the row that token i adds to.
template <class RowOf>
Sample table_gradient(const op::Embedding& e, const Seeded& seeded, Choice& choice, std::size_t table,
                      std::int64_t table_rows, RowOf row_of) {
  struct Entry {
    std::int64_t column;
    double value;
    double passed;
    double additions;
  };
  std::unordered_map<std::int64_t, std::vector<Entry>> entries;
  const auto look_at = [&](std::int64_t row) {
    if (entries.count(row) > 0) return;
    for (const std::int64_t column : choice.of(e.width)) {
      const double before = seeded.value(table, row * e.width + column);
      entries[row].push_back({column, before, std::fabs(before), 0});
    }
  };
  for (const std::int64_t token : choice.of(e.tokens, 64)) look_at(row_of(token));
  for (const std::int64_t row : choice.of(table_rows)) look_at(row);
  for (std::int64_t i = 0; i < e.tokens; ++i) {
    const auto found = entries.find(row_of(i));
    if (found == entries.end()) continue;
    for (Entry& entry : found->second) {
      const double gradient = seeded.value(1, i * e.width + entry.column);
      entry.value += gradient;
      entry.passed += std::fabs(gradient);
      entry.additions += 1;
    }
  }
  Sample sample{.operand = table};
  for (const auto& [row, columns] : entries)
    for (const Entry& entry : columns)
      put(sample, row * e.width + entry.column,
          {entry.value,
           entry.additions > 0 ? additions_error(seeded.element(table), entry.passed, entry.additions) : 0});
  return sample;
}

Samples of(const op::Embedding& e, std::uint64_t seed, std::int64_t) {
  const Seeded seeded(e, seed);
  Choice choice(seed);
  const auto token = [&](std::int64_t i) { return static_cast<std::int64_t>(seeded.value(0, i)); };
  const auto place = [](std::int64_t i) { return i % embedding_positions; };
  if (e.backward) {
    Samples samples{table_gradient(e, seeded, choice, 2, embedding_rows, token)};
    if (e.positions)
      samples.push_back(table_gradient(e, seeded, choice, 3, std::min(e.tokens, embedding_positions), place));
    return samples;
  }
  Sample y{.operand = seeded.count() - 1};
  for (const std::int64_t i : choice.of(e.tokens, 64))
    for (const std::int64_t column : choice.of(e.width)) {
      const double word = seeded.value(1, token(i) * e.width + column);
      const double position = e.positions ? seeded.value(2, place(i) * e.width + column) : 0;
      const double error = e.positions ? 0x1p-23 * (std::fabs(word) + std::fabs(position)) : 0;
      put(y, i * e.width + column, {word + position, error});
    }
  return {y};
}

/// All of some rows, few where they are wide.
template <class Op>
Samples of(const Op& op, std::uint64_t seed, std::int64_t) {
  const std::int64_t rows = rows_of(op);
  if (!with_rows(op, 1) || rows == 0) return {};
  constexpr std::int64_t looked_at = 1 << 17;
  const std::int64_t width = std::max<std::int64_t>(operand_bytes(op) / rows / 2, 1);
  return sample_rows(op, Choice(seed).of(rows, std::clamp<std::int64_t>(looked_at / width, 2, 1022)), seed);
}

}  // namespace

bool can_sample(const op::Operator& op) {
  return std::holds_alternative<op::Gemm>(op) || std::holds_alternative<op::GroupedGemm>(op) ||
         std::holds_alternative<op::Embedding>(op) || with_rows(op, 1);
}

std::vector<Sample> sample(const op::Operator& op, std::uint64_t seed, std::int64_t split_k) {
  return std::visit([&](const auto& one) { return of(one, seed, split_k); }, op);
}

}  // namespace gemmetry::measure
