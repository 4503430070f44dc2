# ESP-IDF's first look at a component: a script that only wants its requirements, in which
# idf_component_register returns from the file that calls it.
macro(idf_component_register)
    set(registered "${ARGN}")
    return()
endmacro()
function(look)
    include("${ROOT}/CMakeLists.txt")
    if(NOT registered MATCHES "^INCLUDE_DIRS;[^;]+/core/include;[^;]+/port/freertos;[^;]+/port/rtos_task;REQUIRES;mbedtls;freertos$")
        message(FATAL_ERROR "registered: ${registered}")
    endif()
endfunction()
look()
message(STATUS "early look done")
