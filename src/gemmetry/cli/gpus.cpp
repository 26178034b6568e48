#include <memory>

#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/gpu/catalogue.h"

namespace gemmetry::cli {
namespace {

using gpu::Gpu;
using gpu::Node;
using report::Column;
using report::Unit;
using report::Value;
using shape::Dtype;

constexpr auto gpu_examples = R"(Examples:
  gemmetry gpus
  gemmetry gpus h200
  gemmetry gpus path/to/my_gpu.json --format json)";

constexpr auto node_examples = R"(Examples:
  gemmetry nodes
  gemmetry nodes aws-p4d)";

struct Options {
  std::string name;
  OutputOptions output;
};

template <class Row>
std::function<Value(const Row&)> text(std::string Row::*member) {
  return [member](const Row& row) { return (row.*member).empty() ? Value() : Value(row.*member); };
}

template <class Row, class Number>
std::function<Value(const Row&)> number(Number Row::*member) {
  return [member](const Row& row) { return Value(row.*member); };
}

std::function<Value(const Gpu&)> known(std::optional<double> Gpu::*member) {
  return [member](const Gpu& gpu) { return gpu.*member ? Value(*(gpu.*member)) : Value(report::Unknown{}); };
}

/// Tensor throughput of a dtype; not applicable where the hardware has no such unit.
Column<Gpu> throughput(Dtype dtype) {
  const std::string key = "tensor_flops_" + std::string(name(dtype));
  return {{.key = key, .heading = std::string(name(dtype)), .unit = Unit::flop_per_s}, [dtype](const Gpu& gpu) {
            const auto found = gpu.tensor_flops.find(dtype);
            return found == gpu.tensor_flops.end() ? Value() : Value(found->second);
          }};
}

/// `list`: only what fits beside each other is on screen.
std::vector<Column<Gpu>> gpu_columns(bool list) {
  std::vector<Column<Gpu>> columns{
      {{.key = "name", .heading = "name"}, text(&Gpu::name)},
      {{.key = "title", .heading = "GPU"}, text(&Gpu::title)},
      {{.key = "generation", .heading = list ? "" : "generation"},
       [](const Gpu& gpu) { return Value(std::string(name(gpu.generation))); }},
      {{.key = "sms", .heading = "SMs"}, number(&Gpu::sms)},
      {{.key = "boost_clock_hz", .heading = "boost", .unit = Unit::hertz}, number(&Gpu::boost_clock_hz)},
  };
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16, Dtype::fp8, Dtype::tf32, Dtype::fp32}) {
    columns.push_back(throughput(dtype));
    if (list && dtype != Dtype::fp16 && dtype != Dtype::fp8) columns.back().info.heading.clear();
  }
  const auto hidden = [list](const char* heading) { return list ? "" : heading; };
  const std::vector<Column<Gpu>> more{
      {{.key = "vector_flops", .heading = hidden("vector fp32"), .unit = Unit::flop_per_s}, number(&Gpu::vector_flops)},
      {{.key = "bandwidth", .heading = "bandwidth", .unit = Unit::bytes_per_s}, number(&Gpu::bandwidth)},
      {{.key = "memory_bytes", .heading = "memory", .unit = Unit::memory}, number(&Gpu::memory_bytes)},
      {{.key = "l2_bytes", .heading = "L2", .unit = Unit::memory}, number(&Gpu::l2_bytes)},
      {{.key = "power_limit_w", .heading = hidden("power limit"), .unit = Unit::watts}, known(&Gpu::power_limit_w)},
      {{.key = "launch_stream_s", .heading = hidden("launch, stream"), .unit = Unit::seconds},
       number(&Gpu::launch_stream_s)},
      {{.key = "launch_graph_s", .heading = hidden("launch, graph"), .unit = Unit::seconds},
       number(&Gpu::launch_graph_s)},
      {{.key = "sustained_fraction", .heading = hidden("sustained / burst"), .unit = Unit::fraction},
       known(&Gpu::sustained_fraction)},
      {{.key = "link", .heading = "link"}, text(&Gpu::link)},
      {{.key = "link_bandwidth", .heading = hidden("link bandwidth"), .unit = Unit::bytes_per_s},
       known(&Gpu::link_bandwidth)},
  };
  columns.insert(columns.end(), more.begin(), more.end());
  return columns;
}

/// One entry of the list of alignment classes.
struct AlignmentRow {
  std::int64_t element_bytes;
  gpu::AlignmentClass entry;
};

std::vector<Column<AlignmentRow>> alignment_columns() {
  return {
      {{.key = "element_bytes", .heading = "bytes an element", .once = true}, number(&AlignmentRow::element_bytes)},
      {{.key = "elements", .heading = "divisible by"}, [](const AlignmentRow& r) { return Value(r.entry.elements); }},
      {{.key = "efficiency", .heading = "of the aligned rate", .unit = Unit::fraction},
       [](const AlignmentRow& r) { return Value(r.entry.efficiency); }},
  };
}

report::Section alignment_section(const Gpu& gpu) {
  std::vector<AlignmentRow> rows;
  for (const auto& [bytes, classes] : gpu.alignment)
    for (const gpu::AlignmentClass& entry : classes) rows.push_back({bytes, entry});
  return {"alignment", "Throughput by the power of two that divides the contiguous sizes",
          report::List{make_table(alignment_columns(), rows)}};
}

using Source = std::pair<const std::string, std::string>;

report::Section sources_section(const std::map<std::string, std::string>& sources) {
  const std::vector<Column<Source>> columns{
      {{.key = "fact", .heading = "fact"}, [](const Source& s) { return Value(s.first); }},
      {{.key = "source", .heading = "source", .wrap = true}, [](const Source& s) { return Value(s.second); }},
  };
  return {"sources", "Where each fact is from",
          report::List{make_table(columns, std::vector<Source>(sources.begin(), sources.end()))}};
}

std::vector<Column<Node>> node_columns() {
  return {
      {{.key = "name", .heading = "name"}, text(&Node::name)},
      {{.key = "title", .heading = "node"}, text(&Node::title)},
      {{.key = "gpu", .heading = "GPU"}, text(&Node::gpu)},
      {{.key = "gpus", .heading = "GPUs"}, number(&Node::gpus)},
      {{.key = "intra_bandwidth", .heading = "in the node, a GPU", .unit = Unit::bytes_per_s},
       number(&Node::intra_bandwidth)},
      {{.key = "intra_latency", .heading = "step", .unit = Unit::seconds}, number(&Node::intra_latency)},
      {{.key = "inter_bandwidth", .heading = "network, the node", .unit = Unit::bytes_per_s},
       number(&Node::inter_bandwidth)},
      {{.key = "inter_latency", .heading = "step of the network", .unit = Unit::seconds}, number(&Node::inter_latency)},
  };
}

ExitCode run_gpus(const Options& options, const Console& console) {
  report::Document document;
  if (options.name.empty()) {
    std::vector<Gpu> gpus;
    for (const std::string& name : gpu::gpu_names()) gpus.push_back(gpu::load_gpu(name));
    document.sections = {{"gpus", "", report::List{make_table(gpu_columns(true), gpus)}}};
  } else {
    const Gpu gpu = gpu::load_gpu(options.name);
    document.csv = "gpu";
    document.sections = {{"gpu", "", report::Facts{make_table(gpu_columns(false), gpu)}},
                         alignment_section(gpu),
                         sources_section(gpu.sources)};
  }
  options.output.write(document, console);
  return exit_ok;
}

ExitCode run_nodes(const Options& options, const Console& console) {
  report::Document document;
  if (options.name.empty()) {
    std::vector<Node> nodes;
    for (const std::string& name : gpu::node_names()) nodes.push_back(gpu::load_node(name));
    document.sections = {{"nodes", "", report::List{make_table(node_columns(), nodes)}}};
  } else {
    const Node node = gpu::load_node(options.name);
    document.csv = "node";
    document.sections = {{"node", "", report::Facts{make_table(node_columns(), node)}}, sources_section(node.sources)};
  }
  options.output.write(document, console);
  return exit_ok;
}

/// A subcommand that lists a catalogue, or shows one entry of it.
template <class Run>
void add_catalogue(CLI::App& app, Command& chosen, const char* name, const char* positional, const char* description,
                   const char* examples, Run run) {
  CLI::App& sub = *app.add_subcommand(name, description);
  auto options = std::make_shared<Options>();
  add_text(sub, positional, "", "a name or the path of a JSON file; all names when left out",
           [entry = &options->name](const std::string&, const std::string& text) { *entry = text; });
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run);
}

}  // namespace

void add_gpus(CLI::App& app, Command& chosen) {
  add_catalogue(app, chosen, "gpus", "GPU", "the GPUs it knows, or the facts of one with their sources", gpu_examples,
                run_gpus);
}

void add_nodes(CLI::App& app, Command& chosen) {
  add_catalogue(app, chosen, "nodes", "NODE", "the nodes it knows: GPUs in one machine and their links", node_examples,
                run_nodes);
}

}  // namespace gemmetry::cli
