#pragma once

#include "gemmetry/backends/cuda/status.h"

namespace gemmetry::backends::cuda {

/// Loads libcudnn.so.9 if that was not done yet: a machine without it measures everything but attention. Its functions
/// may be called once this is ok. Unsupported, with the loader's reason, where it is not to be had.
Status load_cudnn();

}  // namespace gemmetry::backends::cuda
