#include "gemmetry/predict/collective_model.h"

#include <algorithm>
#include <cmath>

// Predicts: all-reduce, all-gather, reduce-scatter and point-to-point sends within a node or between nodes.
// Formula:  launch + start + steps x latency + wire / efficiency + sqrt(ramp x wire), wire = ring bytes / link
// bandwidth,
//           steps = 2 (r - 1) for all-reduce, r - 1 for the others, 1 for a send.
// Range:    calibrated for 2, 4 and 8 GPUs of one node, 512 B to 512 MB.
// Ignores:  trees, rings over several nodes at once, contention, overlap with other kernels. Sums made by the switches
//           (NVLink SHARP, all GPUs of a node) are an efficiency over 1 of the ring's bytes.
// Source:   ring algorithm; coefficients from data/calibration, latencies and bandwidths from data/nodes.

namespace gemmetry::predict {

CollectiveModel::CollectiveModel(const gpu::Gpu& gpu, const gpu::Node& node, const gpu::Calibration& calibration)
    : launch_s_(gpu.launch_graph_s), node_(node), coefficients_(calibration.collective) {}

double CollectiveModel::steps(const op::Collective& collective) {
  const double hops = std::max(1.0, static_cast<double>(collective.ranks) - 1);
  switch (collective.collective) {
    case op::CollectiveKind::all_reduce:
      return 2 * hops;
    case op::CollectiveKind::all_gather:
    case op::CollectiveKind::reduce_scatter:
      return hops;
    case op::CollectiveKind::send:
      return 1;
  }
  return 1;
}

double CollectiveModel::link_bandwidth(op::Span span) const {
  const auto gpus = static_cast<double>(std::max<std::int64_t>(1, node_.gpus));
  return span == op::Span::node ? node_.intra_bandwidth : node_.inter_bandwidth / gpus;
}

double CollectiveModel::efficiency(const op::Collective& collective) const {
  const bool whole_node = collective.span == op::Span::node && collective.ranks == node_.gpus;
  switch (collective.collective) {
    case op::CollectiveKind::all_reduce:
      return whole_node ? coefficients_.all_reduce_node : coefficients_.all_reduce;
    case op::CollectiveKind::all_gather:
      return coefficients_.all_gather;
    case op::CollectiveKind::reduce_scatter:
      return coefficients_.reduce_scatter;
    case op::CollectiveKind::send:
      return coefficients_.send;
  }
  return 1;
}

Estimate CollectiveModel::estimate(const op::Collective& collective) const {
  const double wire = op::bytes(collective) / link_bandwidth(collective.span);
  const double latency = collective.span == op::Span::node ? node_.intra_latency : node_.inter_latency;
  Estimate estimate;
  estimate.memory_time_s = wire / efficiency(collective) + std::sqrt(coefficients_.ramp_s * wire);
  estimate.fixed_time_s = launch_s_ + coefficients_.start_s + steps(collective) * latency;
  estimate.time_s = estimate.fixed_time_s + estimate.memory_time_s;
  estimate.bound = estimate.fixed_time_s > estimate.memory_time_s ? op::Bound::launch : op::Bound::network;
  return estimate;
}

}  // namespace gemmetry::predict
