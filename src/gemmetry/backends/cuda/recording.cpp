#include "gemmetry/backends/cuda/recording.h"

#include "gemmetry/backends/cuda/cuda_plan.h"

namespace gemmetry::backends::cuda {

Status enqueue(const measure::Call* calls, std::size_t count, cudaStream_t stream) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const measure::Call& call = calls[i];
    const Status status = static_cast<CudaPlan*>(call.plan)->enqueue(call.operands, call.workspace, stream);
    if (!status.ok()) return status;
  }
  return {};
}

Status CudaRecording::make(const measure::Call* calls, std::size_t count, measure::Replay replay, cudaStream_t stream,
                           std::unique_ptr<CudaRecording>* recording) {
  std::unique_ptr<CudaRecording> made(new CudaRecording());
  if (replay == measure::Replay::stream) {
    made->calls_.assign(calls, calls + count);
  } else if (const Status status = made->capture(calls, count, stream); !status.ok()) {
    return status;
  }
  *recording = std::move(made);
  return {};
}

Status CudaRecording::capture(const measure::Call* calls, std::size_t count, cudaStream_t stream) {
  // Relaxed: a plan that meets its operands for the first time may allocate and copy, outside the stream.
  const cudaError_t begun = cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
  if (begun != cudaSuccess) return check(begun, "begin a graph");
  const Status enqueued = enqueue(calls, count, stream);
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream, &graph);
  Status status = enqueued.ok() ? check(ended, "end a graph") : enqueued;
  if (ended != cudaSuccess) cudaGetLastError();
  if (status.ok()) status = check(cudaGraphGetNodes(graph, nullptr, &nodes_), "count a graph's nodes");
  if (status.ok()) status = check(cudaGraphInstantiate(&graph_, graph, 0), "make a graph ready");
  if (graph != nullptr) cudaGraphDestroy(graph);
  return status.ok() ? check(cudaGraphUpload(graph_, stream), "put a graph on the device") : status;
}

CudaRecording::~CudaRecording() {
  if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
}

Status CudaRecording::replay(cudaStream_t stream) const noexcept {
  if (graph_ == nullptr) return enqueue(calls_.data(), calls_.size(), stream);
  const cudaError_t error = cudaGraphLaunch(graph_, stream);
  return error == cudaSuccess ? Status{} : check(error, "launch a graph");
}

}  // namespace gemmetry::backends::cuda
