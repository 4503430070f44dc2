/*
 * Asks name servers for a host's addresses, in lwIP's context: over UDP, again and at the next
 * server when there is no answer, over TCP when there is more than fits. lwIP's own resolver, which
 * keeps one address of one reply, only says which servers there are. Whoever connects calls it by
 * steps; nothing here waits. It must not know what the addresses are for.
 */
#include "question.h"

#include <string.h>

#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#if !LWIP_DNS || !LWIP_UDP || !LWIP_TCP
#error "the lwIP ports need LWIP_DNS, LWIP_UDP and LWIP_TCP"
#endif
#ifndef LWIP_RAND
#error "the lwIP ports need LWIP_RAND: whoever can guess a question can answer it"
#endif

#define DNS_PORT   53u
#define PORT_LOW   49152u
#define PORT_TRIES 4
#define TRIES      6
#define TCP_MS     5000u
/* A window with at least so much in it gets no further segment. */
#define TCP_FULL (TCP_WND - TCP_MSS)

/* ---- what the client sees ---- */

static void set_state(struct acme_lwip_answers *answers, uint8_t state, bool failed)
{
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    answers->state = state;
    answers->failed = failed;
    SYS_ARCH_UNPROTECT(level);
}

/* ---- servers ---- */

static size_t count_servers(void)
{
    size_t count = 0;

    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
        count += ip_addr_isany(dns_getserver(i)) ? 0u : 1u;
    }
    return count;
}

/* The n-th, in turn; NULL: there is none. */
static const ip_addr_t *server_number(size_t n)
{
    const ip_addr_t *server = NULL;
    size_t count = count_servers(), left = count > 0 ? n % count + 1 : 0;

    for (u8_t i = 0; i < DNS_MAX_SERVERS && left > 0; i++) {
        server = dns_getserver(i);
        left -= ip_addr_isany(server) ? 0u : 1u;
    }
    return server;
}

/* ---- over TCP ---- */

static void drop_reply(struct acme_lwip_lookup *lookup)
{
    if (lookup->reply != NULL) {
        (void)pbuf_free(lookup->reply);
    }
    lookup->reply = NULL;
}

static err_t close_tcp(struct acme_lwip_lookup *lookup)
{
    struct tcp_pcb *pcb = lookup->tcp;

    drop_reply(lookup);
    lookup->tcp = NULL;
    if (pcb == NULL) {
        return ERR_OK;
    }
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    if (tcp_close(pcb) != ERR_OK) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    return ERR_OK;
}

static void go_on_over_tcp(struct acme_lwip_lookup *lookup);

/* The reply over TCP has come, or will not: a part of it, or what UDP has brought, is better than
 * nothing. */
static void settle_tcp(struct acme_lwip_lookup *lookup, bool answered)
{
    struct acme_lwip_answers *answers = &lookup->answers[lookup->over_tcp];

    set_state(answers,
              answered || answers->found > 0 ? ACME_LWIP_QUESTION_DONE : ACME_LWIP_QUESTION_ASKED,
              false);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct acme_lwip_lookup *lookup = arg;
    struct pbuf *p = acme_lwip_question_write(lookup, lookup->over_tcp, 2);
    uint8_t *payload;

    (void)err;
    if (p == NULL) {
        return ERR_OK; /* its time will pass */
    }
    payload = p->payload;
    payload[0] = (uint8_t)((p->len - 2u) >> 8);
    payload[1] = (uint8_t)(p->len - 2u);
    if (tcp_write(pcb, payload, p->len, TCP_WRITE_FLAG_COPY) == ERR_OK) {
        (void)tcp_output(pcb);
    }
    (void)pbuf_free(p);
    return ERR_OK;
}

static err_t on_reply(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct acme_lwip_lookup *lookup = arg;
    enum acme_lwip_verdict verdict = ACME_LWIP_REPLY_FOREIGN;
    struct pbuf *reply;
    uint32_t len;

    (void)pcb;
    (void)err;
    if (p != NULL && lookup->reply != NULL) {
        pbuf_cat(lookup->reply, p);
    } else if (p != NULL) {
        lookup->reply = p;
    }
    reply = lookup->reply;
    if (reply != NULL) {
        verdict = acme_lwip_question_read(lookup, lookup->over_tcp, reply, 2);
        len = ((uint32_t)pbuf_get_at(reply, 0) << 8 | pbuf_get_at(reply, 1)) + 2u;
        if (p != NULL && verdict != ACME_LWIP_REPLY_WHOLE && reply->tot_len < len &&
            reply->tot_len <= TCP_FULL) {
            return ERR_OK;
        }
    }
    settle_tcp(lookup, verdict >= ACME_LWIP_REPLY_TRUNCATED);
    err = close_tcp(lookup);
    go_on_over_tcp(lookup);
    return err;
}

/* lwIP has freed the pcb, perhaps to make room for another: none is asked for in here. The next
 * step goes on. */
static void on_error(void *arg, err_t err)
{
    struct acme_lwip_lookup *lookup = arg;

    (void)err;
    lookup->tcp = NULL;
    settle_tcp(lookup, false);
    drop_reply(lookup);
}

static bool open_tcp(struct acme_lwip_lookup *lookup, size_t family)
{
    const ip_addr_t *server;

    lookup->over_tcp = (uint8_t)family;
    server = server_number(lookup->tries - 1u);
    if (server == NULL) {
        return false;
    }
    lookup->tcp = tcp_new_ip_type(IP_GET_TYPE(server));
    if (lookup->tcp == NULL) {
        return false;
    }
    tcp_arg(lookup->tcp, lookup);
    tcp_recv(lookup->tcp, on_reply);
    tcp_err(lookup->tcp, on_error);
    lookup->tried_ms = sys_now();
    if (tcp_connect(lookup->tcp, server, DNS_PORT, on_connected) != ERR_OK) {
        (void)close_tcp(lookup);
        return false;
    }
    return true;
}

/* One question at a time. */
static void go_on_over_tcp(struct acme_lwip_lookup *lookup)
{
    for (size_t i = 0; i < ACME_LWIP_FAMILIES && lookup->tcp == NULL; i++) {
        if (lookup->answers[i].state == ACME_LWIP_QUESTION_TRUNCATED && !open_tcp(lookup, i)) {
            settle_tcp(lookup, false);
        }
    }
}

/* ---- over UDP ---- */

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
    struct acme_lwip_lookup *lookup = arg;

    (void)pcb; /* it is connected: lwIP has looked at where the datagram comes from */
    (void)from;
    (void)port;
    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        struct acme_lwip_answers *answers = &lookup->answers[i];

        if (answers->state != ACME_LWIP_QUESTION_ASKED) {
            continue;
        }
        switch (acme_lwip_question_read(lookup, i, p, 0)) {
        case ACME_LWIP_REPLY_WHOLE:
            set_state(answers, ACME_LWIP_QUESTION_DONE, false);
            break;
        case ACME_LWIP_REPLY_TRUNCATED:
            set_state(answers, ACME_LWIP_QUESTION_TRUNCATED, false);
            break;
        case ACME_LWIP_REPLY_FAILED: /* another server may know */
            set_state(answers,
                      lookup->tries < count_servers() ? ACME_LWIP_QUESTION_ASKED
                                                      : ACME_LWIP_QUESTION_DONE,
                      true);
            break;
        default:
            break;
        }
    }
    (void)pbuf_free(p);
    go_on_over_tcp(lookup);
}

static void close_udp(struct acme_lwip_lookup *lookup)
{
    if (lookup->udp != NULL) {
        udp_remove(lookup->udp);
    }
    lookup->udp = NULL;
}

/* From a new port each time. Without memory it is a question that was lost. */
static void open_udp(struct acme_lwip_lookup *lookup, const ip_addr_t *server)
{
    struct udp_pcb *pcb = udp_new_ip_type(IP_GET_TYPE(server));
    err_t err = ERR_USE;

    close_udp(lookup);
    if (pcb == NULL) {
        return;
    }
    for (int i = 0; i < PORT_TRIES && err != ERR_OK; i++) {
        err = udp_bind(pcb, IP_ANY_TYPE, (u16_t)(PORT_LOW | (uint32_t)LWIP_RAND()));
    }
    if (err != ERR_OK || udp_connect(pcb, server, DNS_PORT) != ERR_OK) {
        udp_remove(pcb);
        return;
    }
    udp_recv(pcb, on_datagram, lookup);
    lookup->udp = pcb;
}

static void send_question(struct acme_lwip_lookup *lookup, size_t family)
{
    struct pbuf *p;

    lookup->answers[family].id = (uint16_t)LWIP_RAND();
    p = acme_lwip_question_write(lookup, family, 0);
    if (p != NULL) {
        (void)udp_send(lookup->udp, p);
        (void)pbuf_free(p);
    }
}

/* ---- steps ---- */

static void give_up(struct acme_lwip_lookup *lookup)
{
    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        if (lookup->answers[i].state == ACME_LWIP_QUESTION_ASKED) {
            set_state(&lookup->answers[i], ACME_LWIP_QUESTION_DONE, true);
        }
    }
}

/* Asks what is open of a server, in turn. */
static void try_again(struct acme_lwip_lookup *lookup)
{
    const ip_addr_t *server = server_number(lookup->tries);

    if (lookup->tries == TRIES || server == NULL) {
        give_up(lookup);
        return;
    }
    open_udp(lookup, server);
    lookup->tries++;
    lookup->tried_ms = sys_now();
    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        if (lookup->answers[i].state == ACME_LWIP_QUESTION_ASKED && lookup->udp != NULL) {
            set_state(&lookup->answers[i], ACME_LWIP_QUESTION_ASKED, false);
            send_question(lookup, i);
        }
    }
}

/* Whether a question is at a server that has had its time, or has failed with all of them. */
static bool is_time_to_try(const struct acme_lwip_lookup *lookup, uint32_t passed_ms)
{
    bool asked = false, waits = false;

    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        bool open = lookup->answers[i].state == ACME_LWIP_QUESTION_ASKED;

        asked = asked || open;
        waits = waits || (open && !lookup->answers[i].failed);
    }
    return asked &&
           (lookup->tries == 0 || !waits || passed_ms >= (lookup->tries + 1u) / 2u * 1000u);
}

/* Whether a question is to be asked over TCP, and no other one is. */
static bool is_time_for_tcp(const struct acme_lwip_lookup *lookup)
{
    bool truncated = false;

    for (size_t i = 0; i < ACME_LWIP_FAMILIES; i++) {
        truncated = truncated || lookup->answers[i].state == ACME_LWIP_QUESTION_TRUNCATED;
    }
    return truncated && lookup->tcp == NULL;
}

bool acme_lwip_lookup_is_due(const struct acme_lwip_lookup *lookup)
{
    uint32_t now_ms = sys_now();
    bool due = false;
    SYS_ARCH_DECL_PROTECT(level);

    SYS_ARCH_PROTECT(level);
    if (lookup->stage == ACME_LWIP_STAGE_ENDING) {
        due = true;
    } else if (lookup->stage == ACME_LWIP_STAGE_ASKING) {
        uint32_t passed_ms = now_ms - lookup->tried_ms;

        due = is_time_to_try(lookup, passed_ms) || is_time_for_tcp(lookup) ||
              (lookup->tcp != NULL && passed_ms >= TCP_MS);
    }
    due = due && !lookup->handed_over;
    SYS_ARCH_UNPROTECT(level);
    return due;
}

void acme_lwip_lookup_step(void *lookup)
{
    struct acme_lwip_lookup *l = lookup;

    acme_lwip_lookup_hand_over(l, false);
    if (l->stage == ACME_LWIP_STAGE_ENDING) {
        close_udp(l);
        (void)close_tcp(l);
        acme_lwip_set_stage(l, ACME_LWIP_STAGE_FREE);
        return;
    }
    if (l->stage != ACME_LWIP_STAGE_ASKING) {
        return;
    }
    if (l->tcp != NULL && sys_now() - l->tried_ms >= TCP_MS) {
        settle_tcp(l, false);
        (void)close_tcp(l);
    }
    go_on_over_tcp(l);
    if (is_time_to_try(l, sys_now() - l->tried_ms)) {
        try_again(l);
    }
}
