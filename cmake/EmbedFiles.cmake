# vecton_embed_files(TARGET HEADER TYPE [SHA256] NAME=FILE...): a source of TARGET that defines each NAME, which HEADER declares
# in the namespace of its folder as a constant of TYPE, as {the text of FILE}, with SHA256 {the text, its SHA-256}. Run as a
# script, it writes that source.
#
# A raw string holds the text, so no FILE may contain `)embedded"`.
if(CMAKE_SCRIPT_MODE_FILE)
  string(REGEX MATCH "^[a-z]+" FOLDER "${HEADER}")
  set(SOURCE "// Written by cmake/EmbedFiles.cmake.\n#include \"${HEADER}\"\n\nnamespace vecton::${FOLDER} {\n\n")
  foreach(PAIR ${PAIRS})
    string(REGEX MATCH "^([^=]+)=(.+)$" MATCHED "${PAIR}")
    set(NAME ${CMAKE_MATCH_1})
    set(FILE ${CMAKE_MATCH_2})
    file(READ ${FILE} TEXT)
    set(DIGEST "")
    if(SHA256)
      file(SHA256 ${FILE} DIGEST)
      set(DIGEST ", \"${DIGEST}\"")
    endif()
    string(APPEND SOURCE "const ${TYPE} ${NAME}{R\"embedded(${TEXT})embedded\"${DIGEST}};\n")
  endforeach()
  file(WRITE ${OUT} "${SOURCE}\n}  // namespace vecton::${FOLDER}\n")
  return()
endif()

set(VECTON_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(vecton_embed_files TARGET HEADER TYPE)
  cmake_parse_arguments(ARG "SHA256" "" "" ${ARGN})
  set(PAIRS)
  set(FILES)
  foreach(PAIR ${ARG_UNPARSED_ARGUMENTS})
    string(REGEX MATCH "^([^=]+)=(.+)$" MATCHED "${PAIR}")
    list(APPEND PAIRS ${CMAKE_MATCH_1}=${CMAKE_CURRENT_SOURCE_DIR}/${CMAKE_MATCH_2})
    list(APPEND FILES ${CMAKE_CURRENT_SOURCE_DIR}/${CMAKE_MATCH_2})
  endforeach()
  set(OUT ${CMAKE_CURRENT_BINARY_DIR}/${TYPE}.cpp)
  add_custom_command(OUTPUT ${OUT} DEPENDS ${FILES} ${VECTON_EMBED_SCRIPT} VERBATIM
                     COMMAND ${CMAKE_COMMAND} -DOUT=${OUT} -DHEADER=${HEADER} -DTYPE=${TYPE} -DSHA256=${ARG_SHA256} "-DPAIRS=${PAIRS}"
                             -P ${VECTON_EMBED_SCRIPT})
  target_sources(${TARGET} PRIVATE ${OUT})
endfunction()
