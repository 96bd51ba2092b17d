# SPDX-License-Identifier: MIT OR Apache-2.0
# rondel_program(<target> <source> LINK <libraries> [FOLDER <below the binary dir>] [NAME <file name>] [FLAGS <flags>])
# One C program of ours: C99, no compiler extensions, and no warning let through.

find_package(Threads REQUIRED)

function(rondel_program target source)
  cmake_parse_arguments(arg "" "FOLDER;NAME" "LINK;FLAGS" ${ARGN})
  if(NOT arg_NAME)
    set(arg_NAME ${target})
  endif()
  add_executable(${target} ${source})
  target_link_libraries(${target} PRIVATE ${arg_LINK} Threads::Threads)
  set_target_properties(${target} PROPERTIES
    C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
    OUTPUT_NAME ${arg_NAME}
    # The empty expression keeps a generator of many configurations from adding a folder for each.
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${arg_FOLDER}$<0:>")
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4 /WX)
  else()
    target_compile_options(${target} PRIVATE -g -Wall -Wextra -Wpedantic -Werror ${arg_FLAGS})
    target_link_options(${target} PRIVATE ${arg_FLAGS})
  endif()
endfunction()
