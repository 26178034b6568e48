#include "gemmetry/backends/cuda/stopwatch.h"

#include <algorithm>

namespace gemmetry::backends::cuda {
namespace {

/// Launches that wait at the closed gate at most: a full queue would make the host wait for the device that waits for
/// it.
constexpr std::size_t most_held = 256;

}  // namespace

Stopwatch::~Stopwatch() {
  for (const cudaEvent_t event : events_) cudaEventDestroy(event);
}

Status Stopwatch::make_events(std::size_t count) {
  while (events_.size() < count) {
    cudaEvent_t event = nullptr;
    if (const Status status = check(cudaEventCreate(&event), "make an event"); !status.ok()) return status;
    events_.push_back(event);
  }
  return {};
}

/// The times between neighbours of the first count + 1 events.
Status Stopwatch::read(std::int32_t count, double* times_s) const {
  for (std::int32_t i = 0; i < count; ++i) {
    float milliseconds = 0;
    const std::size_t at = static_cast<std::size_t>(i);
    const cudaError_t error = cudaEventElapsedTime(&milliseconds, events_[at], events_[at + 1]);
    if (error != cudaSuccess) return check(error, "read the time between events");
    times_s[i] = static_cast<double>(milliseconds) * 1e-3;
  }
  return {};
}

Status Stopwatch::time(const CudaRecording& recording, std::int32_t replays, cudaStream_t stream, double* times_s) {
  if (replays < 1) return {};
  if (const Status status = make_events(static_cast<std::size_t>(replays) + 1); !status.ok()) return status;
  const Status enqueued = enqueue(recording, replays, stream);
  gate_.open();
  const Status waited = check(cudaStreamSynchronize(stream), "wait for timed work");
  if (!enqueued.ok()) return enqueued;
  return waited.ok() ? read(replays, times_s) : waited;
}

Status Stopwatch::time_each(const measure::Call* calls, std::int32_t count, cudaStream_t stream, double* times_s) {
  constexpr std::int32_t at_once = most_held / 3;  // a call is an event and one or two launches
  if (const Status status = make_events(at_once + 1); !status.ok()) return status;
  for (std::int32_t first = 0; first < count; first += at_once) {
    const std::int32_t some = std::min(at_once, count - first);
    const Status enqueued = enqueue_each(calls + first, some, stream);
    gate_.open();
    const Status waited = check(cudaStreamSynchronize(stream), "wait for timed work");
    if (!enqueued.ok()) return enqueued;
    if (!waited.ok()) return waited;
    if (const Status status = read(some, times_s + first); !status.ok()) return status;
  }
  return {};
}

/// All calls wait at the gate: many are shorter than it takes the host to enqueue them.
Status Stopwatch::enqueue_each(const measure::Call* calls, std::int32_t count, cudaStream_t stream) {
  if (const Status status = gate_.close(stream); !status.ok()) return status;
  if (const Status status = check(cudaEventRecord(events_[0], stream), "record an event"); !status.ok()) return status;
  for (std::int32_t i = 0; i < count; ++i) {
    if (const Status status = cuda::enqueue(calls + i, 1, stream); !status.ok()) return status;
    const cudaError_t error = cudaEventRecord(events_[static_cast<std::size_t>(i) + 1], stream);
    if (error != cudaSuccess) return check(error, "record an event");
  }
  return {};
}

Status Stopwatch::enqueue(const CudaRecording& recording, std::int32_t replays, cudaStream_t stream) {
  const std::size_t launches = recording.launches() + 2;  // the launch itself, and an event
  const std::int32_t held = static_cast<std::int32_t>(
      std::min(static_cast<std::size_t>(replays), std::max<std::size_t>(most_held / launches, 1)));
  if (launches <= most_held) {
    if (const Status status = gate_.close(stream); !status.ok()) return status;
  }
  if (const Status status = check(cudaEventRecord(events_[0], stream), "record an event"); !status.ok()) return status;
  for (std::int32_t i = 0; i < replays; ++i) {
    if (const Status status = recording.replay(stream); !status.ok()) return status;
    const cudaError_t error = cudaEventRecord(events_[static_cast<std::size_t>(i) + 1], stream);
    if (error != cudaSuccess) return check(error, "record an event");
    if (i + 1 == held) gate_.open();
  }
  return {};
}

}  // namespace gemmetry::backends::cuda
