set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# -O3 makes nothing here faster than -O2 does, and takes longer to compile.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

find_program(GEMMETRY_CCACHE ccache)
if(GEMMETRY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${GEMMETRY_CCACHE})
endif()

function(gemmetry_cxx_options)
  foreach(option IN LISTS ARGN)
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:${option}>)
  endforeach()
endfunction()
gemmetry_cxx_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
# A designated initializer names the members that differ from their defaults, and means to leave out the rest.
gemmetry_cxx_options(-Wno-missing-field-initializers)
if(GEMMETRY_WERROR)
  gemmetry_cxx_options(-Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # These come from the optimiser's guesses and differ between versions of GCC: worth reading, not worth a broken build.
    foreach(guess maybe-uninitialized array-bounds stringop-overflow stringop-overread restrict free-nonheap-object)
      gemmetry_cxx_options(-Wno-error=${guess})
    endforeach()
    if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
      gemmetry_cxx_options(-Wno-error=dangling-reference)
    endif()
  endif()
endif()

if(GEMMETRY_SANITIZE)
  add_compile_options(-fsanitize=${GEMMETRY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${GEMMETRY_SANITIZE})
endif()
