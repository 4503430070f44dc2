/*
 * The configuration, whose one source is Kconfig. A build that has run Kconfig names its header in
 * ACME_KCONFIG_HEADER; any other build gets the defaults of Kconfig.
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
