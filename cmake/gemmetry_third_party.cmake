# The libraries the rooms link. The installed package includes this file too, so both find them in the same way.
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)

# cmake/fmt_once.cpp knows fmt 9, which Debian 12 and Ubuntu 24.04 have; other versions are used header-only.
if(NOT TARGET gemmetry_third_party::fmt)
  add_library(gemmetry_third_party::fmt INTERFACE IMPORTED)
  if(fmt_VERSION VERSION_GREATER_EQUAL 9 AND fmt_VERSION VERSION_LESS 10)
    set(GEMMETRY_FMT_ONCE ON)
    target_include_directories(gemmetry_third_party::fmt INTERFACE
      $<TARGET_PROPERTY:fmt::fmt-header-only,INTERFACE_INCLUDE_DIRECTORIES>)
  else()
    set(GEMMETRY_FMT_ONCE OFF)
    target_link_libraries(gemmetry_third_party::fmt INTERFACE fmt::fmt-header-only)
  endif()
endif()

# The distributions' yaml-cpp package names the shared library; the binary has to run on machines that lack it.
if(NOT TARGET gemmetry_third_party::yaml_cpp)
  add_library(gemmetry_third_party::yaml_cpp INTERFACE IMPORTED)
  find_library(GEMMETRY_YAML_CPP_STATIC libyaml-cpp.a)
  find_path(GEMMETRY_YAML_CPP_INCLUDE yaml-cpp/yaml.h)
  if(GEMMETRY_YAML_CPP_STATIC AND GEMMETRY_YAML_CPP_INCLUDE)
    set_target_properties(gemmetry_third_party::yaml_cpp PROPERTIES
      INTERFACE_LINK_LIBRARIES ${GEMMETRY_YAML_CPP_STATIC}
      INTERFACE_INCLUDE_DIRECTORIES ${GEMMETRY_YAML_CPP_INCLUDE})
  else()
    find_package(yaml-cpp REQUIRED)
    if(TARGET yaml-cpp::yaml-cpp)
      set_target_properties(gemmetry_third_party::yaml_cpp PROPERTIES INTERFACE_LINK_LIBRARIES yaml-cpp::yaml-cpp)
    else()
      set_target_properties(gemmetry_third_party::yaml_cpp PROPERTIES INTERFACE_LINK_LIBRARIES yaml-cpp)
    endif()
  endif()
endif()

# SQLite and OpenBLAS likewise, where the static library is there.
function(gemmetry_static_library name library header)
  if(TARGET gemmetry_third_party::${name})
    return()
  endif()
  find_library(GEMMETRY_${name}_LIBRARY NAMES lib${library}.a ${library} REQUIRED)
  find_path(GEMMETRY_${name}_INCLUDE ${header} PATH_SUFFIXES openblas openblas-pthread x86_64-linux-gnu REQUIRED)
  add_library(gemmetry_third_party::${name} INTERFACE IMPORTED)
  set_target_properties(gemmetry_third_party::${name} PROPERTIES
    INTERFACE_LINK_LIBRARIES "${GEMMETRY_${name}_LIBRARY};${CMAKE_DL_LIBS};m"
    INTERFACE_INCLUDE_DIRECTORIES ${GEMMETRY_${name}_INCLUDE})
endfunction()
gemmetry_static_library(sqlite sqlite3 sqlite3.h)
gemmetry_static_library(openblas openblas cblas.h)

# Eigen has headers alone; its own target brings nothing else. Its folder is a system one: its warnings are not ours.
if(NOT TARGET gemmetry_third_party::eigen)
  find_package(Eigen3 REQUIRED)
  add_library(gemmetry_third_party::eigen INTERFACE IMPORTED)
  target_link_libraries(gemmetry_third_party::eigen INTERFACE Eigen3::Eigen)
endif()
