# Libraries that are not ours, each as one target that carries its settings.

find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
# The controller alone needs it, and shared: SMTP with TLS.
find_package(CURL REQUIRED)
# As does names in other scripts; every libcurl brings it along.
find_library(idn2_LIBRARY NAMES idn2 REQUIRED)
add_library(idn2 INTERFACE)
target_link_libraries(idn2 INTERFACE ${idn2_LIBRARY})

# The agent must run on distributions whose libraries are older or absent, so all but OpenSSL, zstd and libc is linked in.
function(fairlead_static name archive)
  find_library(${name}_ARCHIVE NAMES ${archive} REQUIRED)
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE ${${name}_ARCHIVE})
endfunction()
fairlead_static(sodium libsodium.a)
fairlead_static(sqlite libsqlite3.a)
target_link_libraries(sqlite INTERFACE m Threads::Threads ${CMAKE_DL_LIBS})
fairlead_static(yaml libyaml-cpp.a)
# Every Debian and Ubuntu has it: dpkg itself needs it.
find_library(zstd_LIBRARY NAMES zstd REQUIRED)
add_library(zstd INTERFACE)
target_link_libraries(zstd INTERFACE ${zstd_LIBRARY})
# Debian ships fmt as a shared library only: its one compiled part is built here.
add_library(fmt_static STATIC ${PROJECT_SOURCE_DIR}/cmake/fmt.cpp)
fairlead_small_too(fmt_static)

# Boost's compiled parts, built once here; BOOST_*_SEPARATE_COMPILATION must be the same for everyone who includes them.
add_library(fairlead_boost STATIC ${PROJECT_SOURCE_DIR}/cmake/boost_asio.cpp ${PROJECT_SOURCE_DIR}/cmake/boost_beast.cpp)
target_compile_definitions(
  fairlead_boost
  PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
         BOOST_ASIO_DISABLE_BOOST_COROUTINE
)
target_link_libraries(fairlead_boost PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(fairlead_boost PUBLIC -fcoroutines)
endif()
fairlead_small_too(fairlead_boost)

add_library(fairlead_json STATIC ${PROJECT_SOURCE_DIR}/cmake/boost_json.cpp)
target_link_libraries(fairlead_json PUBLIC Boost::headers)
fairlead_small_too(fairlead_json)
