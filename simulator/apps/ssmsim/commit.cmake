cmake_minimum_required(VERSION 3.25)

# Writes OUTPUT with the commit that SOURCE_DIR is at, only when that changes.
execute_process(
  COMMAND git -C ${SOURCE_DIR} rev-parse --short=12 HEAD
  OUTPUT_VARIABLE commit
  OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  set(commit "")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#pragma once\n#define SSMSIM_COMMIT \"@commit@\"\n" @ONLY)
