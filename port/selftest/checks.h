/*
 * The checks of a port, a function for each table of acme/port.h.
 */
#ifndef SELFTEST_CHECKS_H
#define SELFTEST_CHECKS_H

#include "report.h"

void selftest_entropy(struct selftest *t);
void selftest_clock(struct selftest *t);
void selftest_log(struct selftest *t);
void selftest_flash(struct selftest *t);
void selftest_net(struct selftest *t);

#endif
