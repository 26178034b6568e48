#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace gemmetry::gpu {

/// Several GPUs in one machine and the links between machines. Bandwidths in bytes/s, one direction, latencies in
/// seconds.
struct Node {
  std::string name;   ///< "aws-p4d"
  std::string title;  ///< "AWS p4d.24xlarge"
  std::string gpu;    ///< name in the catalogue
  std::int64_t gpus = 0;
  double intra_bandwidth = 0;  ///< of one GPU to its peers in the node
  double intra_latency = 0;    ///< of one step of a ring
  double inter_bandwidth = 0;  ///< of the whole node to the network
  double inter_latency = 0;
  std::map<std::string, std::string> sources;
};

}  // namespace gemmetry::gpu
