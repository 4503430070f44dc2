# Installs the libraries for Linux programs: find_package(nanoacme) with nanoacme::core and
# nanoacme::posix, and pkg-config's nanoacme. The core stands on a mbedTLS of its own, which comes with
# it: library, headers and configuration, in a folder where they meet no other mbedTLS.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(_headers "${CMAKE_INSTALL_INCLUDEDIR}/nanoacme")
set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/nanoacme")

install(TARGETS acme_core acme_port_posix acme_mbedtls acme_kconfig EXPORT nanoacme
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES DESTINATION "${_headers}")
install(EXPORT nanoacme NAMESPACE nanoacme:: DESTINATION "${_package}")

get_target_property(_kconfig acme_kconfig ACME_HEADER)
install(FILES "${_kconfig}" RENAME acme_kconfig.h DESTINATION "${_headers}")
install(FILES "${ACME_MBEDTLS_CONFIG}" RENAME acme_mbedtls_config.h DESTINATION "${_headers}")
install(DIRECTORY core/include/acme DESTINATION "${_headers}")
install(FILES port/posix/acme_posix.h DESTINATION "${_headers}")
install(DIRECTORY "${ACME_MBEDTLS_DIR}/include/" DESTINATION "${_headers}" FILES_MATCHING PATTERN "*.h")

configure_package_config_file(cmake/nanoacmeConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/nanoacmeConfig.cmake"
    INSTALL_DESTINATION "${_package}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/nanoacmeConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/nanoacmeConfig.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/nanoacmeConfigVersion.cmake" DESTINATION "${_package}")

configure_file(cmake/nanoacme.pc.in "${CMAKE_CURRENT_BINARY_DIR}/nanoacme.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/nanoacme.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
