# Compares `PROGRAM COMMAND --help` with the file GOLDEN, or writes it (UPDATE).
separate_arguments(arguments UNIX_COMMAND "${COMMAND}")
execute_process(
  COMMAND ${PROGRAM} ${arguments} --help
  OUTPUT_VARIABLE printed
  ERROR_VARIABLE errors
  RESULT_VARIABLE status)
if(NOT status EQUAL 0 OR NOT errors STREQUAL "")
  message(FATAL_ERROR "`ssmsim ${COMMAND} --help` ended with ${status} and wrote on stderr: ${errors}")
endif()
if(UPDATE)
  file(WRITE "${GOLDEN}" "${printed}")
  return()
endif()
if(EXISTS "${GOLDEN}")
  file(READ "${GOLDEN}" expected)
else()
  set(expected "")
endif()
if(NOT printed STREQUAL expected)
  message(FATAL_ERROR "`ssmsim ${COMMAND} --help` differs from ${GOLDEN}. If that is meant, build the target "
                      "update_help. It printed:\n${printed}")
endif()
