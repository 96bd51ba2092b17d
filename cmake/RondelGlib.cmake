# SPDX-License-Identifier: MIT OR Apache-2.0
# rondel::glib: GLib, for our program whose main loop is GLib's. Without GLib it does not exist, and that is not built.
find_path(GLIB_INCLUDE_DIR glib.h PATH_SUFFIXES glib-2.0 DOC "Folder that has glib.h")
find_library(GLIB_LIBRARY glib-2.0 DOC "GLib")
get_filename_component(glib_library_dir "${GLIB_LIBRARY}" DIRECTORY)
find_path(GLIB_CONFIG_INCLUDE_DIR glibconfig.h HINTS "${glib_library_dir}/glib-2.0/include" PATH_SUFFIXES glib-2.0/include
  DOC "Folder that has glibconfig.h")
if(GLIB_INCLUDE_DIR AND GLIB_CONFIG_INCLUDE_DIR AND GLIB_LIBRARY)
  add_library(rondel_glib INTERFACE)
  add_library(rondel::glib ALIAS rondel_glib)
  target_include_directories(rondel_glib SYSTEM INTERFACE ${GLIB_INCLUDE_DIR} ${GLIB_CONFIG_INCLUDE_DIR})
  target_link_libraries(rondel_glib INTERFACE ${GLIB_LIBRARY})
endif()
