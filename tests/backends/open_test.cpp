#include "gemmetry/backends/open.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace gemmetry::backends {
namespace {

/// An empty folder, gone with the test.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("gemmetry_open_test_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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
  const Folder folder;
  const std::unique_ptr<measure::Backend> backend = open_device("cpu", folder.path());
  measure::DeviceInfo info;
  ASSERT_TRUE(backend->describe(info).ok());
  EXPECT_STREQ(info.backend, "cpu");
}

TEST(OpenDevice, UnknownNamesAreInputErrors) {
  const Folder folder;
  for (const char* name : {"cudo", "cud:1", "tpu", "", "cuda:x", "cuda:-1", "cuda:", "cuda:99999999999"}) {
    try {
      open_device(name, folder.path());
      ADD_FAILURE() << name;
    } catch (const NoDevice& error) {
      ADD_FAILURE() << error.what();
    } catch (const Error& error) {
      expect_has(error.what(), std::string("'") + name + "'");
    }
  }
  expect_has(message_of<Error>("cudo", folder.path()), "did you mean 'cuda'?");
}

TEST(OpenDevice, SaysThatTheBackendIsMissing) {
  const Folder folder;
  const std::string message = message_of<NoDevice>("cuda", folder.path());
  expect_has(message, (folder.path() / "libgemmetry_cuda.so").string() + " is missing");
  expect_has(message, "GEMMETRY_CUDA=ON");
  expect_has(message_of<NoDevice>("cuda:3", folder.path() / "nowhere"), "is missing");
}

TEST(OpenDevice, SaysThatTheFileIsNoLibrary) {
  const Folder folder;
  std::ofstream(folder.path() / "libgemmetry_cuda.so") << "hello";
  expect_has(message_of<NoDevice>("cuda", folder.path()), "does not load");
}

TEST(OpenDevice, SaysThatALibraryIsNotGemmetrys) {
  const Folder folder;
  for (const char* other : {"/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6", "/usr/lib/libm.so.6"})
    if (std::filesystem::exists(other)) {
      std::filesystem::copy_file(other, folder.path() / "libgemmetry_cuda.so");
      expect_has(message_of<NoDevice>("cuda", folder.path()), "gemmetry_open_backend");
      return;
    }
  GTEST_SKIP() << "no libm.so.6 where it usually is";
}

TEST(ListDevices, HasTheCpuAndWhyThereIsNoGpu) {
  const Folder folder;
  const std::vector<ListedDevice> devices = list_devices(folder.path());
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
