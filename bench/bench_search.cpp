// The search as `gemmetry advise` runs it: candidate shapes a second on two threads, nothing priced before, training
// step of all operators; and the peak memory of a search over more than ten million candidates.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "gemmetry/advise/search.h"
#include "gemmetry/predict/predictor.h"
#include "gemmetry/shape/import.h"

namespace {

using namespace gemmetry;

shape::Workload training() {
  shape::Workload workload;
  workload.phase = shape::Phase::training;
  return workload;
}

/// Largest resident memory of this process so far, in MiB; 0 where the system does not tell.
double peak_mebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmHWM:") continue;
    double kibibytes = 0;
    status >> kibibytes;
    return kibibytes / 1024;
  }
  return 0;
}

/// Everything free, `tolerance_percent` of parameters around GPT-3 2.7B. The predictor is made anew each time.
void search(benchmark::State& state) {
  const shape::Model model = shape::preset("gpt3-2.7b");
  advise::SearchOptions options;
  options.free = {.heads = true, .kv_heads = true, .ffn = true, .vocab = true, .hidden = true, .layers = true};
  options.tolerance = static_cast<double>(state.range(0)) / 100;
  options.threads = 2;
  advise::SearchResult result;
  std::int64_t seen = 0;
  for (auto _ : state) {
    const auto costs = predict::Predictor::for_gpu("h200", {});
    result = advise::search(model, training(), options, costs);
    seen += result.seen;
  }
  state.counters["candidates"] = static_cast<double>(result.seen);
  state.counters["candidates/s"] = benchmark::Counter(static_cast<double>(seen), benchmark::Counter::kIsRate);
  state.counters["distinct_products"] = static_cast<double>(result.distinct_products);
  state.counters["peak_MiB"] = peak_mebibytes();
}
BENCHMARK(search)
    ->ArgName("tolerance_percent")
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();
BENCHMARK(search)
    ->ArgName("tolerance_percent")
    ->Arg(40)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Iterations(1);

}  // namespace
