# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the two libraries with cargo and imports them. Cargo knows when there is something to do, so it is asked each
# time; what it made is copied to lib/ only if it changed, and under the names it will be installed by.

find_program(CARGO_EXECUTABLE cargo HINTS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin $ENV{USERPROFILE}/.cargo/bin
             DOC "Rust's build tool" REQUIRED)
set(RONDEL_CARGO_TARGET_DIR "${PROJECT_BINARY_DIR}/cargo" CACHE PATH
    "Where cargo builds; projects that name the same folder share what is built")
set(RONDEL_CARGO_FLAGS "" CACHE STRING "More arguments for cargo (a list), such as --offline")
set(RONDEL_RUST_TARGET "" CACHE STRING "The Rust target to build for; empty: this machine")
if(CMAKE_CROSSCOMPILING AND NOT RONDEL_RUST_TARGET)
  message(FATAL_ERROR "Rondel: cross-compiling needs -DRONDEL_RUST_TARGET=, for example aarch64-unknown-linux-gnu")
endif()

set(rondel_profile "$<IF:$<CONFIG:Debug>,dev,release>")
set(rondel_made "${RONDEL_CARGO_TARGET_DIR}/${RONDEL_RUST_TARGET}/$<IF:$<CONFIG:Debug>,debug,release>")
# Make's job server is not handed down to a command that is not make: cargo would look for it and complain.
set(rondel_environment ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=CARGO_TARGET_DIR)
set(rondel_target_flags "")
if(RONDEL_RUST_TARGET)
  set(rondel_target_flags --target ${RONDEL_RUST_TARGET})
  if(NOT MSVC)
    string(TOUPPER "CARGO_TARGET_${RONDEL_RUST_TARGET}_LINKER" linker)
    string(REPLACE "-" "_" linker "${linker}")
    list(APPEND rondel_environment ${linker}=${CMAKE_C_COMPILER})
  endif()
endif()

# Names: what cargo makes, the file that is kept, and the links that lead to it.
set(rondel_lib "${PROJECT_BINARY_DIR}/lib")
set(rondel_links "")
set(rondel_import_library "")
set(rondel_static_made librondel.a)
if(WIN32)
  set(rondel_shared_made rondel.dll)
  set(rondel_shared rondel.dll)
  if(MSVC)
    set(rondel_import_library rondel.dll.lib)
    set(rondel_static_made rondel.lib)
  else()
    set(rondel_import_library librondel.dll.a)
  endif()
elseif(APPLE)
  set(rondel_shared_made librondel.dylib)
  set(rondel_shared librondel.${PROJECT_VERSION}.dylib)
  set(rondel_soname librondel.${PROJECT_VERSION_MAJOR}.dylib)
  set(rondel_links ${rondel_soname} librondel.dylib)
elseif(ANDROID)
  set(rondel_shared_made librondel.so)
  set(rondel_shared librondel.so)
  set(rondel_soname librondel.so)
else()
  set(rondel_shared_made librondel.so)
  set(rondel_shared librondel.so.${PROJECT_VERSION})
  set(rondel_soname librondel.so.${PROJECT_VERSION_MAJOR})
  set(rondel_links ${rondel_soname} librondel.so)
endif()
set(rondel_static ${rondel_static_made})

set(copies "")
foreach(pair ${rondel_shared_made}:${rondel_shared} ${rondel_static_made}:${rondel_static}
             ${rondel_import_library}:${rondel_import_library})
  if(pair MATCHES "(.+):(.+)")
    list(APPEND copies COMMAND ${CMAKE_COMMAND} -E copy_if_different
         "${rondel_made}/${CMAKE_MATCH_1}" "${rondel_lib}/${CMAKE_MATCH_2}")
    list(APPEND rondel_files "${rondel_lib}/${CMAKE_MATCH_2}")
  endif()
endforeach()
foreach(link IN LISTS rondel_links)
  list(APPEND copies COMMAND ${CMAKE_COMMAND} -E create_symlink ${rondel_shared} "${rondel_lib}/${link}")
  list(APPEND rondel_link_files "${rondel_lib}/${link}")
endforeach()
file(MAKE_DIRECTORY "${rondel_lib}")

# Not `cargo build`: that makes an rlib in the same go, and cargo then leaves out the link-time optimization.
add_custom_target(rondel_cargo ALL
  COMMAND ${rondel_environment} "${CARGO_EXECUTABLE}" rustc --lib --crate-type cdylib,staticlib
          --profile ${rondel_profile} --target-dir "${RONDEL_CARGO_TARGET_DIR}" ${rondel_target_flags}
          ${RONDEL_CARGO_FLAGS}
  ${copies}
  BYPRODUCTS ${rondel_files}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  COMMENT "Building Rondel with cargo"
  COMMAND_EXPAND_LISTS USES_TERMINAL VERBATIM)

# What the static library needs from the system. On Linux this is what `rustc --print native-static-libs` says, less
# libgcc_s and libc: the compiler driver adds both by itself, and so `cc -static` can choose libgcc_eh instead.
if(WIN32)
  set(rondel_system_libraries ws2_32 iphlpapi userenv ntdll kernel32 bcrypt advapi32)
elseif(APPLE)
  set(rondel_system_libraries System m)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(rondel_system_libraries util rt pthread m dl)
else()
  set(rondel_system_libraries pthread m)
endif()

add_library(rondel::rondel SHARED IMPORTED GLOBAL)
set_target_properties(rondel::rondel PROPERTIES
  IMPORTED_LOCATION "${rondel_lib}/${rondel_shared}"
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
if(rondel_soname)
  set_property(TARGET rondel::rondel PROPERTY IMPORTED_SONAME ${rondel_soname})
endif()
if(rondel_import_library)
  set_property(TARGET rondel::rondel PROPERTY IMPORTED_IMPLIB "${rondel_lib}/${rondel_import_library}")
endif()
add_library(rondel::static STATIC IMPORTED GLOBAL)
set_target_properties(rondel::static PROPERTIES
  IMPORTED_LOCATION "${rondel_lib}/${rondel_static}"
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include"
  INTERFACE_LINK_LIBRARIES "${rondel_system_libraries}")
add_dependencies(rondel::rondel rondel_cargo)
add_dependencies(rondel::static rondel_cargo)
