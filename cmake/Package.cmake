# The Debian package: the program, its service and this repository's licence. `cpack --config build/release/CPackConfig.cmake -B FOLDER`
# makes it of a build; the component is `program`, so that the library (Install.cmake) stays out of it.
include(GNUInstallDirs)
install(TARGETS vecton RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
# Where Debian 12 looks for units, whatever the prefix.
install(FILES deploy/systemd/vecton.service deploy/systemd/vecton.socket DESTINATION lib/systemd/system COMPONENT package EXCLUDE_FROM_ALL)
install(FILES deploy/systemd/vecton.default DESTINATION /etc/default RENAME vecton COMPONENT package EXCLUDE_FROM_ALL)
install(FILES LICENSE DESTINATION share/doc/vecton RENAME copyright COMPONENT package EXCLUDE_FROM_ALL)
install(FILES THIRD_PARTY_LICENSES DESTINATION share/doc/vecton COMPONENT program)  # which they ask to lie beside a binary

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR Vecton)
set(CPACK_PACKAGE_CONTACT "Vecton's authors <vecton@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program package)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # what the program is linked to, with the versions it needs
# libcurl is loaded when a model is downloaded.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, libcurl4 | libcurl4t64")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Embeddings, rerankers, classifiers and generation from the checkpoints of the
Hugging Face hub, as a command line and as an HTTP server that the clients of
OpenAI, vLLM, text-embeddings-inference, Cohere and Ollama can talk to.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/conffiles ${PROJECT_SOURCE_DIR}/packaging/debian/postinst
    ${PROJECT_SOURCE_DIR}/packaging/debian/prerm ${PROJECT_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
