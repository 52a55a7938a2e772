# One function per kind of target, so that every target gets the same treatment.

include(GoogleTest OPTIONAL)

function(ssm_common target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:ssm_warnings> $<BUILD_INTERFACE:ssm_sanitizers>
                                          $<BUILD_INTERFACE:ssm_coverage>)
endfunction()

# ssm_library(<name> SOURCES ... [PUBLIC libs...] [PRIVATE libs...])
# Library ssm_<name> with alias ssm::<name>; public headers are in include/ beside the caller.
function(ssm_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(ssm_${name} STATIC ${ARG_SOURCES})
  add_library(ssm::${name} ALIAS ssm_${name})
  set_target_properties(ssm_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(
    ssm_${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                       $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_include_directories(ssm_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  target_link_libraries(ssm_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  ssm_common(ssm_${name})
endfunction()

# ssm_test(<executable> LABEL <label> SOURCES ... LIBS ...)
# A GoogleTest program; each of its tests is one CTest test.
function(ssm_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
  target_compile_definitions(${name} PRIVATE SSM_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             SSM_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  ssm_common(${name})
  gtest_discover_tests(
    ${name}
    TEST_PREFIX "${ARG_LABEL}."
    DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# ssm_fuzz_target(<name> LIBS ...): fuzz/targets/<name>.cc with its corpus in fuzz/corpus/<name>.
# With -fsanitize=fuzzer available (SSM_LIBFUZZER) a libFuzzer program, otherwise a program that runs
# the target once over each corpus file; CTest runs the corpus either way.
function(ssm_fuzz_target name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_executable(${name} targets/${name}.cc)
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  ssm_common(${name})
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  add_dependencies(fuzzers ${name})
  if(SSM_LIBFUZZER)
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(run ${name} -runs=0 ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  else()
    target_sources(${name} PRIVATE standalone_main.cc)
    set(run ${name} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  endif()
  if(SSM_BUILD_TESTS)
    add_test(NAME fuzz-regress.${name} COMMAND ${run})
    set_tests_properties(fuzz-regress.${name} PROPERTIES LABELS fuzz-regress TIMEOUT 120)
  endif()
endfunction()

# ssm_benchmark(<name> SOURCES ... LIBS ...): a Google Benchmark program, smoke-tested by CTest.
function(ssm_benchmark name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} benchmark::benchmark benchmark::benchmark_main)
  ssm_common(${name})
  if(SSM_BUILD_TESTS)
    add_test(NAME bench-smoke.${name} COMMAND ${name} --benchmark_min_time=0.001)
    set_tests_properties(bench-smoke.${name} PROPERTIES LABELS bench-smoke TIMEOUT 120)
  endif()
endfunction()
