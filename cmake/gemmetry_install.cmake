include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gemmetry)

set(targets gemmetry_all)
foreach(room IN LISTS GEMMETRY_ROOMS)
  list(APPEND targets gemmetry_${room})
endforeach()
install(TARGETS ${targets} EXPORT gemmetry_targets)
install(EXPORT gemmetry_targets NAMESPACE gemmetry:: DESTINATION ${package_dir})
if(TARGET gemmetry)
  install(TARGETS gemmetry)
endif()
if(TARGET gemmetry_cuda)
  install(TARGETS gemmetry_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR})  # the program looks beside itself
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/gemmetry ${GEMMETRY_GENERATED_DIR}/gemmetry
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(EXISTS ${PROJECT_SOURCE_DIR}/data)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/gemmetry)
endif()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/gemmetry-config.cmake.in
  ${PROJECT_BINARY_DIR}/gemmetry-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gemmetry-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/gemmetry-config.cmake
  ${PROJECT_BINARY_DIR}/gemmetry-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/gemmetry_third_party.cmake
  DESTINATION ${package_dir})
