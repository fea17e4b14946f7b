# Headers that nearly every file reads, compiled once for all modules and once, with GoogleTest, for all tests. The presets that
# are built whole use it; dev takes those of the standard library for src/models alone (VECTON_QUICK_FAMILIES), so that elsewhere
# a file that lacks an include is found.

set(VECTON_STANDARD_HEADERS <algorithm> <cmath> <cstdint> <filesystem> <functional> <fstream> <map> <memory> <mutex> <optional> <set>
                            <span> <sstream> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)
set(VECTON_SHARED_HEADERS ${VECTON_STANDARD_HEADERS} <boost/json.hpp>)

# vecton_pch_target(TARGET HEADER...): compiles the headers; others take them by vecton_precompiled.
function(vecton_pch_target TARGET)
  add_library(${TARGET} OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp)
  target_precompile_headers(${TARGET} PRIVATE ${ARGN})
  vecton_warnings(${TARGET})
  # The compiler cache has to see which precompiled header a file uses.
  target_compile_options(${TARGET} PRIVATE -fpch-preprocess)
endfunction()

# vecton_precompiled(TARGET FROM)
function(vecton_precompiled TARGET FROM)
  if(TARGET ${FROM})
    target_precompile_headers(${TARGET} REUSE_FROM ${FROM})
    target_compile_options(${TARGET} PRIVATE -fpch-preprocess)
  endif()
endfunction()

if(VECTON_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  vecton_pch_target(vecton_pch ${VECTON_SHARED_HEADERS})
  target_link_libraries(vecton_pch PRIVATE Boost::headers)
  if(VECTON_TESTS)  # as programs are compiled: -fPIE
    vecton_pch_target(vecton_test_pch ${VECTON_SHARED_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
    set_target_properties(vecton_test_pch PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    separate_arguments(FLAGS UNIX_COMMAND "${VECTON_TEST_FLAGS}")
    target_compile_options(vecton_test_pch PRIVATE -fPIE ${FLAGS})
    target_link_libraries(vecton_test_pch PRIVATE Boost::headers GTest::gmock)
  endif()
endif()
