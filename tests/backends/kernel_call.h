#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/kernel_layout.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/measure/rounding.h"
#include "gemmetry/measure/subject.h"

// Kernels run once, on values that a test gives.

namespace gemmetry::backends {

using measure::Element;
using Values = std::vector<double>;

/// An operand and what it holds before; it begins `offset` elements after a multiple of 256 bytes.
struct Data {
  Element element = Element::fp32;
  Values values;
  std::int64_t offset = 0;
};

inline Data whole_numbers(std::vector<std::int32_t> values) {
  return {Element::int32, Values(values.begin(), values.end())};
}

inline Data bytes_of(const std::vector<measure::SampleParameters>& parameters) {
  std::vector<std::uint8_t> bytes(parameters.size() * sizeof(measure::SampleParameters));
  if (!bytes.empty()) std::memcpy(bytes.data(), parameters.data(), bytes.size());
  return {Element::byte, Values(bytes.begin(), bytes.end())};
}

inline std::vector<measure::SampleParameters> parameters_of(const Values& values) {
  const std::vector<std::uint8_t> bytes(values.begin(), values.end());
  std::vector<measure::SampleParameters> parameters(bytes.size() / sizeof(measure::SampleParameters));
  if (!bytes.empty()) std::memcpy(parameters.data(), bytes.data(), bytes.size());
  return parameters;
}

/// Uniform on [-1, 1), as elements of this type hold them.
inline Data random(Element element, std::int64_t count, std::uint64_t seed, std::int64_t offset = 0) {
  Data data{element, {}, offset};
  for (std::int64_t i = 0; i < count; ++i)
    data.values.push_back(
        static_cast<double>(measure::rounded(element, measure::random_uniform(seed, static_cast<std::uint64_t>(i)))));
  return data;
}

inline std::vector<std::uint8_t> encoded(const Data& data) {
  const auto size = static_cast<std::size_t>(measure::element_bytes(data.element));
  std::vector<std::uint8_t> bytes(data.values.size() * size);
  for (std::size_t i = 0; i < data.values.size(); ++i) {
    const auto whole = static_cast<std::int32_t>(data.element == Element::int32 ? data.values[i] : 0);
    if (data.element == Element::int32)
      std::memcpy(bytes.data() + i * size, &whole, size);
    else
      measure::store(data.element, bytes.data(), static_cast<std::int64_t>(i), static_cast<float>(data.values[i]));
  }
  return bytes;
}

/// Buffers of a call on a backend, released with it.
class KernelCall {
 public:
  KernelCall(measure::Backend& backend, const measure::Kernel& kernel, const std::vector<Data>& operands,
             const char* key = nullptr)
      : backend_(backend), operands_(operands) {
    measure::Plan* plan = nullptr;
    measure::require(backend.plan_kernel(kernel, key, &plan));
    plan_.reset(plan);
    for (const Data& data : operands) {
      const std::vector<std::uint8_t> bytes = encoded(data);
      const std::int64_t before = data.offset * measure::element_bytes(data.element);
      char* const buffer = static_cast<char*>(allocate(before + static_cast<std::int64_t>(bytes.size())));
      pointers_.push_back(buffer + before);
      measure::require(backend.write(pointers_.back(), bytes.data(), static_cast<std::int64_t>(bytes.size())));
    }
    workspace_ = allocate(plan_->algorithm().workspace_bytes);
  }
  ~KernelCall() {
    for (void* buffer : buffers_) backend_.release(buffer);
  }
  KernelCall(const KernelCall&) = delete;
  KernelCall& operator=(const KernelCall&) = delete;

  measure::Call call() const { return {plan_.get(), pointers_.data(), workspace_}; }
  const measure::AlgorithmInfo& algorithm() const { return plan_->algorithm(); }

  void run() {
    const measure::Call one = call();
    measure::require(backend_.run(&one, 1));
  }

  Values read(std::size_t operand) {
    Values values(operands_[operand].values.size());
    measure::require(backend_.read(pointers_[operand], operands_[operand].element, nullptr,
                                   static_cast<std::int64_t>(values.size()), values.data()));
    return values;
  }

 private:
  void* allocate(std::int64_t bytes) {
    void* buffer = nullptr;
    measure::require(backend_.allocate(bytes > 0 ? bytes : 1, &buffer));
    buffers_.push_back(buffer);
    return buffer;
  }

  measure::Backend& backend_;
  std::vector<Data> operands_;
  std::unique_ptr<measure::Plan> plan_;
  std::vector<void*> buffers_;
  std::vector<void*> pointers_;
  void* workspace_ = nullptr;
};

/// What operand `result` holds after the kernel ran.
inline Values run_kernel(measure::Backend& backend, const measure::Kernel& kernel, const std::vector<Data>& operands,
                         std::size_t result, const char* key = nullptr) {
  KernelCall call(backend, kernel, operands, key);
  call.run();
  return call.read(result);
}

}  // namespace gemmetry::backends
