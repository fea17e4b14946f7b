# vecton_test_program(TARGET LABEL [WHOLE]): what every program of GoogleTest has: warnings, the precompiled header, its tests in
# CTest.
#
# Each test is one of CTest's, in a process of its own, so that `ctest -R` finds it by name. WHOLE programs, whose start is long
# because they look through all fixtures, run in four processes instead (one test of them: PROGRAM --gtest_filter=...), and with
# VECTON_WHOLE_PROGRAMS all do: under a sanitizer 2,700 starts take longer than the tests. VECTON_TEST_LEAVE_OUT is a GoogleTest
# pattern of tests that programs in whole do not run, and VECTON_TEST_FLAGS are compiler flags of tests alone.
set(VECTON_TEST_SHARDS 4)

function(vecton_test_program TARGET LABEL)
  cmake_parse_arguments(ARG "WHOLE" "" "" ${ARGN})
  target_link_libraries(${TARGET} PRIVATE GTest::gmock GTest::gtest_main)
  vecton_warnings(${TARGET})
  vecton_precompiled(${TARGET} vecton_test_pch)
  separate_arguments(FLAGS UNIX_COMMAND "${VECTON_TEST_FLAGS}")
  target_compile_options(${TARGET} PRIVATE ${FLAGS})
  if(NOT VECTON_WHOLE_PROGRAMS AND NOT ARG_WHOLE)
    gtest_discover_tests(${TARGET} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                         PROPERTIES LABELS ${LABEL} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    return()
  endif()
  math(EXPR LAST "${VECTON_TEST_SHARDS} - 1")
  foreach(SHARD RANGE ${LAST})
    add_test(NAME ${TARGET}.${SHARD} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
             COMMAND ${TARGET} --gtest_brief=1 --gtest_filter=-${VECTON_TEST_LEAVE_OUT})
    set_tests_properties(${TARGET}.${SHARD} PROPERTIES LABELS ${LABEL}
                         ENVIRONMENT "GTEST_TOTAL_SHARDS=${VECTON_TEST_SHARDS};GTEST_SHARD_INDEX=${SHARD}")
  endforeach()
endfunction()
