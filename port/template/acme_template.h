/*
 * A port to begin with: copy this folder to one of your own and write what the comments ask for, in
 * the order of docs/porting.md. It compiles, links, and fails its self-test until it is written.
 */
#ifndef ACME_TEMPLATE_H
#define ACME_TEMPLATE_H

#include "acme/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Step 2. */
extern const struct acme_clock_ops acme_template_clock_ops;
/** Step 3. */
extern const struct acme_entropy_ops acme_template_entropy_ops;
/** Step 4. */
extern const struct acme_flash_ops acme_template_flash_ops;
/** Step 1. */
extern const struct acme_log_ops acme_template_log_ops;
/** Step 5, unless a port exists. */
extern const struct acme_net_ops acme_template_net_ops;

/** Lets the network stack work and sleeps: until an interrupt, or for wait_ms at most. */
void acme_template_wait(uint32_t wait_ms);

#ifdef __cplusplus
}
#endif
#endif
