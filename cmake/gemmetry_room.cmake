# A room is one folder src/gemmetry/NAME and one library gemmetry_NAME (gemmetry::NAME).
set(GEMMETRY_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)
set(GEMMETRY_ROOMS "")

# gemmetry_room(NAME [DEPENDS room...] [FOLDERS folder...] [LINK library...] [EMBED group...])
#   DEPENDS  the rooms whose headers it may include
#   FOLDERS  folders in it that belong to the library too
#   LINK     third-party libraries
#   EMBED    groups of data files: data/GROUP/*.json, *.css and *.js are compiled in as gemmetry::NAME::embedded_GROUP(), and
#            with them what ./dev fetched as build/third_party/GROUP/*.js
# A room whose folder does not exist is skipped; a room of headers alone becomes an interface library.
function(gemmetry_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" "DEPENDS;FOLDERS;LINK;EMBED")
  set(folders ${name})
  foreach(folder IN LISTS room_FOLDERS)
    list(APPEND folders ${name}/${folder})
  endforeach()
  list(TRANSFORM folders PREPEND ${PROJECT_SOURCE_DIR}/src/gemmetry/)
  list(TRANSFORM folders APPEND /*.cpp OUTPUT_VARIABLE source_globs)
  list(TRANSFORM folders APPEND /*.h OUTPUT_VARIABLE header_globs)
  file(GLOB sources CONFIGURE_DEPENDS ${source_globs})
  file(GLOB headers CONFIGURE_DEPENDS ${header_globs})
  list(FILTER sources EXCLUDE REGEX "/cli/main\\.cpp$")
  if(NOT sources AND NOT headers)
    return()
  endif()

  set(target gemmetry_${name})
  if(sources OR room_EMBED)
    set(scope PUBLIC)
    add_library(${target} STATIC ${sources})
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  add_library(gemmetry::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<BUILD_INTERFACE:${GEMMETRY_GENERATED_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # Rooms that read and print run once a call: there, quick compiling is worth more than quick code.
  if(name MATCHES "^(base|shape|gpu|report|cli)$" AND NOT scope STREQUAL "INTERFACE")
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  foreach(other IN LISTS room_DEPENDS)
    if(TARGET gemmetry_${other})
      target_link_libraries(${target} ${scope} gemmetry_${other})
    endif()
  endforeach()
  target_link_libraries(${target} ${scope} ${room_LINK} Threads::Threads)
  foreach(group IN LISTS room_EMBED)
    gemmetry_embed(${name} ${group})
  endforeach()

  set(GEMMETRY_ROOMS ${GEMMETRY_ROOMS} ${name} PARENT_SCOPE)
endfunction()

# gemmetry_embed(ROOM GROUP): generates gemmetry/ROOM/embedded_GROUP.h and the source behind it.
function(gemmetry_embed room group)
  set(data ${PROJECT_SOURCE_DIR}/data/${group})
  file(GLOB files CONFIGURE_DEPENDS ${data}/*.json ${data}/*.css ${data}/*.js
       ${PROJECT_SOURCE_DIR}/build/third_party/${group}/*.js)
  set(header ${GEMMETRY_GENERATED_DIR}/gemmetry/${room}/embedded_${group}.h)
  set(source ${GEMMETRY_GENERATED_DIR}/gemmetry/${room}/embedded_${group}.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embedded.h.in ${header} @ONLY)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -Droom=${room} -Dgroup=${group} -Dout=${source}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake -- ${files}
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Embedding data/${group}"
    VERBATIM)
  target_sources(gemmetry_${room} PRIVATE ${source})
endfunction()

# The library of all rooms (gemmetry::gemmetry) and the program.
function(gemmetry_program)
  add_library(gemmetry_all INTERFACE)
  add_library(gemmetry::gemmetry ALIAS gemmetry_all)
  set_target_properties(gemmetry_all PROPERTIES EXPORT_NAME gemmetry)
  foreach(room IN LISTS GEMMETRY_ROOMS)
    target_link_libraries(gemmetry_all INTERFACE gemmetry_${room})
  endforeach()

  file(GLOB main CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/gemmetry/cli/main.cpp)
  if(NOT main)
    return()
  endif()
  add_executable(gemmetry ${main})
  target_link_libraries(gemmetry PRIVATE gemmetry_cli)
  set_target_properties(gemmetry PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  if(NOT GEMMETRY_SANITIZE)
    # A GPU node often has an older libstdc++ than the machine that built the program.
    target_link_options(gemmetry PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()
