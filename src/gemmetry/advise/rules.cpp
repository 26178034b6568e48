#include "gemmetry/advise/rules.h"

#include "gemmetry/advise/rule_list.h"

namespace gemmetry::advise {
namespace {

void append(std::vector<Finding>& findings, std::vector<Finding> more, std::string_view rule,
            std::string_view section) {
  for (Finding& finding : more) {
    finding.rule = rule;
    finding.section = section;
    findings.push_back(std::move(finding));
  }
}

}  // namespace

std::vector<Finding> check(const shape::Model& model, const shape::Workload& workload, const op::CostModel& costs,
                           const gpu::Gpu& gpu, const CheckOptions& options) {
  std::vector<std::int64_t> degrees = options.tensor_parallel;
  if (degrees.empty()) degrees.push_back(workload.tensor_parallel);
  shape::validate(model);
  std::vector<Finding> findings;
  for (const std::int64_t degree : degrees) {
    shape::Workload split = workload;
    split.tensor_parallel = degree;
    shape::validate(split, model);
    const Case of(model, split, costs, gpu, degrees.size() > 1);
    for (const Rule& rule : rules) append(findings, rule.judge(of), rule.key, rule.section);
  }
  append(findings, portability(model, workload, gpu, degrees), "portability", "VII-A");
  return findings;
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::note:
      return "note";
    case Verdict::costly:
      return "costly";
    case Verdict::impossible:
      return "impossible";
  }
  return "?";
}

}  // namespace gemmetry::advise
