# What a C++ user gets: headers, the library, and a package that find_package(fastloss CONFIG) finds.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fastloss)

if(in_wheel)
  set(links NAMELINK_SKIP)
endif()
install(TARGETS fastloss EXPORT fastloss LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ${links} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/cpp/include/fastloss DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(FILES ${PROJECT_BINARY_DIR}/generated/fastloss/version.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fastloss)
install(EXPORT fastloss NAMESPACE fastloss:: FILE fastlossTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/fastlossConfig.cmake.in ${PROJECT_BINARY_DIR}/fastlossConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fastlossConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fastlossConfig.cmake ${PROJECT_BINARY_DIR}/fastlossConfigVersion.cmake DESTINATION ${package_dir})
