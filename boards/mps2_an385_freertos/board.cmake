# What the top CMakeLists.txt needs to know before the libraries are built.
set(ACME_BOARD_CPU -mcpu=cortex-m3 -mthumb)
set(ACME_DEFCONFIG "${CMAKE_CURRENT_LIST_DIR}/defconfig" CACHE FILEPATH "Kconfig values of the build")
set(ACME_MBEDTLS_CONFIG "${CMAKE_CURRENT_LIST_DIR}/../common/mps2/mps2_mbedtls_config.h" CACHE FILEPATH
    "mbedTLS configuration header")
