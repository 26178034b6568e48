#include "gemmetry/measure/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "gemmetry/measure/fill_value.h"
#include "gemmetry/measure/operands.h"
#include "gemmetry/measure/oracle.h"
#include "gemmetry/measure/sample.h"
#include "gemmetry/measure/stand_in.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/measure/tolerance.h"

namespace gemmetry::measure {
namespace {

/// A buffer of the device's memory.
class Buffer {
 public:
  Buffer(Backend& backend, std::int64_t bytes) : backend_(backend) { require(backend.allocate(bytes, &data_)); }
  ~Buffer() {
    if (data_) backend_.release(data_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void* data() const { return data_; }

 private:
  Backend& backend_;
  void* data_ = nullptr;
};

bool is_product(const op::Operator& op) {
  return std::holds_alternative<op::Gemm>(op) || std::holds_alternative<op::GroupedGemm>(op);
}

/// Whether the oracle is better spared all elements.
bool is_large(const op::Operator& op) {
  constexpr double most_multiplications = 5e7;
  constexpr double most_bytes = 1 << 22;
  if (!can_sample(op)) return false;
  if (is_product(op)) return op::flop(op) / 2 > most_multiplications || op::bytes(op) > 4 * most_bytes;
  return static_cast<double>(operand_bytes(op)) > most_bytes;
}

/// Keeps the worst of the errors, and what it was found on where it is too large.
void compare(const Operand& operand, const std::vector<double>& results, const Expected& expected,
             const std::int64_t* elements, Verdict& verdict) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double error = relative_error(operand.element, results[i], expected.values[i], expected.errors[i]);
    if (error <= verdict.error) continue;
    verdict.error = error;
    if (error <= 1) continue;
    const std::int64_t element = elements ? elements[i] : static_cast<std::int64_t>(i);
    verdict.right = false;
    verdict.message = fmt::format("{}[{}, {}] is {:.9g}, expected {:.9g} within {:.3g}", operand.name,
                                  element / operand.columns, element % operand.columns, results[i], expected.values[i],
                                  bound(operand.element, expected.values[i], expected.errors[i]));
  }
}

void compare_all(Backend& backend, const op::Operator& op, void* const* buffers, std::uint64_t seed,
                 std::int64_t split_k, Verdict& verdict) {
  const std::vector<Operand> described = operands(op);
  Arrays inputs(described.size());
  for (std::size_t i = 0; i < described.size(); ++i)
    if (described[i].use != Use::out && described[i].fill != Fill::forward)
      inputs[i] = fill_values(described[i], seed + i);
  const std::vector<Expected> expected = expect(op, inputs, split_k);
  for (std::size_t i = 0; i < described.size(); ++i) {
    if (described[i].use == Use::in) continue;
    if (described[i].elements() == 0) continue;
    std::vector<double> results(static_cast<std::size_t>(described[i].elements()));
    require(backend.read(buffers[i], described[i].element, nullptr, described[i].elements(), results.data()));
    compare(described[i], results, expected[i], nullptr, verdict);
  }
}

void compare_sample(Backend& backend, const op::Operator& op, void* const* buffers, std::uint64_t seed,
                    std::int64_t split_k, Verdict& verdict) {
  const std::vector<Operand> described = operands(op);
  const std::vector<Sample> samples = sample(op, seed, split_k);
  for (const Sample& one : samples) {
    if (one.elements.empty()) continue;
    std::vector<double> results(one.elements.size());
    require(backend.read(buffers[one.operand], described[one.operand].element, one.elements.data(),
                         static_cast<std::int64_t>(results.size()), results.data()));
    compare(described[one.operand], results, one.expected, one.elements.data(), verdict);
  }
}

/// Outputs are poisoned here, and what is read and written is filled anew; inputs have been filled.
Verdict run_and_compare(Backend& backend, const op::Operator& op, const Call& call, std::uint64_t seed) {
  const std::vector<Operand> described = operands(op);
  for (std::size_t i = 0; i < described.size(); ++i)
    if (described[i].use != Use::in) require(backend.fill(call.operands[i], described[i], seed + i));
  require(backend.prepare(call));
  require(backend.run(&call, 1));
  Verdict verdict{.right = true};
  const std::int64_t split_k = call.plan->algorithm().split_k;
  if (is_large(op))
    compare_sample(backend, op, call.operands, seed, split_k, verdict);
  else
    compare_all(backend, op, call.operands, seed, split_k, verdict);
  return verdict;
}

/// A key may hold for the operator's own size alone: its stand-ins are then planned without.
std::unique_ptr<Plan> plan_for(Backend& backend, const op::Operator& op, const char* algorithm_key, bool stands_in) {
  Plan* plan = nullptr;
  if (stands_in && algorithm_key && backend.plan(op, algorithm_key, &plan).ok()) return std::unique_ptr<Plan>(plan);
  require(backend.plan(op, stands_in ? nullptr : algorithm_key, &plan));
  return std::unique_ptr<Plan>(plan);
}

/// On buffers of its own.
Verdict check(Backend& backend, const op::Operator& op, std::unique_ptr<Plan> plan, std::uint64_t seed) {
  const std::vector<Operand> described = operands(op);
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<void*> pointers;
  for (std::size_t i = 0; i < described.size(); ++i) {
    buffers.push_back(std::make_unique<Buffer>(backend, described[i].bytes()));
    pointers.push_back(buffers.back()->data());
    require(backend.fill(pointers.back(), described[i], seed + i));
  }
  std::unique_ptr<Buffer> workspace;
  if (plan->algorithm().workspace_bytes > 0)
    workspace = std::make_unique<Buffer>(backend, plan->algorithm().workspace_bytes);
  return run_and_compare(backend, op, {plan.get(), pointers.data(), workspace ? workspace->data() : nullptr}, seed);
}

/// What a backend throws or the host runs out of, as a verdict.
template <class Check>
Verdict judged(Check check_it) {
  try {
    return check_it();
  } catch (const BackendError& error) {
    return {.code = error.code(), .message = error.what()};
  } catch (const std::bad_alloc&) {
    return {.code = StatusCode::out_of_memory, .message = "the host's memory is too small to check the result"};
  }
}

}  // namespace

Verdict verify(Backend& backend, const op::Operator& op, const char* algorithm_key, std::uint64_t seed) {
  if (std::holds_alternative<op::Collective>(op))
    return {.code = StatusCode::unsupported, .message = "a collective has no result that one device could compute"};
  constexpr double most_bytes = 1e18;  // indices stay far from where they overflow
  if (op::bytes(op) > most_bytes)
    return {.code = StatusCode::out_of_memory,
            .message = fmt::format("operands of {:.3g} bytes are more than any memory holds", op::bytes(op))};
  return judged([&] {
    Verdict all{.right = true};
    const std::vector<op::Operator> smaller = stand_ins(op);
    for (const op::Operator& one : smaller) {
      const Verdict verdict = check(backend, one, plan_for(backend, one, algorithm_key, one != op), seed);
      const double error = std::max(all.error, verdict.error);
      if (all.right) all = verdict;
      all.error = error;
    }
    return all;
  });
}

Verdict verify(Backend& backend, const op::Operator& op, const Call& call, std::uint64_t seed) {
  if (!can_sample(op)) return verify(backend, op, call.plan->algorithm().key, seed);
  return judged([&] { return run_and_compare(backend, op, call, seed); });
}

}  // namespace gemmetry::measure
