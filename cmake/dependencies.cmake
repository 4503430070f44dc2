# The targets that the core stands on: acme_kconfig (the configuration header) and acme_mbedtls.
if(NOT TARGET acme_kconfig)
    set(_header "${CMAKE_BINARY_DIR}/acme_kconfig.h")
    find_program(ACME_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
    find_program(ACME_PYTHON NAMES python3 REQUIRED)
    execute_process(
        COMMAND "${ACME_PYTHON}" "${CMAKE_CURRENT_LIST_DIR}/../scripts/kconfig" "${ACME_DEFCONFIG}"
                --header "${_header}"
        RESULT_VARIABLE _failed)
    if(_failed)
        message(FATAL_ERROR "Kconfig failed for ${ACME_DEFCONFIG}")
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${ACME_DEFCONFIG}"
        "${CMAKE_CURRENT_LIST_DIR}/../Kconfig")
    add_library(acme_kconfig INTERFACE)
    target_compile_definitions(acme_kconfig INTERFACE "ACME_KCONFIG_HEADER=\"${_header}\"")
endif()

if(NOT TARGET acme_mbedtls)
    if(NOT EXISTS "${ACME_MBEDTLS_DIR}/library/ssl_tls.c")
        message(FATAL_ERROR "No mbedTLS in ${ACME_MBEDTLS_DIR}: run scripts/setup, or set ACME_MBEDTLS_DIR")
    endif()
    file(GLOB _sources "${ACME_MBEDTLS_DIR}/library/*.c")
    # The core brings psa_its_* itself.
    list(FILTER _sources EXCLUDE REGEX "psa_its_file\\.c$")
    add_library(acme_mbedtls STATIC ${_sources})
    target_include_directories(acme_mbedtls SYSTEM PUBLIC "${ACME_MBEDTLS_DIR}/include")
    target_include_directories(acme_mbedtls PRIVATE "${ACME_MBEDTLS_DIR}/library"
        "${CMAKE_CURRENT_LIST_DIR}/../core/its")
    get_filename_component(_config_dir "${ACME_MBEDTLS_CONFIG}" DIRECTORY)
    get_filename_component(_config_name "${ACME_MBEDTLS_CONFIG}" NAME)
    target_include_directories(acme_mbedtls PUBLIC "${_config_dir}")
    target_compile_definitions(acme_mbedtls PUBLIC "MBEDTLS_CONFIG_FILE=\"${_config_name}\"")
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
