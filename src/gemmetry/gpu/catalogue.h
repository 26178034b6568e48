#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/gpu/node.h"

namespace gemmetry::gpu {

/// The GPU of that name, or read from that path when it ends in ".json". Error naming the nearest otherwise.
Gpu load_gpu(const std::string& name_or_path);

/// The node of that name, or from a path ending in ".json". Error naming the nearest otherwise.
Node load_node(const std::string& name_or_path);

/// The node a GPU is most often found in (h200: hgx-h200); a node of eight with the GPU's own links where none is
/// catalogued.
Node usual_node(const Gpu& gpu);

std::vector<std::string> gpu_names();
std::vector<std::string> node_names();

/// Reads a GPU from the text of a catalogue file. Error naming source, key, value and fix; unknown keys are refused.
Gpu gpu_from_json(std::string_view text, const std::string& source);
Node node_from_json(std::string_view text, const std::string& source);

}  // namespace gemmetry::gpu
