# The targets that the core stands on: acme_kconfig (the configuration header) and acme_mbedtls.
if(NOT TARGET acme_kconfig)
    set(_header "${CMAKE_BINARY_DIR}/acme_kconfig.h")
    if(ACME_CONFIG_HEADER) # made elsewhere, or by hand
        if(NOT EXISTS "${ACME_CONFIG_HEADER}")
            message(FATAL_ERROR "No header in '${ACME_CONFIG_HEADER}' (ACME_CONFIG_HEADER)")
        endif()
        get_filename_component(_header "${ACME_CONFIG_HEADER}" ABSOLUTE)
    else()
        find_program(ACME_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
        find_program(ACME_PYTHON NAMES python3)
        if(NOT ACME_PYTHON)
            message(FATAL_ERROR "Kconfig needs Python 3 with kconfiglib. Without them, set ACME_CONFIG_HEADER to "
                "core/include/acme/config_default.h (all defaults), or to a copy of it that you have changed")
        endif()
        execute_process(
            COMMAND "${ACME_PYTHON}" "${CMAKE_CURRENT_LIST_DIR}/../scripts/kconfig" "${ACME_DEFCONFIG}"
                    --header "${_header}"
            RESULT_VARIABLE _failed)
        if(_failed)
            message(FATAL_ERROR "Kconfig failed for ${ACME_DEFCONFIG}: see above")
        endif()
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${ACME_DEFCONFIG}"
        "${CMAKE_CURRENT_LIST_DIR}/../Kconfig")
    add_library(acme_kconfig INTERFACE)
    set_target_properties(acme_kconfig PROPERTIES EXPORT_NAME kconfig)
    # As a property: it is read by the installation (cmake/install.cmake).
    set_property(TARGET acme_kconfig PROPERTY ACME_HEADER "${_header}")
    target_compile_definitions(acme_kconfig INTERFACE "$<BUILD_INTERFACE:ACME_KCONFIG_HEADER=\"${_header}\">"
        "$<INSTALL_INTERFACE:ACME_KCONFIG_HEADER=\"acme_kconfig.h\">")
endif()

if(NOT TARGET acme_mbedtls)
    if(NOT EXISTS "${ACME_MBEDTLS_DIR}/library/ssl_tls.c")
        message(FATAL_ERROR "No mbedTLS in ${ACME_MBEDTLS_DIR}: run scripts/setup, or set ACME_MBEDTLS_DIR")
    endif()
    file(GLOB _sources "${ACME_MBEDTLS_DIR}/library/*.c")
    # The core brings psa_its_* itself.
    list(FILTER _sources EXCLUDE REGEX "psa_its_file\\.c$")
    add_library(acme_mbedtls STATIC ${_sources})
    set_target_properties(acme_mbedtls PROPERTIES EXPORT_NAME mbedtls)
    target_include_directories(acme_mbedtls SYSTEM PUBLIC "$<BUILD_INTERFACE:${ACME_MBEDTLS_DIR}/include>")
    target_include_directories(acme_mbedtls PRIVATE "${ACME_MBEDTLS_DIR}/library"
        "${CMAKE_CURRENT_LIST_DIR}/../core/its")
    if(NOT EXISTS "${ACME_MBEDTLS_CONFIG}")
        message(FATAL_ERROR "No mbedTLS configuration in '${ACME_MBEDTLS_CONFIG}': set ACME_MBEDTLS_CONFIG")
    endif()
    # mbedTLS would find its own mbedtls_config.h before one of the same name: it gets a whole path. The
    # header in between has a digest, by which the core sees that this configuration is in force.
    get_filename_component(_config "${ACME_MBEDTLS_CONFIG}" ABSOLUTE)
    get_filename_component(_config_dir "${_config}" DIRECTORY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_config}")
    file(SHA256 "${_config}" _digest)
    string(SUBSTRING "${_digest}" 0 8 _digest)
    set(_wrapper "${CMAKE_CURRENT_BINARY_DIR}/acme_mbedtls_config.h")
    file(CONFIGURE OUTPUT "${_wrapper}" @ONLY CONTENT [=[
/* Made by nanoacme's cmake/dependencies.cmake; do not edit. */
#include "@_config@"
#define ACME_MBEDTLS_CONFIG_DIGEST 0x@_digest@
]=])
    target_include_directories(acme_mbedtls PUBLIC "$<BUILD_INTERFACE:${_config_dir}>")
    target_compile_definitions(acme_mbedtls PUBLIC "$<BUILD_INTERFACE:MBEDTLS_CONFIG_FILE=\"${_wrapper}\">"
        "$<INSTALL_INTERFACE:MBEDTLS_CONFIG_FILE=\"acme_mbedtls_config.h\">")
    set(ACME_MBEDTLS_EXPECTED "0x${_digest}")
    # The core calls the port's breathe from functions that mbedTLS calls all the time: one that wipes, and
    # where its arithmetic fills and copies memory.
    if(_header AND EXISTS "${_header}")
        file(STRINGS "${_header}" _breathes REGEX "define CONFIG_ACME_BREATHE 1")
    endif()
    if(_breathes)
        target_compile_definitions(acme_mbedtls PUBLIC "MBEDTLS_PLATFORM_ZEROIZE_ALT=")
        set_source_files_properties("${ACME_MBEDTLS_DIR}/library/bignum.c"
            "${ACME_MBEDTLS_DIR}/library/bignum_core.c" TARGET_DIRECTORY acme_mbedtls
            PROPERTIES COMPILE_DEFINITIONS "memset=acme_breathe_memset;memcpy=acme_breathe_memcpy")
    endif()
endif()
