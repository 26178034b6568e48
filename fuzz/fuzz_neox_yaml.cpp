// Any text as a GPT-NeoX or Megatron YAML: a Model whose parameters can be counted, or an Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/memory.h"
#include "gemmetry/shape/parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemmetry::shape;
  try {
    const Model model = model_from_neox_yaml({reinterpret_cast<const char*>(data), size}, "fuzz");
    count_parameters(model);
    const Workload workload{.phase = Phase::training, .tensor_parallel = 2, .pipeline_parallel = 3};
    validate(workload, model);
    impossible_splits(workload, model);
    memory_per_gpu(model, workload);
  } catch (const gemmetry::Error&) {
  }
  return 0;
}
