/*
 * acme_net_ops over lwIP's sockets. It must not know what the bytes mean.
 */
#include "acme_lwip_socket.h"

#include <string.h>

#include <lwip/errno.h>
#include <lwip/sockets.h>
#include <lwip/sys.h>
#include <lwip/tcpip.h>

#define SLOTS   ACME_LWIP_SOCKET_MAX
#define BACKLOG 4

/* How often what select cannot see is looked at. */
#define SLICE_MS        20u
#define OVERDUE_LOOK_MS 500u

enum slot_state {
    SLOT_FREE,
    SLOT_RESOLVING, /* no address is under way */
    SLOT_CONNECTING,
    SLOT_OPEN,
    SLOT_FAILED,
    SLOT_LISTENING
};

static struct acme_lwip_socket_slot *slot_of(struct acme_lwip_socket *net, acme_handle handle)
{
    return &net->slots[handle];
}

static acme_handle take_slot(struct acme_lwip_socket *net)
{
    for (acme_handle i = 0; i < SLOTS; i++) {
        struct acme_lwip_socket_slot *s = &net->slots[i];

        if (s->state == SLOT_FREE) {
            memset(s, 0, sizeof(*s));
            s->fd = -1;
            return i;
        }
    }
    return ACME_ERR_LIMIT;
}

static void close_fd(struct acme_lwip_socket_slot *s)
{
    if (s->fd >= 0) {
        (void)lwip_close(s->fd);
    }
    s->fd = -1;
}

static bool set_nonblocking(int fd)
{
    return lwip_fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

/* ---- looking up ---- */

/* Lets lwIP's thread do what is due; later, when its mailbox is full. */
static void hand_over(struct acme_lwip_lookup *lookup)
{
    if (!acme_lwip_lookup_is_due(lookup)) {
        return;
    }
    acme_lwip_lookup_hand_over(lookup, true);
    if (tcpip_try_callback(acme_lwip_lookup_step, lookup) != ERR_OK) {
        acme_lwip_lookup_hand_over(lookup, false);
    }
}

static int32_t look_up(struct acme_lwip_socket *net, struct acme_lwip_socket_slot *s,
                       const char *host)
{
    for (size_t i = 0; i < ACME_LWIP_LOOKUPS; i++) {
        struct acme_lwip_lookup *lookup = &net->lookups[i];

        hand_over(lookup); /* one that was given up */
        if (acme_lwip_lookup_is_free(lookup)) {
            int32_t rc = acme_lwip_lookup_begin(lookup, host);

            if (rc == ACME_OK) {
                s->lookup = lookup;
                hand_over(lookup);
            }
            return rc;
        }
    }
    return ACME_ERR_LIMIT;
}

static void end_lookup(struct acme_lwip_socket_slot *s)
{
    if (s->lookup != NULL) {
        acme_lwip_lookup_end(s->lookup);
        hand_over(s->lookup);
    }
    s->lookup = NULL;
}

/* ---- connecting ---- */

union address {
    struct sockaddr any;
#if LWIP_IPV4
    struct sockaddr_in v4;
#endif
#if LWIP_IPV6
    struct sockaddr_in6 v6;
#endif
};

static socklen_t to_sockaddr(const ip_addr_t *address, uint16_t port, union address *to)
{
    memset(to, 0, sizeof(*to));
#if LWIP_IPV6
    if (IP_IS_V6(address)) {
        to->v6.sin6_len = sizeof(to->v6);
        to->v6.sin6_family = AF_INET6;
        to->v6.sin6_port = lwip_htons(port);
        inet6_addr_from_ip6addr(&to->v6.sin6_addr, ip_2_ip6(address));
        to->v6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(address));
        return sizeof(to->v6);
    }
#endif
#if LWIP_IPV4
    to->v4.sin_len = sizeof(to->v4);
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = lwip_htons(port);
    inet_addr_from_ip4addr(&to->v4.sin_addr, ip_2_ip4(address));
    return sizeof(to->v4);
#else
    return 0;
#endif
}

static bool start_connect(struct acme_lwip_socket_slot *s, const ip_addr_t *address)
{
    union address to;
    socklen_t len = to_sockaddr(address, s->port, &to);
    int one = 1;

    s->fd = lwip_socket(to.any.sa_family, SOCK_STREAM, IPPROTO_TCP);
    if (s->fd < 0) {
        return false;
    }
    (void)lwip_setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    s->attempt_ms = sys_now();
    if (set_nonblocking(s->fd) &&
        (lwip_connect(s->fd, &to.any, len) == 0 || errno == EINPROGRESS)) {
        s->state = SLOT_CONNECTING;
        s->want_write = true;
        return true;
    }
    close_fd(s);
    return false;
}

/* Tries the addresses in turn until one is under way. */
static int32_t connect_next(struct acme_lwip_socket_slot *s)
{
    ip_addr_t address;
    int32_t rc;

    close_fd(s);
    s->state = SLOT_RESOLVING;
    do {
        /* A literal has no other. */
        rc = s->lookup != NULL ? acme_lwip_lookup_next(s->lookup, &address) : ACME_ERR_CONNECT;
        if (rc == ACME_OK && start_connect(s, &address)) {
            return ACME_ERR_AGAIN;
        }
    } while (rc == ACME_OK);
    if (rc != ACME_ERR_AGAIN) {
        s->state = SLOT_FAILED;
    }
    return rc;
}

/* Whether the address under way has had its time, and there is another. */
static bool is_overdue(struct acme_lwip_socket_slot *s)
{
    return sys_now() - s->attempt_ms > ACME_NET_ATTEMPT_MS && s->lookup != NULL &&
           acme_lwip_lookup_has_next(s->lookup);
}

static bool is_writable(int fd)
{
    struct timeval none = {0, 0};
    fd_set set;

    FD_ZERO(&set);
    FD_SET(fd, &set);
    return lwip_select(fd + 1, NULL, &set, NULL, &none) > 0;
}

static int32_t poll_connecting(struct acme_lwip_socket_slot *s)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (!is_writable(s->fd)) {
        if (is_overdue(s)) {
            return connect_next(s);
        }
        s->want_write = true;
        return ACME_ERR_AGAIN;
    }
    if (lwip_getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        return connect_next(s);
    }
    s->state = SLOT_OPEN;
    end_lookup(s);
    return ACME_OK;
}

/* Begins with an address or a name: ACME_ERR_AGAIN, or why not. A zone is the name of a netif,
 * which only lwIP's context may look for; a colon is in no name. */
static int32_t begin(struct acme_lwip_socket *net, struct acme_lwip_socket_slot *s,
                     const char *host)
{
    ip_addr_t address;
    int32_t rc;

    s->state = SLOT_FAILED;
    if (strchr(host, '%') == NULL && ipaddr_aton(host, &address)) {
        return start_connect(s, &address) ? ACME_ERR_AGAIN : ACME_ERR_CONNECT;
    }
    rc = strchr(host, ':') != NULL ? ACME_ERR_RESOLVE : look_up(net, s, host);
    if (rc == ACME_OK) {
        s->state = SLOT_RESOLVING;
        return ACME_ERR_AGAIN;
    }
    return rc;
}

static acme_handle net_connect(void *ctx, const char *host, uint16_t port)
{
    struct acme_lwip_socket *net = ctx;
    acme_handle handle = take_slot(net);
    struct acme_lwip_socket_slot *s;
    int32_t rc;

    if (handle < 0) {
        return handle;
    }
    s = slot_of(net, handle);
    s->port = port;
    rc = begin(net, s, host);
    if (rc != ACME_ERR_AGAIN) {
        s->state = SLOT_FREE;
        return rc;
    }
    return handle;
}

static int32_t net_connected(void *ctx, acme_handle stream)
{
    struct acme_lwip_socket_slot *s = slot_of(ctx, stream);

    if (s->lookup != NULL) {
        hand_over(s->lookup);
    }
    switch (s->state) {
    case SLOT_RESOLVING:
        return connect_next(s);
    case SLOT_CONNECTING:
        return poll_connecting(s);
    case SLOT_OPEN:
        return ACME_OK;
    default: /* says again why */
        return connect_next(s);
    }
}

/* ---- bytes ---- */

/* What errno of a failed call means: ACME_ERR_AGAIN, or not. */
static int32_t judge(struct acme_lwip_socket *net, int error, bool *want)
{
    if (error == EWOULDBLOCK || error == EAGAIN) {
        *want = true;
        return ACME_ERR_AGAIN;
    }
    if (error == ENOMEM || error == ENOBUFS) {
        net->starved = true;
        return ACME_ERR_AGAIN;
    }
    return ACME_ERR_NET;
}

static int32_t net_send(void *ctx, acme_handle stream, const uint8_t *data, size_t len)
{
    struct acme_lwip_socket_slot *s = slot_of(ctx, stream);
    ssize_t n;

    if (s->fd < 0) {
        return ACME_ERR_NET;
    }
    n = lwip_send(s->fd, data, len < INT32_MAX ? len : INT32_MAX, 0);
    if (n > 0) {
        return (int32_t)n;
    }
    if (n < 0 && (errno == ECONNRESET || errno == ECONNABORTED || errno == ENOTCONN)) {
        return ACME_ERR_CLOSED;
    }
    return judge(ctx, n < 0 ? errno : EWOULDBLOCK, &s->want_write);
}

static int32_t net_recv(void *ctx, acme_handle stream, uint8_t *data, size_t size)
{
    struct acme_lwip_socket_slot *s = slot_of(ctx, stream);
    ssize_t n;

    if (s->finished) {
        return ACME_ERR_CLOSED;
    }
    if (s->fd < 0) {
        return ACME_ERR_NET;
    }
    n = lwip_recv(s->fd, data, size < INT32_MAX ? size : INT32_MAX, 0);
    if (n > 0) {
        return (int32_t)n;
    }
    if (n == 0) {
        s->finished = true;
        return ACME_ERR_CLOSED;
    }
    return judge(ctx, errno, &s->want_read);
}

/* With bytes not taken lwIP would reset the stream, and lose what was sent: at most a window of
 * them is there. */
static void discard_unread(struct acme_lwip_socket_slot *s)
{
    uint8_t bytes[128];
    size_t left = TCP_WND;

    while (left > 0) {
        ssize_t n = lwip_recv(s->fd, bytes, sizeof(bytes), 0);

        if (n <= 0) {
            return;
        }
        left = (size_t)n < left ? left - (size_t)n : 0;
    }
}

static void net_close(void *ctx, acme_handle stream)
{
    struct acme_lwip_socket_slot *s = slot_of(ctx, stream);

    end_lookup(s);
    if (s->state == SLOT_OPEN && !s->finished) {
        discard_unread(s);
    }
    close_fd(s);
    s->state = SLOT_FREE;
    s->want_read = s->want_write = false;
}

/* ---- listeners ---- */

/* One socket for both families where lwIP has both. */
static int open_listener(uint16_t port)
{
    union address any;
    socklen_t len;
    int one = 1, fd;

#if LWIP_IPV6
    len = to_sockaddr(IP6_ADDR_ANY, port, &any);
#else
    len = to_sockaddr(IP4_ADDR_ANY, port, &any);
#endif
    fd = lwip_socket(any.any.sa_family, SOCK_STREAM, IPPROTO_TCP);
    if (fd < 0) {
        return fd;
    }
    (void)lwip_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
#if LWIP_IPV4 && LWIP_IPV6
    {
        int zero = 0;

        (void)lwip_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    }
#endif
    if (!set_nonblocking(fd) || lwip_bind(fd, &any.any, len) != 0 ||
        lwip_listen(fd, BACKLOG) != 0) {
        (void)lwip_close(fd);
        return -1;
    }
    return fd;
}

static acme_handle net_listen(void *ctx, uint16_t port)
{
    struct acme_lwip_socket *net = ctx;
    acme_handle handle = take_slot(net);
    struct acme_lwip_socket_slot *s;

    if (handle < 0) {
        return handle;
    }
    s = slot_of(net, handle);
    s->fd = open_listener(port);
    s->state = s->fd >= 0 ? SLOT_LISTENING : SLOT_FREE;
    return s->fd >= 0 ? handle : ACME_ERR_LISTEN;
}

static acme_handle net_accept(void *ctx, acme_handle listener)
{
    struct acme_lwip_socket *net = ctx;
    struct acme_lwip_socket_slot *l = slot_of(net, listener);
    acme_handle handle = take_slot(net);
    struct acme_lwip_socket_slot *s;
    int one = 1;

    if (handle < 0) {
        return handle;
    }
    s = slot_of(net, handle);
    s->fd = lwip_accept(l->fd, NULL, NULL);
    if (s->fd < 0) {
        int error = errno;

        /* One that is gone before it was accepted says nothing about the listener. */
        if (error == ECONNABORTED || error == ECONNRESET || error == ENFILE) {
            error = EWOULDBLOCK;
        }
        return judge(net, error, &l->want_read);
    }
    if (!set_nonblocking(s->fd)) {
        close_fd(s);
        return ACME_ERR_NET;
    }
    (void)lwip_setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    s->state = SLOT_OPEN;
    return handle;
}

/* Those who wait are taken and closed, and as few as lwIP allows may come meanwhile: lwIP 2.2.1
 * with LWIP_NETCONN_FULLDUPLEX fails an assertion when a listener goes with callers. */
static void net_unlisten(void *ctx, acme_handle listener)
{
    const struct acme_lwip_socket_slot *l = slot_of(ctx, listener);

    (void)lwip_listen(l->fd, 1);
    for (int i = 0; i < 2 * BACKLOG; i++) {
        int fd = lwip_accept(l->fd, NULL, NULL);

        if (fd < 0) {
            break;
        }
        (void)lwip_close(fd);
    }
    net_close(ctx, listener);
}

const struct acme_net_ops acme_lwip_socket_net_ops = {
    .connect = net_connect,
    .connected = net_connected,
    .send = net_send,
    .recv = net_recv,
    .close = net_close,
    .listen = net_listen,
    .accept = net_accept,
    .unlisten = net_unlisten,
};

/* ---- waiting ---- */

void acme_lwip_socket_init(struct acme_lwip_socket *net)
{
    memset(net, 0, sizeof(*net));
    for (acme_handle i = 0; i < SLOTS; i++) {
        net->slots[i].fd = -1;
    }
}

/* The sockets that were told to come again; others would wake the task for nothing. */
struct waiters {
    fd_set read, write;
    int end; /* the highest number and one */
};

static void gather(const struct acme_lwip_socket *net, struct waiters *w)
{
    FD_ZERO(&w->read);
    FD_ZERO(&w->write);
    w->end = 0;
    for (acme_handle i = 0; i < SLOTS; i++) {
        const struct acme_lwip_socket_slot *s = &net->slots[i];

        if (s->fd < 0 || (!s->want_read && !s->want_write)) {
            continue;
        }
        if (s->want_read) {
            FD_SET(s->fd, &w->read);
        }
        if (s->want_write) {
            FD_SET(s->fd, &w->write);
        }
        if (s->fd >= w->end) {
            w->end = s->fd + 1;
        }
    }
}

/* Whether there is something to do that no socket tells. */
static bool has_news(struct acme_lwip_socket *net)
{
    bool news = false;

    for (acme_handle i = 0; i < SLOTS; i++) {
        struct acme_lwip_socket_slot *s = &net->slots[i];

        news = news || (s->state == SLOT_CONNECTING && is_overdue(s)) ||
               (s->state == SLOT_RESOLVING && acme_lwip_lookup_has_news(s->lookup));
    }
    return news;
}

/* The longest time to be in select. */
static uint32_t slice_ms(const struct acme_lwip_socket *net)
{
    uint32_t ms = net->starved ? SLICE_MS : UINT32_MAX;

    for (acme_handle i = 0; i < SLOTS; i++) {
        const struct acme_lwip_socket_slot *s = &net->slots[i];

        if (s->state == SLOT_RESOLVING) {
            ms = SLICE_MS;
        } else if (s->state == SLOT_CONNECTING && ms > OVERDUE_LOOK_MS) {
            ms = OVERDUE_LOOK_MS;
        }
    }
    return ms;
}

/* Whether lwIP's thread is to be given something to do, by whoever asks whether it is connected. */
static bool has_due(const struct acme_lwip_socket *net)
{
    bool due = false;

    for (acme_handle i = 0; i < SLOTS; i++) {
        const struct acme_lwip_lookup *lookup = net->slots[i].lookup;

        due = due || (lookup != NULL && acme_lwip_lookup_is_due(lookup));
    }
    return due;
}

static int select_for(const struct waiters *w, uint32_t ms)
{
    struct timeval time = {.tv_sec = (long)(ms / 1000u), .tv_usec = (long)(ms % 1000u * 1000u)};
    fd_set read = w->read, write = w->write;

    return lwip_select(w->end, &read, &write, NULL, &time);
}

void acme_lwip_socket_wait(struct acme_lwip_socket *net, uint32_t wait_ms)
{
    uint32_t start = sys_now(), slice = slice_ms(net), passed = 0;
    struct waiters waiters;
    int ready = 0;

    gather(net, &waiters);
    while (ready == 0 && passed < wait_ms && !has_news(net)) {
        uint32_t left = wait_ms - passed;

        ready = select_for(&waiters, left < slice ? left : slice);
        if (ready < 0) { /* no memory to wait with */
            sys_msleep(left < SLICE_MS ? left : SLICE_MS);
        }
        if (net->starved || has_due(net)) {
            break;
        }
        passed = sys_now() - start;
    }
    net->starved = false;
    for (acme_handle i = 0; i < SLOTS; i++) {
        net->slots[i].want_read = net->slots[i].want_write = false;
    }
}
