# SPDX-License-Identifier: MIT OR Apache-2.0
# rondel::curl: libcurl with the adapter of bindings/curl, for our programs that need it. Without libcurl it does not
# exist, and they are not built.
find_path(CURL_INCLUDE_DIR curl/curl.h DOC "Folder that has curl/curl.h")
find_library(CURL_LIBRARY curl DOC "libcurl, a client library of HTTP and more")
if(CURL_INCLUDE_DIR AND CURL_LIBRARY)
  add_library(rondel_curl INTERFACE)
  add_library(rondel::curl ALIAS rondel_curl)
  target_include_directories(rondel_curl INTERFACE ${PROJECT_SOURCE_DIR}/bindings)
  target_include_directories(rondel_curl SYSTEM INTERFACE ${CURL_INCLUDE_DIR})
  target_link_libraries(rondel_curl INTERFACE ${CURL_LIBRARY})
endif()
