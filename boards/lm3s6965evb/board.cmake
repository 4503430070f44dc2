# What the top CMakeLists.txt needs to know before the libraries are built.
set(ACME_BOARD_CPU -mcpu=cortex-m3 -mthumb)
set(ACME_DEFCONFIG "${CMAKE_CURRENT_LIST_DIR}/defconfig" CACHE FILEPATH "Kconfig values of the build")
set(ACME_MBEDTLS_CONFIG "${CMAKE_CURRENT_LIST_DIR}/lm3s_mbedtls_config.h" CACHE FILEPATH
    "mbedTLS configuration header")

# The same board with less RAM, which the linker holds it to: everything is in 48 KB.
option(LM3S_48K "For a part with 48 KB of RAM" OFF)
if(LM3S_48K)
    file(READ "${CMAKE_CURRENT_LIST_DIR}/defconfig" _values)
    string(REGEX REPLACE "(MBEDTLS_POOL_SIZE=)[0-9]+" "\\120992" _values "${_values}")
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/defconfig_48k" CONTENT "${_values}" @ONLY)
    set(ACME_DEFCONFIG "${CMAKE_BINARY_DIR}/defconfig_48k" CACHE FILEPATH "Kconfig values of the build" FORCE)
    add_link_options(-Wl,--defsym=RAM_SIZE=48K)
endif()
