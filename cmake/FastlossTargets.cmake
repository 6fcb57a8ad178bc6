# The library: engine and runtime for the baseline processor, and the kernels once per instruction set.

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Threads REQUIRED)

configure_file(cpp/include/fastloss/version.hpp.in generated/fastloss/version.hpp @ONLY)

# How everything of ours is compiled. Contraction is off because a value must have the same bits whether or not its
# gradient is computed beside it; fused operations are written out where they are wanted.
add_library(fastloss_settings INTERFACE)
target_compile_features(fastloss_settings INTERFACE cxx_std_20)
target_compile_options(fastloss_settings INTERFACE -fno-math-errno -fno-trapping-math -ffp-contract=off)
target_compile_options(
  fastloss_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wundef -Wno-psabi $<$<BOOL:${FASTLOSS_WERROR}>:-Werror>
)
# False alarms of GCC 12: it merges instantiations for float and double that compile to the same code, then complains of
# the other one's size; and it warns inside its own std::string (GCC bug 105651).
target_compile_options(fastloss_settings INTERFACE "$<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict>")
# Clang does not know GCC's ivdep, which only helps GCC.
target_compile_options(fastloss_settings INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-pragmas>)
# GCC clears and copies small structs with `rep stos` and `rep movs`, which take some 10 ns to start: a tenth of a small call.
include(CheckCXXCompilerFlag)
set(cleared_or_copied memset memcpy)
set(loops vector_loop unrolled_loop)
foreach(what loop IN ZIP_LISTS cleared_or_copied loops)
  set(by_stores -m${what}-strategy=${loop}:1024:noalign,libcall:-1:noalign)
  check_cxx_compiler_flag(${by_stores} FASTLOSS_HAS_${what}_STRATEGY)
  target_compile_options(fastloss_settings INTERFACE $<$<BOOL:${FASTLOSS_HAS_${what}_STRATEGY}>:${by_stores}>)
endforeach()
target_include_directories(fastloss_settings INTERFACE ${PROJECT_SOURCE_DIR}/cpp/include ${PROJECT_BINARY_DIR}/generated)

# What a shared object of ours is hardened with. Kernels go without: nothing in them can be fortified, and guarding the stack of
# each would add code to every tile.
add_library(fastloss_hardening INTERFACE)
target_compile_options(fastloss_hardening INTERFACE -fstack-protector-strong)
if(NOT FASTLOSS_SANITIZE)  # sanitizers watch the same functions, and better
  target_compile_options(fastloss_hardening INTERFACE "$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()
target_link_options(fastloss_hardening INTERFACE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)

# Exports what the list names and nothing else: templates of the standard library are visible by themselves wherever they are
# compiled, and another library's copies would be merged with ours.
function(fastloss_export target list)
  target_link_options(${target} PRIVATE LINKER:--version-script=${list})
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${list})
endfunction()

# Headers that most sources of a target include are parsed once: a third of what it takes to compile it. Not with sanitizers, whose
# options differ between sources.
function(fastloss_precompile target)
  if(NOT FASTLOSS_SANITIZE)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

if(FASTLOSS_SANITIZE)
  # One instruction set and -O1: sanitized kernels take many times as long to compile.
  list(GET FASTLOSS_ISAS 0 built_isas)
  # Where variables live is not tracked: GCC 12 dies of it in the largest kernels.
  set(kernel_optimisation -O1 $<$<CXX_COMPILER_ID:GNU>:-fno-var-tracking>)
  # At -O1 it warns of sums that a kernel copies and never uses, and -O3 removes.
  list(APPEND kernel_optimisation $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(FASTLOSS_SANITIZE STREQUAL "address")
    # Every temporary of the kernels would be poisoned where its scope ends: the largest family then compiles for 10 minutes
    # and more, in place of one.
    list(APPEND kernel_optimisation -fno-sanitize-address-use-after-scope)
  endif()
  if(FASTLOSS_SANITIZE STREQUAL "undefined")
    # Every access to a pack would be checked twice: the kernels of a family then compile five times as long, the largest for more
    # than 20 minutes. A null pointer ends the process by itself, and packs lie on the stack.
    set(pack_sanitizing -fno-sanitize=null,alignment)
  endif()
  target_compile_options(fastloss_settings INTERFACE -fsanitize=${FASTLOSS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g)
  target_link_options(fastloss_settings INTERFACE -fsanitize=${FASTLOSS_SANITIZE})
else()
  set(built_isas ${FASTLOSS_ISAS})
  set(kernel_optimisation -O3)
endif()

set(isa_flags_v2 -march=x86-64-v2)
set(isa_flags_v3 -march=x86-64-v3)
set(isa_flags_v4 -march=x86-64-v4)
set(isa_flags_neon "")

file(GLOB library_sources CONFIGURE_DEPENDS cpp/src/engine/*/*.cpp cpp/src/runtime/*.cpp)
add_library(fastloss ${library_sources})
add_library(fastloss::fastloss ALIAS fastloss)
target_link_libraries(fastloss PRIVATE $<BUILD_INTERFACE:fastloss_settings> $<BUILD_INTERFACE:fastloss_hardening> OpenMP::OpenMP_CXX Threads::Threads)
target_compile_features(fastloss PUBLIC cxx_std_20)
target_include_directories(
  fastloss
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/cpp/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  PRIVATE ${PROJECT_SOURCE_DIR}/cpp/src
)
# Until 1.0 every minor version may break the interface.
set(abi_version ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(in_wheel)
  set(file_version ${abi_version})  # a wheel cannot hold symbolic links: the file itself has the name that programs load
else()
  set(file_version ${PROJECT_VERSION})
endif()
set_target_properties(fastloss PROPERTIES POSITION_INDEPENDENT_CODE ON VERSION ${file_version} SOVERSION ${abi_version})
fastloss_export(fastloss ${PROJECT_SOURCE_DIR}/cmake/libfastloss.exports)
fastloss_precompile(fastloss <algorithm> <cmath> <string> <vector> cpp/include/fastloss/simd/math.hpp cpp/src/isa/kernel_table.hpp)

file(GLOB kernel_sources CONFIGURE_DEPENDS cpp/src/isa/*.cpp)
file(GLOB families RELATIVE ${PROJECT_SOURCE_DIR}/cpp/include/fastloss/losses CONFIGURE_DEPENDS cpp/include/fastloss/losses/*.hpp)
list(REMOVE_ITEM families registry.hpp)
foreach(family IN LISTS families)
  string(REPLACE ".hpp" "" family ${family})
  configure_file(cpp/src/isa/family.cpp.in ${PROJECT_BINARY_DIR}/generated/families/${family}.cpp @ONLY)
  list(APPEND kernel_sources ${PROJECT_BINARY_DIR}/generated/families/${family}.cpp)
  set_source_files_properties(${PROJECT_BINARY_DIR}/generated/families/${family}.cpp PROPERTIES COMPILE_OPTIONS "${pack_sanitizing}")
endforeach()
foreach(isa IN LISTS built_isas)
  add_library(fastloss_${isa} OBJECT ${kernel_sources})
  target_link_libraries(fastloss_${isa} PRIVATE fastloss_settings)
  target_include_directories(fastloss_${isa} PRIVATE ${PROJECT_SOURCE_DIR}/cpp/src)
  target_compile_definitions(fastloss_${isa} PRIVATE FASTLOSS_KERNEL_TABLE=fastloss_kernels_${isa})
  # Link-time optimisation would move code for newer processors into functions that every processor runs.
  target_compile_options(fastloss_${isa} PRIVATE ${kernel_optimisation} -fno-lto ${isa_flags_${isa}})
  set_target_properties(fastloss_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION OFF)
  fastloss_precompile(fastloss_${isa} cpp/include/fastloss/engine/engine.hpp cpp/include/fastloss/simd/math.hpp cpp/src/isa/kernel_table.hpp)
  set(objects $<FILTER:$<TARGET_OBJECTS:fastloss_${isa}>,EXCLUDE,cmake_pch>)  # precompiled headers are among them
  target_sources(fastloss PRIVATE ${objects})
  string(TOUPPER ${isa} isa_upper)
  target_compile_definitions(fastloss PRIVATE FASTLOSS_HAS_${isa_upper}=1)

  if(NOT FASTLOSS_SANITIZE)  # sanitizers add symbols of their own
    set(stamp ${PROJECT_BINARY_DIR}/symbols_${isa}.checked)
    add_custom_command(
      OUTPUT ${stamp}
      COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DISA=${isa} "-DOBJECTS=${objects}" -DSTAMP=${stamp} -P ${PROJECT_SOURCE_DIR}/cmake/check_symbols.cmake
      DEPENDS ${objects} ${PROJECT_SOURCE_DIR}/cmake/check_symbols.cmake
      COMMENT "Checking the symbols of the ${isa} kernels"
      VERBATIM
    )
    add_custom_target(fastloss_symbols_${isa} DEPENDS ${stamp})
    add_dependencies(fastloss_symbols_${isa} fastloss_${isa})  # Makefiles know no rule for the objects of another target
    add_dependencies(fastloss fastloss_symbols_${isa})
  endif()
endforeach()
