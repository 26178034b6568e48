#pragma once

#include "gemmetry/study/evidence.h"
#include "gemmetry/study/verdict.h"

// How a machine tells whether a claim is so: a function for each type of condition. What noise may take away is a
// factor of 1 + tolerance, so that a claim and its mirror image (of and over exchanged, up and down) are judged alike.
// docs/studies.md has the definitions.

namespace gemmetry::study {

// These leave Verdict::claim to the caller. Error where a condition is impossible at a point.
Verdict judge(const RatioCondition& condition, double tolerance, const Evidence& evidence);
Verdict judge(const OrderingCondition& condition, double tolerance, const Evidence& evidence);
Verdict judge(const MonotoneCondition& condition, double tolerance, const Evidence& evidence);
Verdict judge(const PeriodCondition& condition, double tolerance, const Evidence& evidence);
Verdict judge(const SaturationCondition& condition, double tolerance, const Evidence& evidence);
Verdict judge(const LinearCondition& condition, double tolerance, const Evidence& evidence);

}  // namespace gemmetry::study
