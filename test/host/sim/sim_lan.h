/*
 * A neighbourhood in RAM for one device: name servers that share a table of records and can each
 * misbehave, and hosts that answer, refuse, stay silent, or lead back to the device's own
 * listeners. It has the clock, the streams and the datagrams of a port; time is virtual, and moves
 * when the test moves it. Answers are there as soon as they are asked for. It knows no ACME and no
 * TLS.
 */
#ifndef SIM_LAN_H
#define SIM_LAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/port.h"

#define LAN_SERVERS 20
#define LAN_HOSTS   8
#define LAN_RECORDS 64
#define LAN_HANDLES 16
#define LAN_MESSAGE 4096

struct lan_record {
    char name[256];
    uint16_t type, rclass, rdata_len;
    uint32_t absent; /**< bit n: the n-th server does not have it */
    uint8_t rdata[320];
};

struct lan_server;
/** Changes a reply of len bytes (in LAN_MESSAGE); returns its new length, 0: no reply. */
typedef size_t (*lan_tamper)(struct lan_server *s, uint8_t *reply, size_t len, bool tcp);

struct lan_server {
    struct acme_address address;
    bool dark;           /**< datagrams vanish */
    bool refused;        /**< takes no connections */
    bool unreachable;    /**< datagrams are answered with "nobody is there" */
    bool no_authority;   /**< no SOA in negative replies */
    bool no_chase;       /**< leaves it to the client to follow CNAMEs */
    uint16_t port;       /**< at which it answers; 0: 53 */
    uint8_t rcode;       /**< of all replies, which have no records then */
    uint32_t fail_first; /**< requests that are answered with SERVFAIL first */
    lan_tamper tamper;
    uint32_t udp, tcp; /**< requests */
    uint8_t last[LAN_MESSAGE];
    size_t last_len; /**< of the last request */
};

struct lan_host {
    const char *name;
    uint16_t port;
    int32_t connect_error;   /**< of connect; ACME_OK: none */
    int32_t connected_error; /**< of connected */
    bool dark;               /**< connecting never ends */
    uint16_t leads_to;       /**< this port of the device */
    bool deaf;               /**< takes no bytes */
    const char *reply;       /**< to each whole HTTP request; NULL: none */
    bool close;              /**< hangs up after the reply, or at once where there is none */
    char request[2048];      /**< the last one */
    uint32_t requests, connections;
};

enum lan_call {
    LAN_UDP_OPEN,
    LAN_UDP_SEND,
    LAN_UDP_RECV,
    LAN_CONNECT,
    LAN_CONNECTED,
    LAN_SEND,
    LAN_RECV,
    LAN_LISTEN,
    LAN_ACCEPT,
    LAN_CALLS
};

struct lan_handle {
    uint8_t kind;
    struct lan_server *server;
    struct lan_host *host;
    int32_t peer; /* the other end of a way back, or -1 */
    uint16_t port;
    bool closed; /* by the far end */
    size_t out_len, in_len, in_at;
    uint8_t out[LAN_MESSAGE], in[2 * LAN_MESSAGE];
};

struct sim_lan {
    uint64_t now_ms;
    int64_t wall_s; /**< 0: not known */
    size_t piece;   /**< most bytes a stream takes or gives at once; 0: any */
    bool stutter;   /**< every second call on a stream says "later" */
    /** The at-th call (1 is the first) of a kind fails with error; at 0: none. */
    uint32_t fail_call, fail_at;
    int32_t fail_error;
    uint32_t calls[LAN_CALLS], turns;
    struct lan_server servers[LAN_SERVERS];
    struct lan_host hosts[LAN_HOSTS];
    struct lan_record records[LAN_RECORDS];
    size_t server_count, host_count, record_count;
    struct lan_handle handles[LAN_HANDLES];
};

extern const struct acme_net_ops sim_lan_net;     /**< ctx: struct sim_lan */
extern const struct acme_udp_ops sim_lan_udp;     /**< likewise */
extern const struct acme_clock_ops sim_lan_clock; /**< likewise */

/** Nobody lives here yet. */
void sim_lan_init(struct sim_lan *l);
/** Sets network, datagrams and clock of a port. */
void sim_lan_plug(struct sim_lan *l, struct acme_port *port);
/** A name server at "192.0.2.1" or "2001:db8::1". */
struct lan_server *sim_lan_server(struct sim_lan *l, const char *address);
struct lan_host *sim_lan_host(struct sim_lan *l, const char *name, uint16_t port);

struct lan_record *sim_lan_record(struct sim_lan *l, const char *name, uint16_t type,
                                  const void *rdata, size_t len);
/** Records by their text: an address (A or AAAA), a name (CNAME, NS), a TXT. */
struct lan_record *sim_lan_address(struct sim_lan *l, const char *name, const char *address);
struct lan_record *sim_lan_name(struct sim_lan *l, const char *name, uint16_t type,
                                const char *target);
struct lan_record *sim_lan_txt(struct sim_lan *l, const char *name, const char *text);
struct lan_record *sim_lan_caa(struct sim_lan *l, const char *name, uint8_t flags, const char *tag,
                               const char *value);
/** An SOA, with its primary server. */
struct lan_record *sim_lan_zone(struct sim_lan *l, const char *name, const char *primary);
/** Whether there is such a TXT record. */
bool sim_lan_has_txt(const struct sim_lan *l, const char *name, const char *text);

/** Somebody calls a listener of the device and sends it bytes. */
void sim_lan_call(struct sim_lan *l, uint16_t port, const void *data, size_t len);

/** Streams, sockets and listeners that the device has open. */
size_t sim_lan_open(const struct sim_lan *l);
/** Counters and the programmed fault start over. */
void sim_lan_clear(struct sim_lan *l);

#endif
