#include "gemmetry/gpu/catalogue.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <span>

#include "gemmetry/base/embedded_file.h"
#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/gpu/embedded_gpus.h"
#include "gemmetry/gpu/embedded_nodes.h"

namespace gemmetry::gpu {
namespace {

/// "H100_SXM" -> "h100-sxm": how people type the names of the catalogue.
std::string normalized(std::string_view name) {
  std::string result(name);
  for (char& c : result)
    c = c == '_' || c == ' ' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::vector<std::string> aliases(const EmbeddedFile& file) {
  const nlohmann::json document = parse_json(file.text, std::string(file.name));
  const auto found = document.find("aliases");
  return found == document.end() ? std::vector<std::string>{} : found->get<std::vector<std::string>>();
}

std::vector<std::string> names(std::span<const EmbeddedFile> files) {
  std::vector<std::string> result;
  for (const EmbeddedFile& file : files) result.emplace_back(file.name);
  return result;
}

/// The file of that name or alias. Error naming the nearest otherwise; `kind` is what the message calls it.
const EmbeddedFile& find(std::span<const EmbeddedFile> files, const std::string& name, std::string_view kind) {
  const std::string wanted = normalized(name);
  for (const EmbeddedFile& file : files)
    if (file.name == wanted) return file;
  std::vector<std::string> known = names(files);
  for (const EmbeddedFile& file : files)
    for (std::string& alias : aliases(file)) {
      if (alias == wanted) return file;
      known.push_back(std::move(alias));
    }
  throw Error(fmt::format("{} '{}' is unknown{} (known: {}; a path ending in .json reads a file of your own)", kind,
                          name, did_you_mean(wanted, known), fmt::join(names(files), ", ")));
}

bool is_path(const std::string& name_or_path) { return name_or_path.ends_with(".json"); }

/// A node for a GPU of which none is catalogued: eight of them on their own links, or on PCIe where they have none.
Node assumed_node(const Gpu& gpu) {
  constexpr double pcie_4_x16 = 32e9;
  Node node;
  node.name = gpu.name + "-x8";
  node.title = "8 x " + gpu.title;
  node.gpu = gpu.name;
  node.gpus = 8;
  node.intra_bandwidth = gpu.link_bandwidth.value_or(pcie_4_x16);
  node.intra_latency = 1e-6;
  node.inter_bandwidth = 50e9;
  node.inter_latency = 5e-6;
  const std::string assumed = "assumed: no node of this GPU is catalogued; ";
  node.sources = {{"gpus", assumed + "eight, as most have"},
                  {"intra_bandwidth", assumed + (gpu.link_bandwidth ? "the GPU's own links" : "PCIe 4.0 x16")},
                  {"intra_latency", assumed + "about what NCCL reaches over NVLink"},
                  {"inter_bandwidth", assumed + "one 400 Gb/s port"},
                  {"inter_latency", assumed + "an InfiniBand hop with its proxy thread"}};
  return node;
}

}  // namespace

Gpu load_gpu(const std::string& name_or_path) {
  if (is_path(name_or_path)) return gpu_from_json(read_text_file(name_or_path), name_or_path);
  const EmbeddedFile& file = find(embedded_gpus(), name_or_path, "GPU");
  return gpu_from_json(file.text, fmt::format("data/gpus/{}.json", file.name));
}

Node load_node(const std::string& name_or_path) {
  if (is_path(name_or_path)) return node_from_json(read_text_file(name_or_path), name_or_path);
  const EmbeddedFile& file = find(embedded_nodes(), name_or_path, "node");
  return node_from_json(file.text, fmt::format("data/nodes/{}.json", file.name));
}

Node usual_node(const Gpu& gpu) {
  for (const EmbeddedFile& file : embedded_nodes()) {
    Node node = node_from_json(file.text, fmt::format("data/nodes/{}.json", file.name));
    if (node.gpu == gpu.name) return node;
  }
  return assumed_node(gpu);
}

std::vector<std::string> gpu_names() { return names(embedded_gpus()); }
std::vector<std::string> node_names() { return names(embedded_nodes()); }

}  // namespace gemmetry::gpu
