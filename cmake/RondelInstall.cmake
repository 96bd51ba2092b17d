# SPDX-License-Identifier: MIT OR Apache-2.0
# `cmake --install`: libraries, header, CMake package, pkg-config file. What is written into them leads from where they
# stand to the rest, so that `--prefix` at install time, DESTDIR and a later move all work.
include(CMakePackageConfigHelpers)

if(WIN32)
  install(FILES "${rondel_lib}/${rondel_shared}" DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES "${rondel_lib}/${rondel_import_library}" DESTINATION ${CMAKE_INSTALL_LIBDIR})
  set(rondel_shared_dir ${CMAKE_INSTALL_BINDIR})
else()
  install(FILES "${rondel_lib}/${rondel_shared}" ${rondel_link_files} DESTINATION ${CMAKE_INSTALL_LIBDIR})
  set(rondel_shared_dir ${CMAKE_INSTALL_LIBDIR})
endif()
install(FILES "${rondel_lib}/${rondel_static}" DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES "${PROJECT_SOURCE_DIR}/include/rondel.h" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Before 1.0 a minor version may change the ABI.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatible SameMinorVersion)
else()
  set(compatible SameMajorVersion)
endif()
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/rondel)
configure_package_config_file(cmake/rondel-config.cmake.in "${PROJECT_BINARY_DIR}/package/rondel-config.cmake"
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR rondel_shared_dir
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/rondel-config-version.cmake"
  COMPATIBILITY ${compatible})
install(FILES "${PROJECT_BINARY_DIR}/package/rondel-config.cmake"
  "${PROJECT_BINARY_DIR}/package/rondel-config-version.cmake" DESTINATION ${package_dir})

set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${pc_dir}" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
foreach(kind LIB INCLUDE)
  set(pc_${kind} "${CMAKE_INSTALL_${kind}DIR}")
  if(NOT IS_ABSOLUTE "${pc_${kind}}")
    set(pc_${kind} "\${prefix}/${pc_${kind}}")
  endif()
endforeach()
list(TRANSFORM rondel_system_libraries PREPEND "-l" OUTPUT_VARIABLE pc_private)
list(JOIN pc_private " " pc_private)
configure_file(rondel.pc.in "${PROJECT_BINARY_DIR}/package/rondel.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/rondel.pc" DESTINATION ${pc_dir})
