# Builds an image of the application in this folder for a board: acme_add_firmware(BOARD SOURCE...).
# The board's folder has board.c, startup.c, link.ld and lwipopts.h.
set(LWIP_DIR "${ACME_LWIP_DIR}")
if(NOT EXISTS "${LWIP_DIR}/src/Filelists.cmake")
    message(FATAL_ERROR "No lwIP in ${LWIP_DIR}: run scripts/setup, or set ACME_LWIP_DIR")
endif()
include("${LWIP_DIR}/src/Filelists.cmake")

set(ACME_COMMON_DIR "${CMAKE_CURRENT_LIST_DIR}")

# The target `lwip` that the port wants: lwIP's core with the board's lwipopts.h.
add_library(lwip STATIC ${lwipcore_SRCS} ${lwipcore4_SRCS} ${lwipcore6_SRCS} ${lwipsntp_SRCS}
    "${LWIP_DIR}/src/netif/ethernet.c")
target_include_directories(lwip SYSTEM PUBLIC "${LWIP_DIR}/src/include")
target_include_directories(lwip PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}" "${ACME_COMMON_DIR}"
    "${PROJECT_SOURCE_DIR}/port/lwip_raw" "${PROJECT_SOURCE_DIR}/core/include")
add_subdirectory("${PROJECT_SOURCE_DIR}/port/lwip_raw" port_lwip_raw)

# SOURCE_DATE_EPOCH makes it reproducible.
string(TIMESTAMP ACME_BUILD_TIME_S "%s" UTC)

function(acme_add_firmware board)
    set(image nanoacme-${board}.elf)
    list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    set(common main console cortex_m entropy_insecure ethif flash_semihost https semihost settings text)
    list(TRANSFORM common PREPEND "${ACME_COMMON_DIR}/")
    list(TRANSFORM common APPEND .c)
    add_executable(${image} board.c startup.c ${ARGN} ${common})
    target_include_directories(${image} PRIVATE "${ACME_COMMON_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
    target_compile_definitions(${image} PRIVATE BOARD_BUILD_TIME_S=${ACME_BUILD_TIME_S}LL)
    target_link_libraries(${image} PRIVATE acme_port_lwip_raw acme_core acme_warnings)
    target_link_options(${image} PRIVATE -nostartfiles --specs=nano.specs -Wl,--gc-sections
        "-L${ACME_COMMON_DIR}" "-T${CMAKE_CURRENT_SOURCE_DIR}/link.ld" "-Wl,-Map,${image}.map"
        -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments)
    set_target_properties(${image} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}"
        LINK_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/link.ld;${ACME_COMMON_DIR}/sections.ld")
endfunction()

# The image selftest-BOARD.elf: the self-test of the board's drivers, on demand over the serial line.
add_subdirectory("${PROJECT_SOURCE_DIR}/port/selftest" port_selftest)

function(acme_add_selftest board)
    set(image selftest-${board}.elf)
    list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    set(common selftest_main cortex_m entropy_insecure ethif flash_semihost semihost text)
    list(TRANSFORM common PREPEND "${ACME_COMMON_DIR}/")
    list(TRANSFORM common APPEND .c)
    add_executable(${image} board.c startup.c ${ARGN} ${common})
    target_include_directories(${image} PRIVATE "${ACME_COMMON_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${image} PRIVATE acme_selftest acme_port_lwip_raw acme_warnings)
    target_link_options(${image} PRIVATE -nostartfiles --specs=nano.specs -Wl,--gc-sections
        "-L${ACME_COMMON_DIR}" "-T${CMAKE_CURRENT_SOURCE_DIR}/link.ld" -Wl,--fatal-warnings
        -Wl,--no-warn-rwx-segments)
    set_target_properties(${image} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}"
        LINK_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/link.ld;${ACME_COMMON_DIR}/sections.ld")
endfunction()
