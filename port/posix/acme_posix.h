/*
 * The core's interfaces on POSIX: sockets, clocks, the kernel's random generator, and a file that
 * behaves as NOR flash. All state is in structs that the caller owns; nothing is allocated, except
 * what the C library does on its own inside getaddrinfo and pthread_create.
 */
#ifndef ACME_POSIX_H
#define ACME_POSIX_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "acme/port.h"
#include "acme/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- network ---- */

/** Sockets at once, listeners included. */
#define ACME_POSIX_SOCKETS 32
/** Addresses of a name that are tried, one after the other. */
#define ACME_POSIX_ADDRESSES 8

struct acme_posix_net;

/** A socket. Its members are its own. */
struct acme_posix_socket {
    struct acme_posix_net *net; /* of which it is one */
    int fd;
    uint8_t state;
    bool want_read, want_write;
    uint16_t port;
    uint8_t address_count, address_next;
    uint64_t attempt_ms; /* when the address under way was begun */
    struct sockaddr_storage addresses[ACME_POSIX_ADDRESSES];
    char host[256];
};

/** The sockets of one client; a process may have several. The caller owns it; it must live until
 * every lookup has ended, be it closed or not, so make it static. Its members are its own. */
struct acme_posix_net {
    pthread_mutex_t lock; /* guards state and addresses of sockets that are looked up, and: */
    unsigned lookups;     /* threads under way */
    bool closed;          /* the last of them closes the pipe */
    int wake[2];          /* a pipe: a lookup has ended */
    struct acme_posix_socket sockets[ACME_POSIX_SOCKETS];
};

/** Its context is a struct acme_posix_net. */
extern const struct acme_net_ops acme_posix_net_ops;
/** Datagrams over the same sockets: its context is a struct acme_posix_net as well. */
extern const struct acme_udp_ops acme_posix_udp_ops;

/** Sets up. ACME_OK or ACME_ERR_NET. */
int32_t acme_posix_net_init(struct acme_posix_net *net);
/** Waits until a socket that said ACME_ERR_AGAIN can go on, a lookup has ended, a signal came, or
 * wait_ms are over. The only function here that blocks. */
void acme_posix_net_wait(struct acme_posix_net *net, uint32_t wait_ms);
/** Closes what is open; what is looked up is forgotten. A net that is set up again is another one:
 * its lookups must have ended before. */
void acme_posix_net_close(struct acme_posix_net *net);

/* ---- clock and entropy: no context ---- */

/** CLOCK_MONOTONIC and CLOCK_REALTIME. */
extern const struct acme_clock_ops acme_posix_clock_ops;
/** The kernel's random generator. */
extern const struct acme_entropy_ops acme_posix_entropy_ops;

/* ---- flash in a file ---- */

/** Bytes in front of the area, which say its geometry. */
#define ACME_POSIX_FLASH_PAGE 4096u

/** A flash area in a file: a page that says its geometry, then the area. Its members are its own.
 */
struct acme_posix_flash {
    int fd;
    size_t size; /* of the file */
    struct acme_flash_geometry geometry;
    bool has_page;
    uint32_t page_at;
    uint8_t page[ACME_POSIX_FLASH_PAGE]; /* read last */
};

/** Its context is a struct acme_posix_flash. */
extern const struct acme_flash_ops acme_posix_flash_ops;

/** Opens the file, or creates it (readable by its owner only) with this geometry, and locks it
 * against other processes. An existing file keeps its own geometry. ACME_OK; ACME_ERR_STORE_IO (see
 * errno; EAGAIN or EACCES with a lock: another process has it; EBADF: standard input, output or
 * error is closed, and what is printed would be written into the file); ACME_ERR_STORE_FORMAT (not
 * such a file, or truncated; it is left as it is); ACME_ERR_STORE_GEOMETRY. */
int32_t acme_posix_flash_open(struct acme_posix_flash *flash, const char *path,
                              const struct acme_flash_geometry *geometry);
/** Wipes the page that was read last, which may have a part of a key on it: to be called when there
 * is nothing to do for a while. Closing does it as well. */
void acme_posix_flash_forget(struct acme_posix_flash *flash);
/** Closes the file and gives up its lock. */
void acme_posix_flash_close(struct acme_posix_flash *flash);

/* ---- records in a folder of files ---- */

/** The records of one client: a file each. acme_posix_files_open sets it up. Its members are its
 * own. */
struct acme_posix_files {
    int folder, batch; /* descriptors; -1: none */
    uint32_t crc;      /* of the batch being written */
    size_t takes;      /* on the disk, when it is carried out */
    bool in_batch;
    bool lets_go;            /* values, and takes none */
    bool may_use_reserve;    /* what is under way, if the disk is full */
    bool pending;            /* the batch counts, but is not carried out in full */
    bool unknown;            /* whether it counts can only be known by opening anew */
    bool (*step)(void *ctx); /* for tests: before each change; false: it fails */
    void *step_ctx;
};

/** Its context is a struct acme_posix_files. */
extern const struct acme_record_ops acme_posix_files_ops;

/** Opens the folder, or makes it (for its owner only), and locks it against other processes; what
 * is in it is looked at by acme_posix_files_ops.open. ACME_OK; ACME_ERR_STORE_IO (see errno;
 * EAGAIN: another process has it; EBADF: as above). */
int32_t acme_posix_files_open(struct acme_posix_files *files, const char *folder);
/** Closes the folder and gives up its lock. */
void acme_posix_files_close(struct acme_posix_files *files);

#ifdef __cplusplus
}
#endif
#endif
