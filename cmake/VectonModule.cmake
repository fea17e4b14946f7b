# vecton_module(NAME [DEPS module...] [LIBS library...] [OWN_FLAGS])
#
# One target per folder of src/: every *.cpp of the folder that is not a test goes into the static library vecton_NAME.
# DEPS are the modules it may include (tools/check_layers.py holds the same table), LIBS third-party targets.
# OWN_FLAGS: the folder is compiled with flags of its own, so that precompiled headers do not fit, and file by file.
# With VECTON_TESTS every *_test.cpp of the folder goes into the test program NAME_test (VectonTest.cmake).
function(vecton_module NAME)
  cmake_parse_arguments(ARG "OWN_FLAGS" "" "DEPS;LIBS;PRIVATE_LIBS" ${ARGN})
  file(GLOB SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(TESTS ${SOURCES})
  list(FILTER SOURCES EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER TESTS INCLUDE REGEX "_test\\.cpp$")
  list(TRANSFORM ARG_DEPS PREPEND vecton_)
  if(SOURCES)
    add_library(vecton_${NAME} STATIC ${SOURCES})
    target_include_directories(vecton_${NAME} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(vecton_${NAME} PUBLIC ${ARG_DEPS} ${ARG_LIBS} PRIVATE ${ARG_PRIVATE_LIBS})
    vecton_warnings(vecton_${NAME})
    if(NOT ARG_OWN_FLAGS)
      vecton_precompiled(vecton_${NAME} vecton_pch)
      # tools/check_heaps.py keeps the names of a folder apart. Files with kernels are compiled several times each.
      list(FILTER SOURCES INCLUDE REGEX "kernels\\.cpp$")
      set_source_files_properties(${SOURCES} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
      set_target_properties(vecton_${NAME} PROPERTIES UNITY_BUILD ${VECTON_UNITY} UNITY_BUILD_BATCH_SIZE 12)
    endif()
  else()  # headers only
    add_library(vecton_${NAME} INTERFACE)
    target_include_directories(vecton_${NAME} INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(vecton_${NAME} INTERFACE ${ARG_DEPS} ${ARG_LIBS})
  endif()
  if(VECTON_TESTS AND TESTS)
    add_executable(${NAME}_test ${TESTS})
    target_link_libraries(${NAME}_test PRIVATE vecton_${NAME})
    vecton_test_program(${NAME}_test unit)
  endif()
endfunction()

function(vecton_warnings TARGET)
  # GCC 12 sees overlapping copies in every "text" + std::string (its bug 105651) and, where std::string comes from a
  # precompiled header, copies out of its bounds; GCC 13 sees a temporary in every chain that ends in a reference.
  target_compile_options(${TARGET} PRIVATE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                         $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-dangling-reference>
                         $<$<BOOL:${VECTON_WERROR}>:-Werror>)
  if(VECTON_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${TARGET} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endfunction()
