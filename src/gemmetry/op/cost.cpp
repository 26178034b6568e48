#include "gemmetry/op/cost.h"

#include <array>
#include <cmath>
#include <utility>

#include "gemmetry/op/names.h"

namespace gemmetry::op {
namespace {

constexpr std::array<std::pair<Bound, std::string_view>, 5> bounds{{{Bound::tensor, "tensor"},
                                                                    {Bound::l2, "l2"},
                                                                    {Bound::memory, "memory"},
                                                                    {Bound::launch, "launch"},
                                                                    {Bound::network, "network"}}};
constexpr std::array<std::pair<ErrorClass, std::string_view>, error_classes> classes{
    {{ErrorClass::product, "product"},
     {ErrorClass::thin_product, "thin_product"},
     {ErrorClass::misaligned_product, "misaligned_product"},
     {ErrorClass::batched_product, "batched_product"},
     {ErrorClass::attention, "attention"},
     {ErrorClass::pointwise, "pointwise"},
     {ErrorClass::collective, "collective"}}};
constexpr std::array<std::pair<Origin, std::string_view>, 2> origins{
    {{Origin::predicted, "predicted"}, {Origin::measured, "measured"}}};

double half_width(const Uncertainty& error) { return normal_90 * std::hypot(error.shared, error.independent); }

}  // namespace

double Cost::time_low_s() const { return time_s * std::exp(-half_width(error)); }
double Cost::time_high_s() const { return time_s * std::exp(half_width(error)); }

std::string_view name(Bound bound) { return name_in<Bound>(bounds, bound); }
std::string_view name(ErrorClass error_class) { return name_in<ErrorClass>(classes, error_class); }
std::string_view name(Origin origin) { return name_in<Origin>(origins, origin); }

}  // namespace gemmetry::op
