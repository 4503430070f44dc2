/* soon */
#include "acme/config.h"
typedef int acme_dns_acmedns_none;
