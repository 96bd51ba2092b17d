# SPDX-License-Identifier: MIT OR Apache-2.0
# The C tests again, with AddressSanitizer in the Rust core and in the test, and cargo's tests with it in the core.
# The sanitizer is an unstable option of rustc: a nightly toolchain is used if there is one, else this one is told to
# allow it (by RUSTC_BOOTSTRAP, and for this build only, which nobody installs).
execute_process(COMMAND rustup run nightly rustc --version RESULT_VARIABLE no_nightly OUTPUT_QUIET ERROR_QUIET)
if(no_nightly)
  set(rondel_asan_toolchain RUSTC_BOOTSTRAP=1)
else()
  set(rondel_asan_toolchain RUSTUP_TOOLCHAIN=nightly)
endif()
execute_process(COMMAND "${CARGO_EXECUTABLE}" -vV OUTPUT_VARIABLE cargo_version COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "host: ([^\n]+)" host "${cargo_version}")
set(host "${CMAKE_MATCH_1}")

set(asan_dir "${PROJECT_BINARY_DIR}/cargo-asan")
set(asan_cargo ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=CARGO_TARGET_DIR ${rondel_asan_toolchain}
    RUSTFLAGS=-Zsanitizer=address "${CARGO_EXECUTABLE}")
# With --target, the flags above do not reach build scripts, which have no need of a sanitizer.
set(asan_flags --target ${host} --target-dir "${asan_dir}" ${RONDEL_CARGO_FLAGS})
set(asan_library "${asan_dir}/${host}/release/librondel.a")
# No link-time optimization: it takes long, and finds no bug.
add_custom_target(rondel_asan_cargo
  COMMAND ${asan_cargo} rustc --lib --crate-type staticlib --release --config profile.release.lto=false ${asan_flags}
  BYPRODUCTS "${asan_library}"
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} COMMENT "Building Rondel with AddressSanitizer" USES_TERMINAL VERBATIM)
add_library(rondel_asan STATIC IMPORTED)
set_target_properties(rondel_asan PROPERTIES IMPORTED_LOCATION "${asan_library}"
  INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include"
  INTERFACE_LINK_LIBRARIES "${rondel_system_libraries}")
add_dependencies(rondel_asan rondel_asan_cargo)

# These are built by the first of the tests, or by hand, not whenever somebody builds the library.
add_custom_target(rondel_asan_tests)
add_test(NAME asan.build COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target rondel_asan_tests)
set_tests_properties(asan.build PROPERTIES LABELS asan FIXTURES_SETUP asan RESOURCE_LOCK cargo TIMEOUT 2400)

set(asan_options "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1")
set(asan_environment "RONDEL_TEST_SCALE=small;${asan_options}")
# What random programs of tasks and all they wait by find, they find in the thousands.
set(asan_in_full task_random combine_random queue_random condition_random)
foreach(source IN LISTS c_tests)
  get_filename_component(name ${source} NAME_WE)
  rondel_program(asan_${name} ${source} LINK rondel_asan FOLDER tests/asan NAME ${name}
    FLAGS -fsanitize=address -fno-omit-frame-pointer)
  target_sources(asan_${name} PRIVATE ${support})
  set_target_properties(asan_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  add_dependencies(rondel_asan_tests asan_${name})
  add_test(NAME asan.${name} COMMAND asan_${name})
  set_tests_properties(asan.${name} PROPERTIES LABELS asan FIXTURES_REQUIRED asan TIMEOUT 600
    ENVIRONMENT "${asan_environment}")
  if(name IN_LIST asan_in_full)
    set_tests_properties(asan.${name} PROPERTIES ENVIRONMENT "${asan_options}")
  endif()
endforeach()

add_test(NAME asan.cargo_test COMMAND ${asan_cargo} test --lib --tests ${asan_flags}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
set_tests_properties(asan.cargo_test PROPERTIES LABELS asan TIMEOUT 2400 RESOURCE_LOCK cargo
  ENVIRONMENT "${asan_environment}")
