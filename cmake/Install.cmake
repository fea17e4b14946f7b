# The installed library: one shared object that exports include/vecton alone, with files for find_package and pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The modules that implement include/vecton go in whole, the others as far as those use them.
add_library(vecton_shared SHARED)
foreach(MODULE engine tokenizer chat checkpoint backend base)
  target_sources(vecton_shared PRIVATE $<TARGET_OBJECTS:vecton_${MODULE}>)
  target_link_libraries(vecton_shared PRIVATE vecton_${MODULE})
endforeach()
set_target_properties(vecton_shared PROPERTIES OUTPUT_NAME vecton EXPORT_NAME vecton LINKER_LANGUAGE CXX
                      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
if(NOT APPLE)  # there only what is marked as visible is exported
  target_link_options(vecton_shared PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map)
  set_property(TARGET vecton_shared APPEND PROPERTY LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
endif()
target_include_directories(vecton_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(vecton_shared INTERFACE cxx_std_20)

install(TARGETS vecton_shared EXPORT vecton LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(APPLE)  # elsewhere Package.cmake does
  install(TARGETS vecton RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/vecton DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT vecton FILE vecton-targets.cmake NAMESPACE vecton:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/vecton)

file(WRITE ${PROJECT_BINARY_DIR}/vecton-config.cmake "include(\"\${CMAKE_CURRENT_LIST_DIR}/vecton-targets.cmake\")\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/vecton-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/vecton-config.cmake ${PROJECT_BINARY_DIR}/vecton-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/vecton)

# All paths start from the file's own folder, so that the prefix can be moved.
set(PC_DIR ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH PREFIX_FROM_PC ${PC_DIR} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" PREFIX_FROM_PC "${PREFIX_FROM_PC}")
file(RELATIVE_PATH LIBDIR_FROM_PREFIX ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH INCLUDEDIR_FROM_PREFIX ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(${PROJECT_SOURCE_DIR}/cmake/vecton.pc.in ${PROJECT_BINARY_DIR}/vecton.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/vecton.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
