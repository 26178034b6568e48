#include "gemmetry/backends/cuda/cudnn_library.h"

#include <cudnn.h>
#include <dlfcn.h>

#include <cstddef>

// The functions of cuDNN that this backend and the headers of cudnn-frontend call, each passing its arguments on to the
// library loaded by hand. (The headers can load it too, but then they load a second CUDA runtime beside ours.)

namespace gemmetry::backends::cuda {
namespace {

struct Loaded {
  void* library = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_LOCAL);
  const char* error = library == nullptr ? dlerror() : nullptr;
};

const Loaded& loaded() {
  static const Loaded once;
  return once;
}

/// The library's function of that name; `same` only tells its type.
template <class Function>
Function* real(Function& same, const char* name) {
  static_cast<void>(same);
  return reinterpret_cast<Function*>(dlsym(loaded().library, name));
}

}  // namespace

Status load_cudnn() {
  if (loaded().library != nullptr) return {};
  return failure(StatusCode::unsupported, "attention needs cuDNN 9, which cannot be loaded (%s): install it",
                 loaded().error != nullptr ? loaded().error : "libcudnn.so.9");
}

}  // namespace gemmetry::backends::cuda

using gemmetry::backends::cuda::real;

extern "C" {

std::size_t cudnnGetVersion() {
  static const auto function = real(cudnnGetVersion, "cudnnGetVersion");
  return function();
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  static const auto function = real(cudnnGetErrorString, "cudnnGetErrorString");
  return function(status);
}

void cudnnGetLastErrorString(char* message, std::size_t size) {
  static const auto function = real(cudnnGetLastErrorString, "cudnnGetLastErrorString");
  function(message, size);
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  static const auto function = real(cudnnCreate, "cudnnCreate");
  return function(handle);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  static const auto function = real(cudnnDestroy, "cudnnDestroy");
  return function(handle);
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  static const auto function = real(cudnnSetStream, "cudnnSetStream");
  return function(handle, stream);
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  static const auto function = real(cudnnGetStream, "cudnnGetStream");
  return function(handle, stream);
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
  static const auto function = real(cudnnBackendCreateDescriptor, "cudnnBackendCreateDescriptor");
  return function(type, descriptor);
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  static const auto function = real(cudnnBackendDestroyDescriptor, "cudnnBackendDestroyDescriptor");
  return function(descriptor);
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  static const auto function = real(cudnnBackendFinalize, "cudnnBackendFinalize");
  return function(descriptor);
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count, const void* elements) {
  static const auto function = real(cudnnBackendSetAttribute, "cudnnBackendSetAttribute");
  return function(descriptor, name, type, count, elements);
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t requested, std::int64_t* count,
                                       void* elements) {
  static const auto function = real(cudnnBackendGetAttribute, "cudnnBackendGetAttribute");
  return function(descriptor, name, type, requested, count, elements);
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t variant_pack) {
  static const auto function = real(cudnnBackendExecute, "cudnnBackendExecute");
  return function(handle, plan, variant_pack);
}

}  // extern "C"
