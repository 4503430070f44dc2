/*
 * The configuration, whose one source is Kconfig. A build that has run Kconfig names its header in
 * ACME_KCONFIG_HEADER; any other build gets the defaults of Kconfig. The core and all that includes
 * its headers need the same: acme_init checks it.
 *
 * @code{.c}
 * // on the command line of the compiler, for all files: -DACME_KCONFIG_HEADER='"my_config.h"',
 * // which scripts/kconfig my.defconfig --header my_config.h has written
 * #include "acme/config.h"
 *
 * #if !defined(CONFIG_ACME_HTTP_01)
 * #error "this product proves its name by http-01"
 * #endif
 *
 * enum { MY_NAMES = CONFIG_ACME_NAMES_MAX };
 * @endcode
 */
#ifndef ACME_CONFIG_H
#define ACME_CONFIG_H

#ifdef ACME_KCONFIG_HEADER
#include ACME_KCONFIG_HEADER
#else
#include "acme/config_default.h"
#endif

#if CONFIG_ACME_CERT_SIZE_MAX > CONFIG_ACME_WORK_SIZE
#error "CONFIG_ACME_CERT_SIZE_MAX must not exceed CONFIG_ACME_WORK_SIZE"
#endif

#endif
