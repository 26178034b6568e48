// Reads any text as a GPU and as a node of the catalogue. Anything but gemmetry::Error is a finding, and so is a GPU
// that was accepted and then breaks what the predictor relies on.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gemmetry/base/error.h"
#include "gemmetry/gpu/catalogue.h"

namespace {

using namespace gemmetry;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const gpu::Gpu& read) {
  require(read.sms >= 1 && read.bandwidth > 0 && read.memory_bytes > 0 && std::isfinite(read.vector_flops));
  for (const shape::Dtype dtype : shape::all_dtypes()) {
    double before = 0;
    for (std::int64_t power = 1; power <= 1024; power *= 2) {
      const double efficiency = gpu::alignment_class(read, dtype, power).efficiency;
      require(efficiency > 0 && efficiency <= 1 && efficiency >= before);
      before = efficiency;
    }
    require(gpu::alignment_threshold(read, dtype) >= 1);
    if (read.tensor_flops.contains(dtype)) require(gpu::peak_flops(read, dtype) > 0);
  }
  require(gpu::usual_node(read).gpus >= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    check(gpu::gpu_from_json(text, "fuzz"));
  } catch (const Error&) {
  }
  try {
    require(gpu::node_from_json(text, "fuzz").gpus >= 1);
  } catch (const Error&) {
  }
  return 0;
}
