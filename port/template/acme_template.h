/*
 * A port to begin with: copy this folder to port/<yours> and write what the comments ask for, in
 * the order of docs/porting.md. It compiles, links, and fails its self-test until it is written.
 */
#ifndef ACME_TEMPLATE_H
#define ACME_TEMPLATE_H

#include "acme/port.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct acme_clock_ops acme_template_clock_ops;
extern const struct acme_entropy_ops acme_template_entropy_ops;
extern const struct acme_flash_ops acme_template_flash_ops;
extern const struct acme_log_ops acme_template_log_ops;
extern const struct acme_net_ops acme_template_net_ops;

/** Lets the network stack work and sleeps: until an interrupt, or for wait_ms at most. */
void acme_template_wait(uint32_t wait_ms);

#ifdef __cplusplus
}
#endif
#endif
