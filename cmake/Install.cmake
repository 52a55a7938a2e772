# cmake --install puts the program, and the pure libraries with their headers, where
# find_package(ssmsim) finds them. tests/install builds a consumer against it.

include(CMakePackageConfigHelpers)

install(TARGETS ssmsim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(
  CODE "execute_process(COMMAND ${CMAKE_COMMAND} -E create_symlink ssmsim
        \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/session-manager-plugin\")")

install(
  TARGETS ssm_protocol ssm_fault
  EXPORT ssmsim-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY protocol/include/ simulator/fault/include/
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
  EXPORT ssmsim-targets
  NAMESPACE ssm::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ssmsim)
configure_package_config_file(
  cmake/ssmsimConfig.cmake.in ${PROJECT_BINARY_DIR}/ssmsimConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ssmsim)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ssmsimConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ssmsimConfig.cmake
              ${PROJECT_BINARY_DIR}/ssmsimConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ssmsim)
