#include "gemmetry/gpu/gpu.h"

#include <fmt/ranges.h>

#include <bit>
#include <cassert>

#include "gemmetry/base/error.h"

namespace gemmetry::gpu {
namespace {

/// What more alignment must gain to count: the authors' own repeats of a shape differ by 1 to 7 % (p50, p90), and a GPU
/// whose last step gains 3 % (A100, 8 to 16 elements) is aligned for every purpose of a shape.
constexpr double worthwhile_gain = 0.05;

const std::vector<AlignmentClass> no_classes{{1, 1.0}};

/// The classes that hold for products of `dtype`; the vector units have none.
const std::vector<AlignmentClass>& classes(const Gpu& gpu, shape::Dtype dtype) {
  if (!gpu.tensor_flops.contains(dtype)) return no_classes;
  const auto found = gpu.alignment.find(static_cast<std::int64_t>(shape::bytes_per_element(dtype)));
  return found == gpu.alignment.end() || found->second.empty() ? no_classes : found->second;
}

}  // namespace

std::string_view name(Generation generation) {
  switch (generation) {
    case Generation::volta:
      return "volta";
    case Generation::ampere:
      return "ampere";
    case Generation::ada:
      return "ada";
    case Generation::hopper:
      return "hopper";
    case Generation::blackwell:
      return "blackwell";
    case Generation::cdna2:
      return "cdna2";
    case Generation::cdna3:
      return "cdna3";
  }
  return "?";
}

std::string_view name(Clocks clocks) {
  switch (clocks) {
    case Clocks::sustained:
      return "sustained";
    case Clocks::burst:
      return "burst";
  }
  return "?";
}

double peak_flops(const Gpu& gpu, shape::Dtype dtype) {
  const auto tensor = gpu.tensor_flops.find(dtype);
  if (tensor != gpu.tensor_flops.end()) return tensor->second;
  if (dtype == shape::Dtype::fp32) return gpu.vector_flops;
  std::vector<std::string_view> usable;
  for (const shape::Dtype other : shape::all_dtypes())
    if (other == shape::Dtype::fp32 || gpu.tensor_flops.contains(other)) usable.push_back(shape::name(other));
  throw Error(
      fmt::format("GPU '{}' cannot multiply {}: use one of {}", gpu.name, shape::name(dtype), fmt::join(usable, ", ")));
}

AlignmentClass alignment_class(const Gpu& gpu, shape::Dtype dtype, std::int64_t power_of_two) {
  assert(power_of_two >= 1 && std::has_single_bit(static_cast<std::uint64_t>(power_of_two)));
  const std::vector<AlignmentClass>& all = classes(gpu, dtype);
  AlignmentClass best = all.front();
  for (const AlignmentClass& one : all)
    if (one.elements <= power_of_two) best = one;
  return best;
}

std::int64_t alignment_threshold(const Gpu& gpu, shape::Dtype dtype) {
  const std::vector<AlignmentClass>& all = classes(gpu, dtype);
  for (const AlignmentClass& one : all)
    if (one.efficiency * (1 + worthwhile_gain) >= all.back().efficiency) return one.elements;
  return all.back().elements;
}

}  // namespace gemmetry::gpu
