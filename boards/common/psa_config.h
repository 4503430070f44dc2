/*
 * What of PSA Crypto a board's image holds: what TLS, X.509 and the core's keys use, and no more.
 * Without this file mbedTLS would offer everything that its modules can do, RSA encryption and AES
 * decryption (which GCM does without) among them: 4 KB of flash. It must not know the board.
 */
#ifndef BOARD_PSA_CONFIG_H
#define BOARD_PSA_CONFIG_H

/* Signatures and key agreement. Keys of the device are of elliptic curves; of RSA, public ones are
 * verified with. */
#define PSA_WANT_ALG_ECDSA                      1
#define PSA_WANT_ALG_ECDH                       1
#define PSA_WANT_ALG_RSA_PKCS1V15_SIGN          1
#define PSA_WANT_ECC_SECP_R1_256                1
#define PSA_WANT_ECC_SECP_R1_384                1
#define PSA_WANT_KEY_TYPE_ECC_PUBLIC_KEY        1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_BASIC    1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_IMPORT   1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_EXPORT   1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_GENERATE 1
#define PSA_WANT_KEY_TYPE_RSA_PUBLIC_KEY        1

/* Records of TLS, hashes, and how keys are derived. */
#define PSA_WANT_ALG_GCM           1
#define PSA_WANT_ALG_HMAC          1
#define PSA_WANT_ALG_SHA_256       1
#define PSA_WANT_ALG_SHA_384       1
#define PSA_WANT_ALG_TLS12_PRF     1
#define PSA_WANT_KEY_TYPE_AES      1
#define PSA_WANT_KEY_TYPE_DERIVE   1
#define PSA_WANT_KEY_TYPE_HMAC     1
#define PSA_WANT_KEY_TYPE_RAW_DATA 1
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define PSA_WANT_ALG_RSA_PSS      1 /* TLS 1.2 as mbedTLS has it, and its certificates, know none */
#define PSA_WANT_ALG_HKDF_EXTRACT 1
#define PSA_WANT_ALG_HKDF_EXPAND  1
#endif

#endif
