#include "gemmetry/run/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "gemmetry/base/error.h"
#include "run/stored.h"
#include "scratch.h"

namespace gemmetry::run {
namespace {

/// The error of reading a file with this text, which is one line and names the file.
std::string problem(const std::string& text) {
  const Scratch scratch;
  const std::string path = scratch.write("model.safetensors", text);
  try {
    const Safetensors file(path);
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("model.safetensors"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
  return {};
}

void expect_problem(const std::string& text, const std::string& says) {
  EXPECT_NE(problem(text).find(says), std::string::npos) << problem(text);
}

/// Element `index` of an fp32 tensor, which need not be aligned.
float value(const StoredTensor& tensor, std::size_t index) {
  float value = 0;
  std::memcpy(&value, tensor.data.data() + index * sizeof value, sizeof value);
  return value;
}

const std::string one = R"({"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";

TEST(Safetensors, GivesTensorsWithShapeAndValues) {
  const Scratch scratch;
  StoredFile stored;
  stored.add("b", {2}, {3, 4});
  stored.add("a", {1, 3}, {0.5f, -1, 2});
  const Safetensors file(scratch.write("weights.safetensors", stored.text()));
  const StoredTensor& a = file.at("a");
  EXPECT_EQ(a.shape, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(a.shape_text(), "[1, 3]");
  EXPECT_EQ(a.element(), measure::Element::fp32);
  EXPECT_EQ(value(a, 1), -1);
  EXPECT_EQ(value(file.at("b"), 1), 4);
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_EQ(file.tensors().size(), 2u);
}

TEST(Safetensors, ReadsAFolderOfShards) {
  const Scratch scratch;
  StoredFile first;
  first.add("a", {1}, {1});
  StoredFile second;
  second.add("b", {1}, {2});
  scratch.write("model-1.safetensors", first.text());
  scratch.write("model-2.safetensors", second.text());
  const auto index = [](const std::string& a, const std::string& b) {
    return R"({"metadata":{},"weight_map":{"a":")" + a + R"(","b":")" + b + "\"}}";
  };
  scratch.write("model.safetensors.index.json", index("model-1.safetensors", "model-2.safetensors"));
  EXPECT_EQ(Safetensors(scratch.folder().string()).tensors().size(), 2u);

  scratch.write("model.safetensors.index.json", index("model-1.safetensors", "model-1.safetensors"));
  EXPECT_THROW(Safetensors(scratch.folder().string()), Error) << "b is in the other file";
  scratch.write("model.safetensors.index.json", index("model-1.safetensors", "model-3.safetensors"));
  EXPECT_THROW(Safetensors(scratch.folder().string()), Error);
  scratch.write("model.safetensors.index.json", index("model-1.safetensors", "../model-2.safetensors"));
  EXPECT_THROW(Safetensors(scratch.folder().string()), Error) << "out of the folder";
}

TEST(Safetensors, AFolderOrFileThatIsNotThereIsSaid) {
  const Scratch scratch;
  EXPECT_THROW(Safetensors(scratch.folder().string()), Error);
  EXPECT_THROW(Safetensors(scratch.path("none.safetensors")), Error);
}

TEST(Safetensors, TruncatedFiles) {
  const std::string whole = stored(one, std::string(8, 'x'));
  EXPECT_EQ(problem(whole), "");
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(problem(whole.substr(0, length)), "") << length;
  expect_problem("", "truncated");
  expect_problem(whole.substr(0, 20), "truncated: the header ends at byte");
  expect_problem(whole.substr(0, whole.size() - 1), "tensor 'x': ends at byte 8 of the data, which has 7");
}

TEST(Safetensors, HeadersThatAreNone) {
  expect_problem(std::string(16, '\xff'), "this is no safetensors file");
  expect_problem(stored("[]", ""), "no JSON object");
  expect_problem(stored(R"({"x":3})", ""), "'x': has no dtype");
  EXPECT_NE(problem(stored("{", "")), "");
}

TEST(Safetensors, TensorsThatCannotBe) {
  const auto with = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return stored(R"({"x":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
                  std::string(16, 'x'));
  };
  EXPECT_EQ(problem(with("F32", "[2,2]", "[0,16]")), "");
  expect_problem(with("F33", "[2,2]", "[0,16]"), "tensor 'x': dtype 'F33' is unknown");
  expect_problem(with("F32", "[2,3]", "[0,16]"), "has 16 bytes, but [2, 3] of F32 are 24");
  expect_problem(with("F32", "[-2]", "[0,8]"), "shape = [-2]");
  expect_problem(with("F32", "[1099511627776,1099511627776]", "[0,8]"), "more than 2^63");
  expect_problem(with("F32", "[2]", "[8,0]"), "data_offsets = [8,0]");
  expect_problem(with("F32", "[2]", "[12,20]"), "ends at byte 20 of the data, which has 16");
  expect_problem(with("F32", "[2]", "[0,18446744073709551615]"), "ends at byte 18446744073709551615");
}

TEST(Safetensors, TensorsThatOverlap) {
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})";
  expect_problem(stored(header, std::string(6, 'x')), "'a' and 'b' overlap: bytes 2 to 4");
}

TEST(Safetensors, OnlyFloatsAreWeights) {
  const Scratch scratch;
  const std::string header = R"({"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}})";
  const Safetensors file(scratch.write("model.safetensors", stored(header, "1234")));
  EXPECT_THROW(file.at("a").element(), Error);
  EXPECT_THROW(file.at("b"), Error);
}

}  // namespace
}  // namespace gemmetry::run
