# Speeds up builds with what the machine has; nothing here changes what is built.

find_program(SSM_CCACHE ccache)
if(SSM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers need these two settings, else every compilation is a miss.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${SSM_CCACHE})
endif()

if(NOT SSM_LINKER)
  find_program(SSM_MOLD mold)
  find_program(SSM_LLD NAMES ld.lld ld.lld-19)
  if(SSM_MOLD)
    set(SSM_LINKER mold)
  elseif(SSM_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set(SSM_LINKER lld)
  endif()
endif()
if(SSM_LINKER)
  add_link_options(-fuse-ld=${SSM_LINKER})
  message(STATUS "Linker: ${SSM_LINKER}")
endif()
