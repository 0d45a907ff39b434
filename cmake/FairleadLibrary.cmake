# fairlead_library(NAME SOURCES … [PUBLIC …] [PRIVATE …] [PCH …])
#
# One library per folder. The folder's headers are visible only to targets that link the library: its include
# path is a directory in the build tree that holds nothing but a link to this folder, so an include that the
# layers forbid does not compile. Includes name the full path from the root: "common/store/connection.hpp".
function(fairlead_library name)
  cmake_parse_arguments(LIB "" "" "SOURCES;PUBLIC;PRIVATE;PCH" ${ARGN})
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(view ${PROJECT_BINARY_DIR}/include/${name})
  get_filename_component(parent ${view}/${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  if(NOT EXISTS ${view}/${folder})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${folder} SYMBOLIC)
  endif()

  if(LIB_SOURCES)
    add_library(${name} STATIC ${LIB_SOURCES})
    target_include_directories(${name} PUBLIC ${view})
    target_link_libraries(${name} PUBLIC ${LIB_PUBLIC} PRIVATE ${LIB_PRIVATE})
    if(LIB_PCH)
      target_precompile_headers(${name} PRIVATE ${LIB_PCH})
    endif()
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${view})
    target_link_libraries(${name} INTERFACE ${LIB_PUBLIC})
  endif()
endfunction()

# fairlead_program(NAME SOURCES … LINK …): an executable linked against libstdc++ statically in release builds.
function(fairlead_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE ${PROGRAM_LINK})
  if(CMAKE_BUILD_TYPE MATCHES "Rel")
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/arc4random.cpp)
  endif()
endfunction()

# fairlead_test(NAME SOURCES … LINK …): one doctest program, registered with ctest under the label "unit".
function(fairlead_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE fairlead_doctest ${TEST_LINK})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()
