// Takes single samples of operators for another program, which alternates them with its own: bench/compare_pytorch.py.
//
//   add KIND field=value ... [key=KEY]   -> ok NUMBER     plans, fills, verifies and records
//   tune KIND field=value ...            -> ok KEY        of the best algorithm
//   sample NUMBER                        -> ok SECONDS    one replay after an idle gap
//   bytes NUMBER                         -> ok BYTES      compulsory ones of one execution
//   drop NUMBER                          -> ok
//
// A line that fails is answered "no REASON".

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gemmetry/backends/open.h"
#include "gemmetry/base/error.h"
#include "gemmetry/measure/arm.h"
#include "gemmetry/measure/axis.h"
#include "gemmetry/measure/host_clock.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/measure/tuner.h"
#include "gemmetry/measure/verify.h"

namespace {

using namespace gemmetry;

constexpr double idle_s = 0.003;
constexpr double replay_s = 0.001;
constexpr std::uint64_t seed = 1;

/// A request's operator and its algorithm key.
struct Wanted {
  op::Operator op;
  std::string key;
};

Wanted read_operator(std::istream& words) {
  std::string kind, word;
  words >> kind;
  Wanted wanted;
  std::vector<measure::Axis> axes;
  while (words >> word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) throw Error(fmt::format("'{}': expected field=value", word));
    const std::string field = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (field == "key")
      wanted.key = value;
    else
      axes.push_back({field, value});
  }
  wanted.op = measure::expand(kind, axes).at(0);
  return wanted;
}

class Server {
 public:
  explicit Server(std::unique_ptr<measure::Backend> backend) : backend_(std::move(backend)) {
    measure::require(backend_->describe(device_));
  }

  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "add") return add(read_operator(words));
    if (verb == "tune") return tune(read_operator(words));
    int number = 0;
    words >> number;
    const auto found = arms_.find(number);
    if (found == arms_.end()) throw Error(fmt::format("'{}': no such number", line));
    if (verb == "sample") return sample(*found->second.arm);
    if (verb == "bytes") return fmt::format("{:.0f}", op::bytes(found->second.op));
    if (verb != "drop") throw Error(fmt::format("'{}': use add, tune, sample, bytes or drop", verb));
    arms_.erase(found);
    return "";
  }

 private:
  struct Entry {
    op::Operator op;
    std::unique_ptr<measure::Subject> subject;
    std::unique_ptr<measure::Arm> arm;  ///< after its subject, so gone before it
  };

  std::string add(const Wanted& wanted) {
    const char* key = wanted.key.empty() ? nullptr : wanted.key.c_str();
    const measure::Verdict verdict = measure::verify(*backend_, wanted.op, key, seed);
    if (!verdict.right) throw Error(verdict.message);
    Entry& entry = arms_[++last_];
    entry.op = wanted.op;
    try {
      entry.subject =
          std::make_unique<measure::Subject>(*backend_, device_, wanted.op, key, measure::Footing{.seed = seed});
      entry.arm = std::make_unique<measure::Arm>(*backend_, *entry.subject, replay_s, false);
    } catch (...) {
      arms_.erase(last_);
      throw;
    }
    return std::to_string(last_);
  }

  std::string tune(const Wanted& wanted) {
    measure::ClockMonitor monitor(device_.uuid);
    return measure::Tuner(*backend_, device_, monitor).tune(wanted.op).best.key;
  }

  std::string sample(measure::Arm& arm) {
    clock_.wait_s(idle_s);
    std::vector<double> samples_s;
    arm.replay(1, samples_s);
    return fmt::format("{:.9g}", samples_s.at(0));
  }

  std::unique_ptr<measure::Backend> backend_;
  measure::DeviceInfo device_;
  measure::HostClock clock_;
  std::map<int, Entry> arms_;
  int last_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::filesystem::path folder = argc > 2 ? argv[2] : std::filesystem::path(argv[0]).parent_path();
    Server server(backends::open_device(argc > 1 ? argv[1] : "cuda", folder));
    for (std::string line; std::getline(std::cin, line);) {
      try {
        const std::string answer = server.answer(line);
        std::cout << "ok " << answer << std::endl;
      } catch (const std::exception& problem) {
        std::cout << "no " << problem.what() << std::endl;
      }
    }
  } catch (const std::exception& problem) {
    std::cerr << "sample_server: " << problem.what() << "\n";
    return 3;
  }
}
