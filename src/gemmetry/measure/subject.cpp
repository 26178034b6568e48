#include "gemmetry/measure/subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "gemmetry/measure/operands.h"

namespace gemmetry::measure {
namespace {

constexpr std::int64_t alignment = 256;
/// Sets beyond the second are made only as long as all of them stay under this: tables of which little is touched would
/// fill the device otherwise.
constexpr double ample_bytes = 16e9;
/// No device has as much; sizes below it can be added up without overflow.
constexpr double absurd_bytes = 1e17;

constexpr std::int64_t aligned(std::int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

Status out_of_memory(double bytes) {
  Status status;
  status.code = StatusCode::out_of_memory;
  std::snprintf(status.message, sizeof status.message, "operands of %.3g GB fit no device", bytes / 1e9);
  return status;
}

/// In doubles, so that no product of sizes overflows.
double bytes_in_all(const std::vector<Operand>& operands) {
  double total = 0;
  for (const Operand& operand : operands)
    total += static_cast<double>(operand.rows) * static_cast<double>(operand.columns) *
             static_cast<double>(element_bytes(operand.element));
  return total;
}

/// A buffer on a device.
class Buffer {
 public:
  explicit Buffer(Backend& backend) : backend_(backend) {}
  ~Buffer() {
    if (data_) backend_.release(data_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  Status allocate(std::int64_t bytes) { return backend_.allocate(bytes, &data_); }
  char* data() const { return static_cast<char*>(data_); }

 private:
  Backend& backend_;
  void* data_ = nullptr;
};

}  // namespace

BackendError::BackendError(const Status& status) : Error(status.message), code_(status.code) {}

void require(const Status& status) {
  if (!status.ok()) throw BackendError(status);
}

std::int64_t cold_sets(double touched_bytes, std::int64_t l2_bytes) {
  const double sets = std::ceil(2 * static_cast<double>(l2_bytes) / std::max(touched_bytes, 1.0));
  return static_cast<std::int64_t>(std::clamp(sets, 2.0, static_cast<double>(max_sets)));
}

// Members are released from the last to the first: calls, plans, workspace, operands.
struct Subject::Parts {
  Backend& backend;
  Footing footing;
  std::vector<op::Operator> ops;
  std::vector<std::vector<Operand>> operands;  ///< of each operator
  std::int64_t set_bytes = 0;
  std::size_t sets = 1;
  std::shared_ptr<Buffer> arena;             ///< one set after the other, in it the operands in order
  std::vector<void*> pointers;               ///< to the operands of a set, set by set
  std::unique_ptr<Buffer> workspace;         ///< one for all plans
  std::vector<std::unique_ptr<Plan>> plans;  ///< of each operator
  std::vector<Call> calls;                   ///< of each operator, set by set

  Parts(Backend& b, Footing f) : backend(b), footing(f) {}

  void plan(const op::Operator& op, const char* key) {
    Plan* made = nullptr;
    require(backend.plan(op, key, &made));
    plans.emplace_back(made);
  }

  void lay_out(const DeviceInfo& device) {
    double bytes = 0;
    double touched = 0;
    for (const op::Operator& op : ops) {
      operands.push_back(measure::operands(op));
      const double own = bytes_in_all(operands.back());
      bytes += own;
      touched += std::min(own, op::bytes(op));
    }
    if (!(bytes < absurd_bytes)) throw BackendError(out_of_memory(bytes));
    for (const auto& list : operands)
      for (const Operand& operand : list) set_bytes += aligned(operand.bytes());
    const std::int64_t ample = std::max<std::int64_t>(
        2, static_cast<std::int64_t>(ample_bytes / std::max(static_cast<double>(set_bytes), 1.0)));
    const std::int64_t wanted = footing.warm ? 1 : std::min(ample, cold_sets(touched, device.l2_bytes));
    allocate(wanted, touched > 2 * static_cast<double>(device.l2_bytes) ? 1 : std::min<std::int64_t>(wanted, 2));
  }

  /// As many sets as there is memory for, `least` at least. One is enough for operands that flush the cache alone.
  void allocate(std::int64_t wanted, std::int64_t least) {
    for (std::int64_t count = wanted;; count = std::max(least, count / 2)) {
      arena = std::make_shared<Buffer>(backend);
      const Status status = arena->allocate(std::max(set_bytes * count, alignment));
      if (status.ok()) {
        sets = static_cast<std::size_t>(count);
        return;
      }
      if (status.code != StatusCode::out_of_memory || count <= least) throw BackendError(status);
    }
  }

  void point() {
    char* next = arena->data();
    for (std::size_t set = 0; set < sets; ++set)
      for (const auto& list : operands)
        for (const Operand& operand : list) {
          pointers.push_back(next);
          next += aligned(operand.bytes());
        }
  }

  void allocate_workspace() {
    std::int64_t bytes = 0;
    for (const auto& one : plans) bytes = std::max(bytes, one->algorithm().workspace_bytes);
    workspace = std::make_unique<Buffer>(backend);
    if (bytes > 0) require(workspace->allocate(bytes));
  }

  void make_calls() {
    std::size_t first = 0;
    for (std::size_t set = 0; set < sets; ++set)
      for (std::size_t i = 0; i < ops.size(); ++i) {
        const bool needs = plans[i]->algorithm().workspace_bytes > 0;
        calls.push_back({plans[i].get(), pointers.data() + first, needs ? workspace->data() : nullptr});
        first += operands[i].size();
      }
  }

  /// Results are left as they are: whoever checks them poisons them.
  void fill() {
    for (std::size_t index = 0; index < calls.size(); ++index) {
      const auto& list = operands[index % ops.size()];
      bool forward = false;
      for (std::size_t i = 0; i < list.size(); ++i) {
        forward = forward || list[i].fill == Fill::forward;
        if (list[i].elements() > 0 && list[i].fill != Fill::none && list[i].fill != Fill::forward)
          require(backend.fill(calls[index].operands[i], list[i], footing.seed + i));
      }
      if (forward) require(backend.prepare(calls[index]));
    }
  }
};

Subject::Subject(Backend& backend, const DeviceInfo& device, const op::Operator& op, const char* algorithm_key,
                 Footing footing)
    : Subject(backend, device, std::span(&op, 1),
              algorithm_key ? std::vector<std::string>{algorithm_key} : std::vector<std::string>{}, footing) {}

Subject::Subject(Backend& backend, const DeviceInfo& device, std::span<const op::Operator> ops,
                 std::span<const std::string> algorithm_keys, Footing footing)
    : parts_(std::make_unique<Parts>(backend, footing)) {
  if (ops.empty()) throw Error("no operator to measure: give at least one");
  if (!algorithm_keys.empty() && algorithm_keys.size() != ops.size())
    throw Error(
        fmt::format("{} algorithms for {} operators: give one for each, or none", algorithm_keys.size(), ops.size()));
  Parts& parts = *parts_;
  parts.ops.assign(ops.begin(), ops.end());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const bool keyed = !algorithm_keys.empty() && !algorithm_keys[i].empty();
    parts.plan(ops[i], keyed ? algorithm_keys[i].c_str() : nullptr);
  }
  parts.lay_out(device);
  parts.point();
  parts.allocate_workspace();
  parts.make_calls();
  parts.fill();
}

Subject::Subject(Backend& backend, std::span<const Call> calls, Replay replay)
    : parts_(std::make_unique<Parts>(backend, Footing{.warm = true, .replay = replay})) {
  if (calls.empty()) throw Error("no call to measure: give at least one");
  parts_->calls.assign(calls.begin(), calls.end());
}

Subject::Subject(const Subject& like, const char* algorithm_key)
    : parts_(std::make_unique<Parts>(like.parts_->backend, like.parts_->footing)) {
  Parts& parts = *parts_;
  parts.ops = like.parts_->ops;
  if (parts.ops.size() != 1) throw Error("another algorithm for a sequence of operators: give one operator");
  parts.operands = like.parts_->operands;
  parts.set_bytes = like.parts_->set_bytes;
  parts.sets = like.parts_->sets;
  parts.arena = like.parts_->arena;
  parts.plan(parts.ops.front(), algorithm_key);
  parts.point();
  parts.allocate_workspace();
  parts.make_calls();
}

Subject::~Subject() = default;

const AlgorithmInfo& Subject::algorithm(std::size_t index) const { return parts_->plans.at(index)->algorithm(); }

std::span<const Call> Subject::calls(std::size_t set) const {
  return std::span(parts_->calls).subspan(set * operators(), operators());
}

std::size_t Subject::sets() const { return parts_->sets; }
std::size_t Subject::operators() const { return parts_->calls.size() / parts_->sets; }
const Footing& Subject::footing() const { return parts_->footing; }

}  // namespace gemmetry::measure
