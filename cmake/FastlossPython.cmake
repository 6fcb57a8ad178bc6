# The Python module, and the type stubs of the losses.

find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module NumPy)
find_package(pybind11 3.0 CONFIG QUIET)
if(NOT pybind11_FOUND)
  execute_process(COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir OUTPUT_VARIABLE pybind11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  find_package(pybind11 3.0 CONFIG REQUIRED)
endif()

file(GLOB binding_sources CONFIGURE_DEPENDS cpp/bindings/*.cpp)
pybind11_add_module(_core MODULE NO_EXTRAS ${binding_sources})
target_link_libraries(_core PRIVATE fastloss::fastloss fastloss_settings fastloss_hardening Python::NumPy)
target_link_options(_core PRIVATE LINKER:--wrap=__gxx_personality_v0)  # see cpp/bindings/gil.cpp
fastloss_export(_core ${PROJECT_SOURCE_DIR}/cmake/core.exports)
set_target_properties(_core PROPERTIES INSTALL_RPATH "$ORIGIN/${CMAKE_INSTALL_LIBDIR}")
fastloss_precompile(_core cpp/bindings/loss_type.hpp cpp/bindings/python_objects.hpp)
set_source_files_properties(cpp/bindings/module.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON)  # it alone imports NumPy's functions
install(TARGETS _core LIBRARY DESTINATION .)

# The stubs are derived from the declarations and the registry at every build and never committed.
add_executable(fastloss_registry cpp/tools/registry.cpp)
target_link_libraries(fastloss_registry PRIVATE fastloss::fastloss fastloss_settings)
file(GLOB declarations CONFIGURE_DEPENDS python/fastloss/*.py python/fastloss/losses/*.py)
set(stub_dir ${PROJECT_BINARY_DIR}/stubs)
add_custom_command(
  OUTPUT ${stub_dir}.stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${stub_dir}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${stub_dir}
  COMMAND fastloss_registry > ${PROJECT_BINARY_DIR}/registry.txt
  COMMAND ${Python_EXECUTABLE} ${PROJECT_SOURCE_DIR}/python/fastloss/_stubs.py ${stub_dir} ${PROJECT_BINARY_DIR}/registry.txt
  COMMAND ${CMAKE_COMMAND} -E touch ${stub_dir}.stamp
  DEPENDS ${declarations} fastloss_registry
  COMMENT "Writing the type stubs of the losses"
  VERBATIM
)
add_custom_target(fastloss_stubs ALL DEPENDS ${stub_dir}.stamp)
install(DIRECTORY ${stub_dir}/ DESTINATION . FILES_MATCHING PATTERN "*.pyi")
