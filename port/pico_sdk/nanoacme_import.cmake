# nanoacme in a pico-sdk project: include this after pico_sdk_init(), with ACME_MBEDTLS_CONFIG,
# ACME_DEFCONFIG and ACME_CJSON_DIR set, and link `nanoacme` to the program. It has the core on an
# mbedTLS of its own, built from the SDK's sources; do not link pico_mbedtls as well. With lwIP in the
# program (pico_cyw43_arch_lwip_poll, say) link `nanoacme_lwip`, too.
if(NOT DEFINED ACME_MBEDTLS_DIR)
    set(ACME_MBEDTLS_DIR "${PICO_MBEDTLS_PATH}")
endif()
foreach(_needed ACME_MBEDTLS_DIR ACME_MBEDTLS_CONFIG ACME_DEFCONFIG ACME_CJSON_DIR)
    if("${${_needed}}" STREQUAL "")
        message(FATAL_ERROR "nanoacme: set ${_needed} before including nanoacme_import.cmake")
    endif()
endforeach()

set(_top "${CMAKE_CURRENT_LIST_DIR}/../..")
add_subdirectory("${_top}/core" nanoacme_core)
add_library(nanoacme INTERFACE)
target_link_libraries(nanoacme INTERFACE acme_core)

# As the SDK's own libraries: sources that are compiled into the program, with its lwipopts.h.
add_library(nanoacme_lwip INTERFACE)
file(GLOB _sources "${_top}/port/lwip_raw/*.c" "${_top}/port/lwip/*.c")
target_sources(nanoacme_lwip INTERFACE ${_sources})
target_include_directories(nanoacme_lwip INTERFACE "${_top}/port/lwip_raw" "${_top}/port/lwip")
target_link_libraries(nanoacme_lwip INTERFACE nanoacme pico_lwip pico_lwip_sntp)
