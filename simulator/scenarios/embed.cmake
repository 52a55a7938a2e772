# Turns text files into C++ data: cmake -D OUTPUT=x.cpp -D FILES=a.yaml,b.yaml -P embed.cmake
string(REPLACE "," ";" files "${FILES}")
set(entries "")
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  file(READ "${file}" text)
  # A compiler need not take longer literals.
  string(LENGTH "${text}" length)
  if(length GREATER 65000)
    message(FATAL_ERROR "${file}: expected at most 65000 bytes, seen ${length}")
  endif()
  string(APPEND entries "    {\"${name}\", R\"yaml(${text})yaml\"},\n")
endforeach()
file(
  WRITE "${OUTPUT}"
  "// Generated from simulator/scenarios; do not edit.\n\n#include \"ssm/scenarios/bugs.hpp\"\n\n"
  "namespace ssm::scenarios {\nnamespace {\n\nconstexpr Embedded all[] = {\n${entries}};\n\n"
  "}  // namespace\n\nstd::span<const Embedded> bugs() {\n  return all;\n}\n\n"
  "}  // namespace ssm::scenarios\n")
