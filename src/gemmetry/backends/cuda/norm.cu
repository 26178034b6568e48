#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/backends/cuda/norm_rows.h"

// Which kernel a norm takes, and on how many blocks.

namespace gemmetry::backends::cuda {
namespace {

using Kind = shape::NormKind;

/// Blocks of the backward kernels: each leaves its sums of the weights' gradients, so there are few.
std::int64_t backward_blocks(const op::Norm& n, const RowShape& shape, int pack, int sms) {
  if (shape.slots == 0) return std::min<std::int64_t>(n.rows, std::int64_t{sms} * 2);
  return row_grid(shape, n.rows, n.width, pack, sms);
}

template <typename T>
RowShape backward_shape(const op::Norm& n) {
  const RowShape shape = row_shape(n.width, pack_size<T>, row_threads, most_backward_threads, most_backward_threads);
  return shape.slots == 4 && shape.lanes > row_threads ? RowShape{} : shape;
}

template <typename T, bool layer>
NormArrays<T> forward_arrays(const op::Norm& n, const Launch& on) {
  const int y = layer ? 3 : 2;
  return {on.array<const T>(0),
          on.array<const T>(1),
          layer ? on.array<const T>(2) : nullptr,
          on.array<T>(y),
          layer ? on.array<float>(y + 1) : nullptr,
          on.array<float>(layer ? y + 2 : y + 1),
          n.rows,
          static_cast<int>(n.width)};
}

template <typename T, int slots, bool layer, bool whole, int threads = row_threads>
Status run_forward(const NormArrays<T>& arrays, const RowShape& shape, const Launch& on) {
  const auto kernel = norm_forward<T, slots, layer, whole, threads>;
  const std::size_t stage = RowRing<T, slots, 1>::stage_bytes(shape.threads());
  const std::size_t columns = threads == shared_columns_threads ? 2 * stage : 0;
  const RingPlan ring = plan_ring(kernel, shape, stage, on.sms, 32, columns);
  const unsigned blocks = row_grid(shape, arrays.rows, arrays.width, pack_size<T>, ring.blocks);
  kernel<<<blocks, dim3(shape.lanes, shape.groups), ring.bytes, on.stream>>>(arrays, ring.depth);
  return check(cudaGetLastError(), "norm");
}

template <typename T, bool layer, bool whole>
Status run_forward(const NormArrays<T>& arrays, const Launch& on) {
  const RowShape shape = row_shape(arrays.width, pack_size<T>, forward_threads, 64, row_threads, layer ? 64 : 128);
  if (shape.slots == 1) return run_forward<T, 1, layer, whole>(arrays, shape, on);
  if (shape.slots == 2) return run_forward<T, 2, layer, whole>(arrays, shape, on);
  if constexpr (layer && whole) {
    if (shape.lanes > forward_threads && shape.lanes <= shared_columns_threads)
      return run_forward<T, 4, layer, whole, shared_columns_threads>(arrays, shape, on);
  }
  if (shape.slots == 4) return run_forward<T, 4, layer, whole>(arrays, shape, on);
  const unsigned blocks = static_cast<unsigned>(std::min<std::int64_t>(arrays.rows, on.sms * 4));
  norm_forward_wide<T, layer><<<blocks, row_threads, 0, on.stream>>>(arrays);
  return check(cudaGetLastError(), "norm");
}

template <typename T, bool layer>
Status run_forward(const NormArrays<T>& arrays, const Launch& on) {
  return arrays.width % pack_size<T> == 0 ? run_forward<T, layer, true>(arrays, on)
                                          : run_forward<T, layer, false>(arrays, on);
}

template <typename T, int slots, bool layer, int threads>
Status run_backward(const NormGradients<T>& arrays, const RowShape& shape, unsigned blocks, const Launch& on) {
  const auto kernel = arrays.width % pack_size<T> == 0 ? norm_backward<T, slots, layer, true, threads>
                                                       : norm_backward<T, slots, layer, false, threads>;
  const std::size_t sums = std::size_t{sizeof(float)} * pack_size<T> * slots * shape.threads();
  const std::size_t stage = RowRing<T, slots, 2>::stage_bytes(shape.threads());
  const std::size_t bias_sums = bias_sums_in_shared<layer, threads> ? sums : 0;
  const RingPlan ring = plan_ring(kernel, shape, stage, on.sms, 1, bias_sums + stage / 2, bias_sums + sums);
  kernel<<<blocks, dim3(shape.lanes, shape.groups), ring.bytes, on.stream>>>(arrays, ring.depth);
  return check(cudaGetLastError(), "norm backward");
}

template <typename T, bool layer>
Status run_backward(const op::Norm& n, const Launch& on) {
  const int statistics = layer ? 2 : 1;
  NormGradients<T> arrays{on.array<const T>(0),
                          on.array<const T>(1),
                          on.array<const T>(2),
                          layer ? on.array<const float>(3) : nullptr,
                          on.array<const float>(2 + statistics),
                          on.array<T>(3 + statistics),
                          static_cast<float*>(on.workspace),
                          n.rows,
                          static_cast<int>(n.width)};
  const RowShape shape = backward_shape<T>(n);
  const unsigned blocks = static_cast<unsigned>(backward_blocks(n, shape, pack_size<T>, on.sms));
  Status status;
  const bool many = shape.lanes > row_threads;
  if (shape.slots == 1) status = run_backward<T, 1, layer, row_threads>(arrays, shape, blocks, on);
  if (shape.slots == 2 && !many) status = run_backward<T, 2, layer, row_threads>(arrays, shape, blocks, on);
  if (shape.slots == 2 && many) status = run_backward<T, 2, layer, most_backward_threads>(arrays, shape, blocks, on);
  if (shape.slots == 4) status = run_backward<T, 4, layer, row_threads>(arrays, shape, blocks, on);
  if (shape.slots == 0) {
    norm_backward_wide<T, layer><<<blocks, row_threads, 0, on.stream>>>(arrays);
    status = check(cudaGetLastError(), "norm backward");
  }
  if (!status.ok()) return status;
  const dim3 sum_blocks(static_cast<unsigned>((n.width + sum_columns - 1) / sum_columns), layer ? 2 : 1);
  // A kernel that wants another share of shared memory than the one before waits until the SMs have changed it.
  cudaFuncSetAttribute(norm_sum<T>, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared);
  const Following following(sum_blocks, dim3(sum_columns, sum_rows), on.stream);
  return check(cudaLaunchKernelEx(following.config(), norm_sum<T>, static_cast<const float*>(arrays.partial),
                                  static_cast<int>(blocks), static_cast<int>(n.width), on.array<T>(4 + statistics),
                                  layer ? on.array<T>(5 + statistics) : nullptr),
               "norm backward, sums");
}

template <typename F>
Status with_norm(const op::Norm& n, F&& f) {
  Status status;
  with_type(n.dtype, [&](auto zero) {
    using T = decltype(zero);
    status = n.norm == Kind::layer_norm ? f(zero, std::true_type{}) : f(zero, std::false_type{});
  });
  return status;
}

bool too_wide(const op::Norm& n) { return n.width > (1 << 30); }

Status refuse(const op::Norm& n) {
  return failure(StatusCode::unsupported, "norm: width %lld is more than 2^30", static_cast<long long>(n.width));
}

}  // namespace

Status launch_dense(const measure::NormKernel& kernel, const Launch& on) noexcept {
  return with_norm(kernel.norm, [&](auto zero, auto layer) {
    using T = decltype(zero);
    constexpr bool is_layer = decltype(layer)::value;
    const NormArrays<T> arrays{on.array<const T>(0),
                               on.array<const T>(1),
                               is_layer ? on.array<const T>(2) : nullptr,
                               on.array<T>(is_layer ? 3 : 2),
                               nullptr,
                               nullptr,
                               kernel.norm.rows,
                               static_cast<int>(kernel.norm.width),
                               kernel.epsilon};
    return run_forward<T, is_layer>(arrays, on);
  });
}

Status launch(const op::Norm& n, const Launch& on) noexcept {
  if (n.rows <= 0 || n.width <= 0) return {};
  if (too_wide(n)) return refuse(n);
  return with_norm(n, [&](auto zero, auto layer) {
    using T = decltype(zero);
    if (n.backward) return run_backward<T, layer.value>(n, on);
    return run_forward<T, layer.value>(forward_arrays<T, layer.value>(n, on), on);
  });
}

Status launch_forward_operands(const op::Norm& n, const Launch& on) noexcept {
  if (n.rows <= 0 || n.width <= 0 || !n.backward) return {};
  if (too_wide(n)) return refuse(n);
  return with_norm(n, [&](auto zero, auto layer) {
    using T = decltype(zero);
    NormArrays<T> arrays{on.array<const T>(0),     nullptr, nullptr, nullptr, nullptr, on.array<float>(3), n.rows,
                         static_cast<int>(n.width)};
    if constexpr (layer.value) {
      arrays.mean = on.array<float>(3);
      arrays.rstd = on.array<float>(4);
    }
    return run_forward<T, layer.value>(arrays, on);
  });
}

std::int64_t workspace_bytes(const op::Norm& n, int sms) noexcept {
  if (!n.backward || n.rows <= 0 || n.width <= 0) return 0;
  std::int64_t blocks = 0;
  with_type(n.dtype, [&](auto zero) {
    using T = decltype(zero);
    blocks = backward_blocks(n, backward_shape<T>(n), pack_size<T>, sms);
  });
  return blocks * n.width * static_cast<std::int64_t>(sizeof(float)) * (n.norm == Kind::layer_norm ? 2 : 1);
}

}  // namespace gemmetry::backends::cuda
