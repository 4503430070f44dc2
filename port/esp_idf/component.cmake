# The ESP-IDF component: the core as the library acme_core, over ESP-IDF's mbedTLS, with the options of
# Kconfig in menuconfig. Included by the top CMakeLists.txt, for a component is a whole folder.
# ESP-IDF resolves a relative folder against that of this file.
set(_top "${CMAKE_CURRENT_LIST_DIR}/../..")
idf_component_register(INCLUDE_DIRS "${_top}/core/include" "${_top}/port/freertos" "${_top}/port/rtos_task"
    REQUIRES mbedtls freertos)

idf_component_get_property(_mbedtls mbedtls COMPONENT_LIB)
idf_component_get_property(_freertos freertos COMPONENT_LIB)
idf_component_get_property(_mbedtls_dir mbedtls COMPONENT_DIR)
idf_build_get_property(_config_dir CONFIG_DIR)
idf_build_get_property(_idf_path IDF_PATH)

# cJSON: ESP-IDF has it up to version 5; later ones have it as a component of its own.
if(NOT ACME_CJSON_DIR)
    set(ACME_CJSON_DIR "${_idf_path}/components/json/cJSON")
endif()
if(NOT EXISTS "${ACME_CJSON_DIR}/cJSON.c")
    message(FATAL_ERROR "No cJSON in ${ACME_CJSON_DIR}: set ACME_CJSON_DIR in the project's CMakeLists.txt")
endif()
set(ACME_MBEDTLS_DIR "${_mbedtls_dir}/mbedtls")

# mbedTLS keeps its keys by psa_its_*, which the core brings.
if(NOT TARGET mbedcrypto)
    message(FATAL_ERROR "The component mbedtls has no target mbedcrypto: a version that is not known yet")
endif()
foreach(_library mbedtls mbedcrypto mbedx509)
    target_include_directories(${_library} PUBLIC "${CMAKE_CURRENT_LIST_DIR}" "${_top}/core/its")
    target_compile_definitions(${_library} PUBLIC "MBEDTLS_USER_CONFIG_FILE=\"acme_esp_mbedtls.h\"")
endforeach()

add_library(acme_kconfig INTERFACE)
target_include_directories(acme_kconfig INTERFACE "${_config_dir}")
target_compile_definitions(acme_kconfig INTERFACE "ACME_KCONFIG_HEADER=\"sdkconfig.h\"")
add_library(acme_mbedtls INTERFACE)
target_link_libraries(acme_mbedtls INTERFACE ${_mbedtls})

add_subdirectory("${_top}/core" acme_core)

# The client as a task of ESP-IDF's kernel.
add_library(freertos_kernel INTERFACE)
target_link_libraries(freertos_kernel INTERFACE ${_freertos})
add_subdirectory("${_top}/port/freertos" acme_port_freertos)
target_link_libraries(${COMPONENT_LIB} INTERFACE acme_core acme_port_freertos)
