/*
 * The two halves of the network checks.
 */
#ifndef SELFTEST_NET_CHECKS_H
#define SELFTEST_NET_CHECKS_H

#include "net_calls.h"

void selftest_net_client(struct selftest_net_run *n);
void selftest_net_server(struct selftest_net_run *n);

#endif
