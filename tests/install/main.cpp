// A project that uses an installed gemmetry: finds its headers, links its rooms and reads the data compiled into them.
#include <cstdio>

#include "gemmetry/base/version.h"
#include "gemmetry/gpu/embedded_gpus.h"

int main() {
  std::printf("gemmetry %.*s knows %zu GPUs\n", static_cast<int>(gemmetry::version.size()), gemmetry::version.data(),
              gemmetry::gpu::embedded_gpus().size());
  return gemmetry::gpu::embedded_gpus().empty() ? 1 : 0;
}
