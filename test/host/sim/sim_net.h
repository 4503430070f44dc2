/*
 * A network in RAM: struct acme_net_ops for one device, whose connections end at a server given as
 * a function of one request (ca_sim.h has one), and whose listeners can be called from outside.
 * Time is virtual: what one side sends, the other sees after latency_ms. Every call can be made to
 * fail, the network can be out, replies can break off. It knows no ACME and no TLS: a transport
 * between the bytes and the requests may be given (sim_tls.h).
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/port.h"

#define SIM_NET_STREAMS 12
#define SIM_NET_PIPE    65536u /* the most bytes under way in one direction */
#define SIM_NET_REQUEST 12288u

/** Virtual time. The device's uptime starts at boot_ms; its wall clock is true time plus skew_s,
 * or unknown. */
struct sim_clock {
    uint64_t now_ms;  /**< since the world began */
    uint64_t boot_ms; /**< when the device was switched on */
    int64_t epoch_s;  /**< Unix seconds at now_ms = 0 */
    int64_t skew_s;   /**< what the device's wall clock is wrong by */
    bool unknown;     /**< the device has no wall clock */
};
extern const struct acme_clock_ops sim_clock_ops; /**< ctx: struct sim_clock */
/** True time, Unix seconds. */
int64_t sim_clock_true_s(const struct sim_clock *c);

/** The far end of the device's connections. */
struct sim_server {
    void *ctx;
    /** Whether somebody listens at host and port. */
    bool (*listens)(void *ctx, const char *host, uint16_t port);
    /** Answers one whole HTTP request with a whole reply: its length, at most size; 0 and *close
     * hangs up without an answer. *close says that the connection ends after it. */
    size_t (*request)(void *ctx, const char *request, size_t len, char *reply, size_t size,
                      bool *close);
};

enum sim_net_call {
    SIM_NET_CONNECT,
    SIM_NET_CONNECTED,
    SIM_NET_SEND,
    SIM_NET_RECV,
    SIM_NET_LISTEN,
    SIM_NET_ACCEPT,
    SIM_NET_CALLS
};

struct sim_pipe {
    uint32_t len, at; /* bytes in data, bytes taken */
    uint64_t ready_ms;
    bool closed; /* by the writer */
    uint8_t data[SIM_NET_PIPE];
};

enum sim_stream_kind { SIM_STREAM_FREE, SIM_STREAM_OUT, SIM_STREAM_BACKLOG, SIM_STREAM_IN };

struct sim_stream {
    uint8_t kind;
    bool served;    /* a request was answered on it */
    bool abandoned; /* whoever called has hung up: free once the device closes */
    uint64_t connected_ms;
    uint16_t port; /* of the listener it waits for */
    void *transport;
    uint32_t request_len;
    struct sim_pipe to_device, from_device;
    char request[SIM_NET_REQUEST];
};

struct sim_net;

/** What stands between raw bytes and requests, such as TLS. All NULL-able as a whole: plain text.
 */
struct sim_transport {
    /** A connection was made; sets s->transport. False refuses it. */
    bool (*open)(struct sim_net *net, struct sim_stream *s);
    /** Bytes came or went: turns s->from_device into s->request. */
    void (*input)(struct sim_net *net, struct sim_stream *s);
    void (*output)(struct sim_net *net, struct sim_stream *s, const char *data, size_t len);
    void (*close)(struct sim_net *net, struct sim_stream *s);
};

struct sim_net {
    struct sim_clock *clock;
    const struct sim_server *server;
    const struct sim_transport *transport;
    const bool *off;     /**< the device's power is cut: nothing moves, or NULL */
    uint32_t latency_ms; /**< one way */
    uint32_t chunk;      /**< most bytes one send or recv takes; 0: any */
    uint64_t outage_from_ms, outage_until_ms; /**< connections fail, streams stall */
    /** The at-th call (1 is the first) of a kind fails with error; at 0: none. */
    uint32_t fail_call, fail_at;
    int32_t fail_error;
    uint32_t break_reply_at; /**< the n-th reply breaks off in its middle; 0: none */
    uint32_t calls[SIM_NET_CALLS], replies, connections;
    uint16_t listening; /* port, or 0 */
    struct sim_stream streams[SIM_NET_STREAMS];
};

extern const struct acme_net_ops sim_net_ops; /**< ctx: struct sim_net */

/** Counters and programmed faults start over. */
void sim_net_clear_faults(struct sim_net *n);
/** The device lost power or restarts: all its streams and listeners are gone. */
void sim_net_reset(struct sim_net *n);
/** Adds bytes to a pipe, for a transport: how many fitted. */
size_t sim_net_put(struct sim_net *n, struct sim_pipe *p, const void *data, size_t len);
/** When something that is under way arrives, or UINT64_MAX. */
uint64_t sim_net_next_ms(const struct sim_net *n);

/** Calls the device's listener and sends it bytes. A handle, or ACME_ERR_CONNECT. */
int32_t sim_net_call(struct sim_net *n, uint16_t port, const char *data, size_t len);
/** What the device has answered, once it has closed: its length. ACME_ERR_AGAIN before;
 * ACME_ERR_NET when the call came to nothing. The handle ends with anything but AGAIN. */
int32_t sim_net_answer(struct sim_net *n, int32_t handle, char *data, size_t size);
/** Hangs up. */
void sim_net_hang_up(struct sim_net *n, int32_t handle);

#endif
