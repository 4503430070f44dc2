/*
 * What the core needs from its surroundings: network, clock, entropy, flash, log. Each is a const
 * struct of function pointers and a context which the core hands back as the first argument. The
 * core calls them only from inside acme_* functions, on the caller's thread, never re-entrantly
 * (breathe, at the end, is the exception).
 *
 * Rules for all of them:
 * - Nothing blocks, except flash erase and program, which may take what the chip takes.
 * - "Try later" is ACME_ERR_AGAIN. "The peer closed" is ACME_ERR_CLOSED. No function that moves
 *   bytes ever returns 0: it returns a count > 0 or one of the errors.
 * - Lengths are in bytes, times in the unit of the name's ending.
 * - Pointers are lent for the duration of the call only, unless it says otherwise.
 * - Handles (acme_handle) are the port's own small numbers >= 0. The core closes each handle it got
 *   exactly once.
 *
 * @code{.c}
 * #include "acme/port.h"
 *
 * uint64_t board_ticks_ms(void); // yours
 *
 * static uint64_t uptime_ms(void *ctx)
 * {
 *     (void)ctx;
 *     return board_ticks_ms();
 * }
 *
 * static int32_t wall_s(void *ctx, int64_t *unix_s)
 * {
 *     (void)ctx;
 *     (void)unix_s;
 *     return ACME_ERR_NO_CLOCK; // the time then comes from the CA
 * }
 *
 * extern const struct acme_clock_ops board_clock;
 * const struct acme_clock_ops board_clock = {.uptime_ms = uptime_ms, .wall_s = wall_s};
 * @endcode
 */
#ifndef ACME_PORT_H
#define ACME_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "acme/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A port's own number for a stream or a listener; >= 0. */
typedef int32_t acme_handle;
/** No stream and no listener. */
#define ACME_HANDLE_NONE ((acme_handle)-1)

/** An IP address. */
struct acme_address {
    uint8_t family;    /**< 4 or 6 */
    uint8_t bytes[16]; /**< network order; 4 or 16 of them are used */
};

/** What a port that has several addresses of a host gives each of them to answer, in milliseconds:
 * one that says nothing must not use up the time of the others (CONFIG_ACME_TIMEOUT_MS for all). */
#define ACME_NET_ATTEMPT_MS 5000u

/** Streams (TCP), listeners and name resolution. */
struct acme_net_ops {
    /**
     * Starts a connection to host (DNS name or address literal without brackets, NUL-terminated;
     * lent for the call, so the port copies it when it needs it later) and port. Resolution is
     * part of it. Returns a handle >= 0, or ACME_ERR_RESOLVE, ACME_ERR_CONNECT, ACME_ERR_LIMIT
     * (no free stream), ACME_ERR_NET. Does not wait.
     */
    acme_handle (*connect)(void *ctx, const char *host, uint16_t port);
    /** ACME_OK once connected; ACME_ERR_AGAIN while under way (the core asks again after a second
     * at most, so a port may move on to the next address in here); ACME_ERR_RESOLVE,
     * ACME_ERR_CONNECT, ACME_ERR_NET when it failed (the handle still has to be closed). */
    int32_t (*connected)(void *ctx, acme_handle stream);
    /** Hands over up to len (> 0) bytes. Returns how many were taken (> 0), ACME_ERR_AGAIN,
     * ACME_ERR_CLOSED or ACME_ERR_NET. */
    int32_t (*send)(void *ctx, acme_handle stream, const uint8_t *data, size_t len);
    /** Takes up to size (> 0) bytes. Returns how many (> 0), ACME_ERR_AGAIN, ACME_ERR_CLOSED (the
     * peer has finished and all its bytes were taken) or ACME_ERR_NET. */
    int32_t (*recv)(void *ctx, acme_handle stream, uint8_t *data, size_t size);
    /** Closes a stream from connect or accept. Bytes taken by send are still delivered when the
     * peer lets them. */
    void (*close)(void *ctx, acme_handle stream);
    /** Opens a TCP listener on all local addresses of the port. Returns a handle >= 0,
     * ACME_ERR_LISTEN or ACME_ERR_LIMIT. */
    acme_handle (*listen)(void *ctx, uint16_t port);
    /** Returns a connected stream's handle, ACME_ERR_AGAIN, ACME_ERR_LIMIT or ACME_ERR_NET. */
    acme_handle (*accept)(void *ctx, acme_handle listener);
    /** Closes a listener; streams accepted from it live on. */
    void (*unlisten)(void *ctx, acme_handle listener);
};

/** Datagrams (UDP), for DNS. Optional: without them DNS goes over TCP. */
struct acme_udp_ops {
    /** Opens a socket for datagrams to addresses of a family (4 or 6), bound to a local port that
     * the core chose at random. Returns a handle >= 0, ACME_ERR_LISTEN (the port is taken: the core
     * tries another), ACME_ERR_LIMIT (no free socket) or ACME_ERR_NET. */
    acme_handle (*open)(void *ctx, uint8_t family, uint16_t local_port);
    /** Sends one datagram of len (> 0) bytes. ACME_OK, ACME_ERR_AGAIN, ACME_ERR_CONNECT (nobody is
     * there) or ACME_ERR_NET. */
    int32_t (*send_to)(void *ctx, acme_handle socket, const struct acme_address *to, uint16_t port,
                       const uint8_t *data, size_t len);
    /** Takes one datagram, cut to size (> 0) bytes, and says from whom it came. Returns how many
     * bytes (> 0; empty ones are dropped), ACME_ERR_AGAIN, ACME_ERR_CONNECT (nobody is there) or
     * ACME_ERR_NET. */
    int32_t (*recv_from)(void *ctx, acme_handle socket, struct acme_address *from, uint16_t *port,
                         uint8_t *data, size_t size);
    /** Closes a socket from open; what came and was not taken is dropped. */
    void (*close)(void *ctx, acme_handle socket);
};

/** Time. */
struct acme_clock_ops {
    /** Milliseconds since some start; monotonic, never wraps in the device's life. */
    uint64_t (*uptime_ms)(void *ctx);
    /** Wall-clock seconds since 1970-01-01T00:00:00Z into *unix_s: ACME_OK, or ACME_ERR_NO_CLOCK
     * when it is not known (then *unix_s is left alone). */
    int32_t (*wall_s)(void *ctx, int64_t *unix_s);
};

/** Entropy for mbedTLS's random generator; full-entropy bytes of a true random source. */
struct acme_entropy_ops {
    /** Fills len bytes: ACME_OK or ACME_ERR_ENTROPY. May block for as long as the source takes. */
    int32_t (*fill)(void *ctx, uint8_t *data, size_t len);
};

/** Shape of a flash area. */
struct acme_flash_geometry {
    uint32_t sector_size;  /**< erase unit in bytes: a power of two, 256 to 2^27 */
    uint32_t sector_count; /**< sectors of the area: 2 to 4095 */
    uint32_t program_size; /**< program unit in bytes: a power of two, 1 to 32 */
};

/**
 * NOR-like flash. Offsets count from the start of the area. Erased bytes read 0xFF; programming
 * happens once per program unit between erases. All may block for as long as the chip takes.
 * Each returns ACME_OK or ACME_ERR_STORE_IO; read also ACME_ERR_STORE_CORRUPT, which says that what
 * is there is lost for good (an error that ECC cannot correct, as a cut while programming leaves).
 */
struct acme_flash_ops {
    /** Fills *geometry; constant over the life of the area. */
    int32_t (*geometry)(void *ctx, struct acme_flash_geometry *geometry);
    /** Reads len bytes at any offset. */
    int32_t (*read)(void *ctx, uint32_t offset, void *data, size_t len);
    /** Programs len bytes; offset and len are multiples of the program unit, within one sector. */
    int32_t (*program)(void *ctx, uint32_t offset, const void *data, size_t len);
    /** Erases the sector that starts at offset. */
    int32_t (*erase)(void *ctx, uint32_t offset);
    /** What was programmed and erased before survives a power cut after this returns. */
    int32_t (*sync)(void *ctx);
};

/** How much a line matters; CONFIG_ACME_LOG_LEVEL says which are compiled in. */
enum acme_log_level {
    ACME_LOG_ERROR = 1,   /**< a person has to do something */
    ACME_LOG_WARNING = 2, /**< what failed, and is tried again */
    ACME_LOG_INFO = 3,    /**< what happened */
    ACME_LOG_DEBUG = 4    /**< each state and problem */
};

/** A sink for lines that people read. Secrets never come here. */
struct acme_log_ops {
    /** One line, NUL-terminated, without a newline; lent for the call. */
    void (*write)(void *ctx, enum acme_log_level level, const char *line);
};

/** All of them, as handed to acme_init. Must outlive the client. log, udp, breathe and read_anchor
 * may be NULL; flash, too, where struct acme_config names another place for the records. */
struct acme_port {
    const struct acme_net_ops *net;         /**< streams, listeners, names */
    void *net_ctx;                          /**< handed back to net */
    const struct acme_clock_ops *clock;     /**< uptime and wall clock */
    void *clock_ctx;                        /**< handed back to clock */
    const struct acme_entropy_ops *entropy; /**< true random bytes */
    void *entropy_ctx;                      /**< handed back to entropy */
    const struct acme_flash_ops *flash;     /**< the store's area, or NULL */
    void *flash_ctx;                        /**< handed back to flash */
    const struct acme_log_ops *log;         /**< lines for people, or NULL */
    void *log_ctx;                          /**< handed back to log */
    const struct acme_udp_ops *udp;         /**< datagrams, or NULL */
    void *udp_ctx;                          /**< handed back to udp */
    /**
     * Lets a firmware without threads do what cannot wait, while mbedTLS computes: feed a watchdog,
     * take frames out of the Ethernet chip and put them aside, run a control loop. Called at most
     * every 5 ms by clock->uptime_ms, from inside acme_* functions and from inside the firmware's
     * own use of mbedTLS (its server's handshake), on the same stack and thread, from acme_init
     * until acme_deinit; on a Cortex-M at 25 MHz at least every 20 ms, but while an RSA signature
     * is verified. Returns soon: in a few milliseconds.
     *
     * It must not call mbedTLS, PSA Crypto or the network stack's protocols, which may be in the
     * middle of something. An acme_* function that takes the client returns ACME_ERR_STATE in it;
     * those that cannot say so do nothing: acme_poll leaves ACME_ERR_STATE in the result,
     * acme_next_wakeup_s says 1, acme_get_counters fills in zeros, acme_deinit returns.
     *
     * NULL: not wanted, as in every program that has a thread for the client. Needs
     * CONFIG_ACME_BREATHE; without it acme_init refuses one that is not NULL.
     */
    void (*breathe)(void *ctx);
    void *breathe_ctx; /**< handed back to breathe */
    /**
     * Reads trust anchors that no pointer reaches, in a flash chip of its own, or in a part of the
     * chip's that is not mapped: len bytes from at, where the der of an acme_trust_anchor stands
     * for the anchor's first byte. It is asked for all anchors of a client. One certificate at a
     * time is then in mbedTLS's memory, while a server's chain is checked.
     * @return ACME_OK, or an error: the certificate is not trusted for want of it, and the job ends
     *   with ACME_ERR_STORE_IO
     * NULL: anchors are memory.
     */
    int32_t (*read_anchor)(void *ctx, const uint8_t *at, void *to, size_t len);
    void *anchor_ctx; /**< handed back to read_anchor */
};

#ifdef __cplusplus
}
#endif
#endif
