#include "gemmetry/advise/start.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {
namespace {

TEST(Start, IsAValidShapeNearTheCount) {
  for (const double parameters : {1e7, 3e7, 1.25e8, 7.6e8, 2.7e9, 7e9, 7e10, 1e12, 1e13}) {
    const shape::Model model = start_from_parameters(parameters);
    shape::validate(model);
    const auto count = static_cast<double>(shape::count_parameters(model).total);
    EXPECT_NEAR(count / parameters, 1, 0.05) << parameters;
    EXPECT_EQ(model.attention.head_dim, 128);
    EXPECT_EQ(model.vocab, 50304);
  }
}

TEST(Start, FollowsTheGpt3Family) {
  EXPECT_EQ(start_from_parameters(1.25e8).hidden, 768);
  EXPECT_EQ(start_from_parameters(1.25e8).layers, 12);
  EXPECT_EQ(start_from_parameters(2.7e9).hidden, 2560);
  EXPECT_EQ(start_from_parameters(175e9).hidden, 12288);
  EXPECT_EQ(start_from_parameters(175e9).layers, 96);
}

TEST(Start, RefusesCountsNoModelHas) {
  for (const double parameters : {0.0, -1e9, 1e5, 1e15, std::nan("")})
    EXPECT_THROW(start_from_parameters(parameters), Error);
}

}  // namespace
}  // namespace gemmetry::advise
