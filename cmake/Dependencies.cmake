# Every third-party library, found once, as a target. docs/DEPENDENCIES.md gives the reason for each.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# vecton_library(TARGET PKGCONFIG-NAME LIBRARY): an imported target that takes the static archive where VECTON_STATIC asks
# for it and the distribution has one, the shared library otherwise. PROGRAMS: only programs take the archive, whose code
# can't be a part of a shared library.
function(vecton_library TARGET PKG)
  cmake_parse_arguments(ARG "PROGRAMS" "" "" ${ARGN})
  pkg_check_modules(${TARGET} REQUIRED ${PKG})
  add_library(${TARGET} INTERFACE)
  target_include_directories(${TARGET} SYSTEM INTERFACE ${${TARGET}_INCLUDE_DIRS})
  target_compile_options(${TARGET} INTERFACE ${${TARGET}_CFLAGS_OTHER})
  foreach(LIB ${${TARGET}_LIBRARIES})
    set(ARCHIVE "")
    if(VECTON_STATIC)
      unset(FOUND CACHE)
      find_library(FOUND NAMES lib${LIB}.a PATHS ${${TARGET}_LIBRARY_DIRS} NO_CACHE)
      if(FOUND)
        set(ARCHIVE ${FOUND})
      endif()
      unset(FOUND)
    endif()
    if(ARCHIVE AND ARG_PROGRAMS)
      target_link_libraries(${TARGET} INTERFACE
                            $<IF:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>,${ARCHIVE},${LIB}>)
    elseif(ARCHIVE)
      target_link_libraries(${TARGET} INTERFACE ${ARCHIVE})
    else()
      target_link_libraries(${TARGET} INTERFACE ${LIB})
    endif()
  endforeach()
endfunction()

vecton_library(dep_pcre2 libpcre2-8)
vecton_library(dep_crypto libcrypto)
vecton_library(dep_ssl libssl)
target_link_libraries(dep_ssl INTERFACE dep_crypto)  # whose archive comes after
vecton_library(dep_zlib zlib PROGRAMS)  # which the archive of libpng needs beside it
vecton_library(dep_png libpng PROGRAMS)
target_link_libraries(dep_png INTERFACE dep_zlib m)
vecton_library(dep_jpeg libjpeg PROGRAMS)
vecton_library(dep_gif libgif)
vecton_library(dep_webp libwebp)
vecton_library(dep_webp_demux libwebpdemux)
target_link_libraries(dep_webp_demux INTERFACE dep_webp)  # whose archive comes after
# Headers only: the library is loaded when a model has to be downloaded.
pkg_check_modules(CURL REQUIRED libcurl)
add_library(dep_curl_headers INTERFACE)
target_include_directories(dep_curl_headers SYSTEM INTERFACE ${CURL_INCLUDE_DIRS})
target_link_libraries(dep_curl_headers INTERFACE ${CMAKE_DL_LIBS})
find_package(Boost 1.81 REQUIRED)  # headers only: JSON, Asio, Beast

if(VECTON_MLX)
  include(FindMlx)
endif()

if(VECTON_TESTS)
  if(CMAKE_CROSSCOMPILING)  # from the sources that the distribution ships
    add_subdirectory(/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
  else()
    find_package(GTest REQUIRED)
  endif()
  include(GoogleTest)
endif()
