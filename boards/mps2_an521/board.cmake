# What the top CMakeLists.txt needs to know before the libraries are built.
# The first processor of the AN521 has neither a floating-point unit nor the DSP instructions, which the
# compiler takes for granted in a Cortex-M33.
set(ACME_BOARD_CPU -mcpu=cortex-m33+nodsp+nofp -mthumb)
set(ACME_DEFCONFIG "${CMAKE_CURRENT_LIST_DIR}/defconfig" CACHE FILEPATH "Kconfig values of the build")
set(ACME_MBEDTLS_CONFIG "${CMAKE_CURRENT_LIST_DIR}/../common/mps2/mps2_mbedtls_config.h" CACHE FILEPATH
    "mbedTLS configuration header")
