# Interface targets that our own targets link privately, so that no flag reaches a consumer.

add_library(ssm_warnings INTERFACE)
target_compile_options(
  ssm_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wsign-conversion
            -Wnon-virtual-dtor
            -Wold-style-cast
            -Woverloaded-virtual
            -Wnull-dereference
            -Wimplicit-fallthrough
            $<$<BOOL:${SSM_WARNINGS_AS_ERRORS}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside the standard library and Boost when it optimises, with no way to tell
  # ours apart; clang checks the same code in the asan preset.
  target_compile_options(ssm_warnings INTERFACE -Wno-null-dereference -Wno-maybe-uninitialized
                                                -Wno-restrict)
endif()

add_library(ssm_sanitizers INTERFACE)
if(SSM_SANITIZE)
  target_compile_options(ssm_sanitizers INTERFACE -fsanitize=${SSM_SANITIZE} -fno-sanitize-recover=all
                                                  -fno-omit-frame-pointer -g1)
  target_link_options(ssm_sanitizers INTERFACE -fsanitize=${SSM_SANITIZE})
endif()

add_library(ssm_coverage INTERFACE)
if(SSM_COVERAGE)
  target_compile_options(ssm_coverage INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(ssm_coverage INTERFACE -fprofile-instr-generate)
endif()

option(SSM_LIBFUZZER "Build the fuzz targets with libFuzzer (clang)" OFF)
if(SSM_LIBFUZZER)
  # Edge coverage in the libraries; the fuzz programs add the engine themselves.
  target_compile_options(ssm_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()
