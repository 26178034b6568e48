# The CUDA backend: one shared object, which the program loads from beside itself when a device is asked for.
if(GEMMETRY_CUDA STREQUAL "OFF" OR GEMMETRY_SANITIZE)
  return()
endif()
find_program(GEMMETRY_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin /usr/local/cuda/bin)
find_path(GEMMETRY_CUDNN_FRONTEND_INCLUDE cudnn_frontend.h
          HINTS ${PROJECT_SOURCE_DIR}/build/third_party/cudnn_frontend/include)
if(NOT GEMMETRY_NVCC OR NOT GEMMETRY_CUDNN_FRONTEND_INCLUDE)
  set(missing "")
  if(NOT GEMMETRY_NVCC)
    list(APPEND missing "nvcc (CUDA toolkit 12 or later)")
  endif()
  if(NOT GEMMETRY_CUDNN_FRONTEND_INCLUDE)
    list(APPEND missing "cudnn_frontend.h (./dev fetches it)")
  endif()
  list(JOIN missing ", " missing)
  if(GEMMETRY_CUDA STREQUAL "ON")
    message(FATAL_ERROR "GEMMETRY_CUDA=ON, but not found: ${missing}")
  endif()
  message(STATUS "The CUDA backend is not built; not found: ${missing}")
  return()
endif()

if(NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER ${GEMMETRY_NVCC})
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90)  # code for Ampere and Hopper; later GPUs compile the second's PTX
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 knows no CUDA20 dialect of nvcc
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
find_package(CUDAToolkit REQUIRED)

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/gemmetry/backends/cuda/*.cpp
     ${PROJECT_SOURCE_DIR}/src/gemmetry/backends/cuda/*.cu)
if(NOT sources)
  return()
endif()
add_library(gemmetry_cuda MODULE ${sources})
target_compile_features(gemmetry_cuda PRIVATE cxx_std_20)
target_compile_options(gemmetry_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr -Xcompiler=-Wall,-Wno-parentheses>)
target_include_directories(gemmetry_cuda SYSTEM PRIVATE ${GEMMETRY_CUDNN_FRONTEND_INCLUDE})
target_link_libraries(gemmetry_cuda PRIVATE gemmetry_measure CUDA::cublasLt CUDA::cublas)
set_target_properties(gemmetry_cuda PROPERTIES
  CUDA_RUNTIME_LIBRARY Static
  CXX_VISIBILITY_PRESET hidden
  CUDA_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
  BUILD_RPATH "/usr/local/cuda/lib64"
  INSTALL_RPATH "/usr/local/cuda/lib64")
target_link_options(gemmetry_cuda PRIVATE -static-libstdc++ -static-libgcc -Wl,--no-undefined
                    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/backend.map)
