# cmake -Droom=R -Dgroup=G -Dout=FILE.cpp -P embed.cmake -- DATA_FILE...: writes the source behind embedded_G.h.
set(entries "")
set(count 0)
set(past_dashes FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  set(file "${CMAKE_ARGV${i}}")
  if(past_dashes)
    # Escaping every byte needs no thought about quotes, and a string literal compiles far faster than an array of bytes.
    file(READ "${file}" text HEX)
    string(REGEX REPLACE "(..)" "\\\\x\\1" text "${text}")
    string(REGEX REPLACE "(................................................................................................)"
           "\\1\"\n     \"" text "${text}")
    file(SIZE "${file}" size)
    get_filename_component(name "${file}" NAME)
    string(REGEX REPLACE "\\.json$" "" name "${name}")
    string(APPEND entries "    {\"${name}\", {\"${text}\", ${size}}},\n")
    math(EXPR count "${count} + 1")
  elseif(file STREQUAL "--")
    set(past_dashes TRUE)
  endif()
endforeach()

file(WRITE "${out}" "// Generated from data/${group} by cmake/embed.cmake.
#include \"gemmetry/${room}/embedded_${group}.h\"

#include <array>

namespace gemmetry::${room} {
namespace {

constexpr std::array<EmbeddedFile, ${count}> files = {{
${entries}}};

}  // namespace

std::span<const EmbeddedFile> embedded_${group}() { return files; }

}  // namespace gemmetry::${room}
")
