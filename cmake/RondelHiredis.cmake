# SPDX-License-Identifier: MIT OR Apache-2.0
# rondel::hiredis: hiredis with the adapter of bindings/hiredis, for our programs that need it. Without hiredis it does
# not exist, and they are not built.
find_path(HIREDIS_INCLUDE_DIR hiredis/async.h DOC "Folder that has hiredis/async.h")
find_library(HIREDIS_LIBRARY hiredis DOC "hiredis, a client library of Redis")
if(HIREDIS_INCLUDE_DIR AND HIREDIS_LIBRARY)
  add_library(rondel_hiredis INTERFACE)
  add_library(rondel::hiredis ALIAS rondel_hiredis)
  target_include_directories(rondel_hiredis INTERFACE ${PROJECT_SOURCE_DIR}/bindings)
  target_include_directories(rondel_hiredis SYSTEM INTERFACE ${HIREDIS_INCLUDE_DIR})
  target_link_libraries(rondel_hiredis INTERFACE ${HIREDIS_LIBRARY})
endif()
