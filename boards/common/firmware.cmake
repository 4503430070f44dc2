# Builds the two images of a board, the application in this folder and the self-test of the board's
# drivers: acme_add_board(BOARD LWIPOPTS FOLDER SOURCES SOURCE...), where FOLDER has lwipopts.h, and the
# sources are the board's: its serial line, its Ethernet. The board's folder has board_config.h and
# link.ld.
set(ACME_COMMON_DIR "${CMAKE_CURRENT_LIST_DIR}")

# The target `lwip` that the port wants: lwIP's core with the board's lwipopts.h.
function(acme_add_lwip lwipopts)
    set(LWIP_DIR "${ACME_LWIP_DIR}")
    if(NOT EXISTS "${LWIP_DIR}/src/Filelists.cmake")
        message(FATAL_ERROR "No lwIP in ${LWIP_DIR}: run scripts/setup, or set ACME_LWIP_DIR")
    endif()
    include("${LWIP_DIR}/src/Filelists.cmake")
    add_library(lwip STATIC ${lwipcore_SRCS} ${lwipcore4_SRCS} ${lwipcore6_SRCS} ${lwipsntp_SRCS} ${lwipapi_SRCS}
        "${LWIP_DIR}/src/netif/ethernet.c")
    target_include_directories(lwip SYSTEM PUBLIC "${LWIP_DIR}/src/include")
    target_include_directories(lwip PUBLIC "${lwipopts}" "${ACME_COMMON_DIR}"
        "${PROJECT_SOURCE_DIR}/port/lwip_raw" "${PROJECT_SOURCE_DIR}/core/include")
endfunction()

# What rsa_public.c refuses.
set(ACME_RSA_PRIVATE mbedtls_rsa_check_pub_priv mbedtls_rsa_deduce_crt mbedtls_rsa_deduce_primes
    mbedtls_rsa_deduce_private_exponent mbedtls_rsa_parse_key mbedtls_rsa_pkcs1_sign
    mbedtls_rsa_rsassa_pss_sign mbedtls_rsa_validate_crt mbedtls_rsa_validate_params
    mbedtls_rsa_write_key psa_asymmetric_decrypt psa_asymmetric_encrypt)
list(TRANSFORM ACME_RSA_PRIVATE PREPEND -Wl,--wrap=)

# acme_add_image(IMAGE PORT FILE...): over the network port PORT, with these files of this folder.
function(acme_add_image image port)
    set(common startup cortex_m entropy_insecure ethif flash_map flash_semihost panic semihost text watchdog ${ARGN})
    list(TRANSFORM common PREPEND "${ACME_COMMON_DIR}/")
    list(TRANSFORM common APPEND .c)
    add_executable(${image} ${ACME_BOARD_SOURCES} ${common})
    target_include_directories(${image} PRIVATE "${ACME_COMMON_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${image} PRIVATE ${port} acme_warnings)
    target_link_options(${image} PRIVATE -nostartfiles --specs=nano.specs -Wl,--gc-sections
        "-L${ACME_COMMON_DIR}" "-T${CMAKE_CURRENT_SOURCE_DIR}/link.ld" "-Wl,-Map,${image}.map"
        ${ACME_RSA_PRIVATE} -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments)
    set_target_properties(${image} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}"
        LINK_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/link.ld;${ACME_COMMON_DIR}/sections.ld;${ACME_COMMON_DIR}/no_heap.ld")
endfunction()

# acme_add_application(BOARD PORT FILE...): the application's image. What runs it is among the files, or
# among the board's sources.
function(acme_add_application board port)
    string(TIMESTAMP build_time_s "%s" UTC) # SOURCE_DATE_EPOCH makes it reproducible
    acme_add_image(nanoacme-${board}.elf ${port} app console https parse_der root_list roots rsa_public settings ${ARGN})
    acme_add_roots(nanoacme-${board}.elf)
    target_compile_definitions(nanoacme-${board}.elf PRIVATE BOARD_BUILD_TIME_S=${build_time_s}LL)
    target_link_libraries(nanoacme-${board}.elf PRIVATE acme_core)
    target_link_options(nanoacme-${board}.elf PRIVATE -Wl,--wrap=mbedtls_x509_crt_parse_der
        -Wl,--wrap=mbedtls_x509_crt_parse_der_nocopy)
    if(ACME_POOL_TRACE) # who holds what of mbedTLS's pool: test/host/firmware/pool_trace.py
        target_sources(nanoacme-${board}.elf PRIVATE
            "${PROJECT_SOURCE_DIR}/test/host/firmware/pool_trace.c")
        target_include_directories(nanoacme-${board}.elf PRIVATE "${PROJECT_SOURCE_DIR}/core/src")
        target_link_options(nanoacme-${board}.elf PRIVATE -Wl,--wrap=mbedtls_calloc
            -Wl,--wrap=mbedtls_free)
    endif()
endfunction()

# The CA's roots (ACME_BOARD_ROOTS: a list of files of PEM or DER), and the public key that bundles of
# roots must be signed with (ACME_BOARD_ROOTS_KEY: PEM), where the product has them.
function(acme_add_roots image)
    if(NOT ACME_BOARD_ROOTS AND NOT ACME_BOARD_ROOTS_KEY)
        return()
    endif()
    set(source "${CMAKE_CURRENT_BINARY_DIR}/roots_build.c")
    set(key)
    if(ACME_BOARD_ROOTS_KEY)
        set(key --key "${ACME_BOARD_ROOTS_KEY}")
    endif()
    add_custom_command(OUTPUT "${source}"
        COMMAND "${ACME_PYTHON}" "${PROJECT_SOURCE_DIR}/scripts/roots" c ${key} --out "${source}"
            ${ACME_BOARD_ROOTS}
        DEPENDS "${PROJECT_SOURCE_DIR}/scripts/roots" ${ACME_BOARD_ROOTS} ${ACME_BOARD_ROOTS_KEY}
        VERBATIM)
    target_sources(${image} PRIVATE "${source}")
endfunction()

function(acme_add_board board)
    cmake_parse_arguments(PARSE_ARGV 1 ACME_BOARD "" "LWIPOPTS" "SOURCES")
    get_filename_component(lwipopts "${ACME_BOARD_LWIPOPTS}" ABSOLUTE)
    acme_add_lwip("${lwipopts}")
    add_subdirectory("${PROJECT_SOURCE_DIR}/port/lwip_raw" port_lwip_raw)
    add_subdirectory("${PROJECT_SOURCE_DIR}/port/selftest" port_selftest)

    acme_add_application(${board} acme_port_lwip_raw bare loop)
    acme_add_image(selftest-${board}.elf acme_port_lwip_raw bare selftest_main)
    target_link_libraries(selftest-${board}.elf PRIVATE acme_selftest)
endfunction()
