/*
 * Name constraints (RFC 5280 4.2.1.10), which mbedTLS does not read: what an issuer may vouch for.
 * It must not know whose certificates these are.
 */
#pragma once

#include <stdbool.h>

#include <mbedtls/x509_crt.h>

/** Whether all names and addresses of a leaf are within what the issuer is constrained to; true
 * where it has no constraints. What cannot be read, or is said about directory names, which are not
 * looked at, is taken for a no. */
bool acme_constraints_allow(const mbedtls_x509_crt *issuer, const mbedtls_x509_crt *leaf);
