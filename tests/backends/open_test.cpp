#include "gemmetry/backends/open.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "scratch.h"

namespace gemmetry::backends {
namespace {

template <class Exception>
std::string message_of(const std::string& name, const std::filesystem::path& beside) {
  try {
    open_device(name, beside);
  } catch (const Exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << "one line";
}

TEST(OpenDevice, OpensTheCpu) {
  const Scratch scratch;
  const std::unique_ptr<measure::Backend> backend = open_device("cpu", scratch.folder());
  measure::DeviceInfo info;
  ASSERT_TRUE(backend->describe(info).ok());
  EXPECT_STREQ(info.backend, "cpu");
}

TEST(OpenDevice, UnknownNamesAreInputErrors) {
  const Scratch scratch;
  for (const char* name : {"cudo", "cud:1", "tpu", "", "cuda:x", "cuda:-1", "cuda:", "cuda:99999999999"}) {
    try {
      open_device(name, scratch.folder());
      ADD_FAILURE() << name;
    } catch (const NoDevice& error) {
      ADD_FAILURE() << error.what();
    } catch (const Error& error) {
      expect_has(error.what(), std::string("'") + name + "'");
    }
  }
  expect_has(message_of<Error>("cudo", scratch.folder()), "did you mean 'cuda'?");
}

TEST(OpenDevice, SaysThatTheBackendIsMissing) {
  const Scratch scratch;
  const std::string message = message_of<NoDevice>("cuda", scratch.folder());
  expect_has(message, (scratch.folder() / "libgemmetry_cuda.so").string() + " is missing");
  expect_has(message, "GEMMETRY_CUDA=ON");
  expect_has(message_of<NoDevice>("cuda:3", scratch.folder() / "nowhere"), "is missing");
}

TEST(OpenDevice, SaysThatTheFileIsNoLibrary) {
  const Scratch scratch;
  std::ofstream(scratch.folder() / "libgemmetry_cuda.so") << "hello";
  expect_has(message_of<NoDevice>("cuda", scratch.folder()), "does not load");
}

TEST(OpenDevice, SaysThatALibraryIsNotGemmetrys) {
  const Scratch scratch;
  for (const char* other : {"/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6", "/usr/lib/libm.so.6"})
    if (std::filesystem::exists(other)) {
      std::filesystem::copy_file(other, scratch.folder() / "libgemmetry_cuda.so");
      expect_has(message_of<NoDevice>("cuda", scratch.folder()), "gemmetry_open_backend");
      return;
    }
  GTEST_SKIP() << "no libm.so.6 where it usually is";
}

TEST(ListDevices, HasTheCpuAndWhyThereIsNoGpu) {
  const Scratch scratch;
  const std::vector<ListedDevice> devices = list_devices(scratch.folder());
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].name, "cpu");
  ASSERT_TRUE(devices[0].info.has_value());
  EXPECT_STREQ(devices[0].info->backend, "cpu");
  EXPECT_EQ(devices[1].name, "cuda");
  EXPECT_FALSE(devices[1].info.has_value());
  EXPECT_NE(devices[1].reason.find("is missing"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::backends
