/*
 * acme_net_ops over non-blocking sockets. Names are looked up on a thread of their own, because
 * getaddrinfo blocks; everything else happens on the caller's thread. It must not know what is said
 * over a stream.
 */
#include "acme_posix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum socket_state {
    SOCKET_FREE,
    SOCKET_RESOLVING, /* a thread fills the addresses */
    SOCKET_ORPHANED,  /* closed while the thread is still at it */
    SOCKET_RESOLVED,
    SOCKET_UNRESOLVED, /* the lookup found nothing */
    SOCKET_CONNECTING,
    SOCKET_OPEN,
    SOCKET_FAILED,
    SOCKET_LISTENING
};

/* Bounds what is thrown away at the end of a stream. */
#define DISCARD_READS 64

static struct acme_posix_socket *socket_of(struct acme_posix_net *net, acme_handle handle)
{
    return &net->sockets[handle];
}

static acme_handle take_free(struct acme_posix_net *net)
{
    acme_handle i, found = ACME_ERR_LIMIT;

    pthread_mutex_lock(&net->lock);
    for (i = 0; i < ACME_POSIX_SOCKETS && found < 0; i++) {
        if (net->sockets[i].state == SOCKET_FREE) {
            memset(&net->sockets[i], 0, sizeof(net->sockets[i]));
            net->sockets[i].fd = -1;
            net->sockets[i].state = SOCKET_FAILED;
            found = i;
        }
    }
    pthread_mutex_unlock(&net->lock);
    return found;
}

/* ---- name resolution ---- */

static void add_address(struct acme_posix_socket *s, const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_storage *to = &s->addresses[s->address_count];

    if (s->address_count == ACME_POSIX_ADDRESSES || len > sizeof(*to)) {
        return;
    }
    memcpy(to, address, len);
    if (to->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)to)->sin6_port = htons(s->port);
    } else {
        ((struct sockaddr_in *)to)->sin_port = htons(s->port);
    }
    s->address_count++;
}

/* An address literal needs no lookup. */
static bool add_literal(struct acme_posix_socket *s)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, s->host, &v4.sin_addr) == 1) {
        add_address(s, (struct sockaddr *)&v4, sizeof(v4));
        return true;
    }
    if (inet_pton(AF_INET6, s->host, &v6.sin6_addr) == 1) {
        add_address(s, (struct sockaddr *)&v6, sizeof(v6));
        return true;
    }
    return false;
}

/* A thread has one argument, the socket; a process has one network. */
static struct acme_posix_net *lookup_net;

static void finish_lookup(struct acme_posix_net *net, struct acme_posix_socket *s,
                          const struct addrinfo *list)
{
    const struct addrinfo *at;

    pthread_mutex_lock(&net->lock);
    if (s->state == SOCKET_ORPHANED) {
        s->state = SOCKET_FREE;
    } else {
        for (at = list; at != NULL; at = at->ai_next) {
            add_address(s, at->ai_addr, at->ai_addrlen);
        }
        s->state = s->address_count > 0 ? SOCKET_RESOLVED : SOCKET_UNRESOLVED;
    }
    pthread_mutex_unlock(&net->lock);
    while (write(net->wake[1], "", 1) < 0 && errno == EINTR) {
    }
}

static void *lookup(void *argument)
{
    struct acme_posix_socket *s = argument;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;

    /* An orphaned socket is not free before this thread says so: its text stays. */
    if (getaddrinfo(s->host, NULL, &hints, &list) != 0) {
        list = NULL;
    }
    finish_lookup(lookup_net, s, list);
    if (list != NULL) {
        freeaddrinfo(list);
    }
    return NULL;
}

static int32_t start_lookup(struct acme_posix_net *net, struct acme_posix_socket *s)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int ret;

    lookup_net = net;
    s->state = SOCKET_RESOLVING;
    if (pthread_attr_init(&attributes) != 0) {
        return ACME_ERR_RESOLVE;
    }
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    ret = pthread_create(&thread, &attributes, lookup, s);
    (void)pthread_attr_destroy(&attributes);
    return ret == 0 ? ACME_OK : ACME_ERR_RESOLVE;
}

/* ---- connections ---- */

static uint64_t now_ms(void)
{
    return acme_posix_clock_ops.uptime_ms(NULL);
}

static void close_fd(struct acme_posix_socket *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
}

/* Tries the addresses in turn until one is under way. */
static int32_t connect_next(struct acme_posix_socket *s)
{
    close_fd(s);
    while (s->address_next < s->address_count) {
        const struct sockaddr_storage *to = &s->addresses[s->address_next++];
        socklen_t len =
            to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        int one = 1;

        s->fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (s->fd < 0) {
            continue;
        }
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        s->attempt_ms = now_ms();
        if (connect(s->fd, (const struct sockaddr *)to, len) == 0 || errno == EINPROGRESS) {
            s->state = SOCKET_CONNECTING;
            s->want_write = true;
            return ACME_ERR_AGAIN;
        }
        close_fd(s);
    }
    s->state = SOCKET_FAILED;
    return ACME_ERR_CONNECT;
}

static acme_handle net_connect(void *ctx, const char *host, uint16_t port)
{
    struct acme_posix_net *net = ctx;
    acme_handle handle = take_free(net);
    struct acme_posix_socket *s;
    int32_t rc = ACME_OK;

    if (handle < 0) {
        return handle;
    }
    s = socket_of(net, handle);
    s->port = port;
    if (strlen(host) >= sizeof(s->host)) {
        rc = ACME_ERR_RESOLVE;
    } else {
        memcpy(s->host, host, strlen(host) + 1);
        if (add_literal(s)) {
            s->state = SOCKET_RESOLVED;
        } else {
            rc = start_lookup(net, s);
        }
    }
    if (rc != ACME_OK) {
        s->state = SOCKET_FREE;
        return rc;
    }
    return handle;
}

static int32_t poll_connecting(struct acme_posix_socket *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    socklen_t len = sizeof(int);
    int error = 0;

    if (poll(&p, 1, 0) <= 0) {
        if (s->address_next < s->address_count && now_ms() - s->attempt_ms > ACME_NET_ATTEMPT_MS) {
            return connect_next(s);
        }
        s->want_write = true;
        return ACME_ERR_AGAIN;
    }
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        return connect_next(s);
    }
    s->state = SOCKET_OPEN;
    return ACME_OK;
}

static int32_t net_connected(void *ctx, acme_handle handle)
{
    struct acme_posix_net *net = ctx;
    struct acme_posix_socket *s = socket_of(net, handle);
    uint8_t state;

    pthread_mutex_lock(&net->lock);
    state = s->state;
    pthread_mutex_unlock(&net->lock);
    switch (state) {
    case SOCKET_RESOLVING:
        return ACME_ERR_AGAIN;
    case SOCKET_RESOLVED:
        return connect_next(s);
    case SOCKET_UNRESOLVED:
        return ACME_ERR_RESOLVE;
    case SOCKET_CONNECTING:
        return poll_connecting(s);
    case SOCKET_OPEN:
        return ACME_OK;
    default:
        return ACME_ERR_CONNECT;
    }
}

static int32_t net_send(void *ctx, acme_handle handle, const uint8_t *data, size_t len)
{
    struct acme_posix_socket *s = socket_of(ctx, handle);
    ssize_t n;

    if (len > INT32_MAX) {
        len = INT32_MAX;
    }
    do {
        n = send(s->fd, data, len, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        return (int32_t)n;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        s->want_write = true;
        return ACME_ERR_AGAIN;
    }
    return errno == EPIPE || errno == ECONNRESET ? ACME_ERR_CLOSED : ACME_ERR_NET;
}

static int32_t net_recv(void *ctx, acme_handle handle, uint8_t *data, size_t size)
{
    struct acme_posix_socket *s = socket_of(ctx, handle);
    ssize_t n;

    if (size > INT32_MAX) {
        size = INT32_MAX;
    }
    do {
        n = recv(s->fd, data, size, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        return (int32_t)n;
    }
    if (n == 0) {
        return ACME_ERR_CLOSED;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        s->want_read = true;
        return ACME_ERR_AGAIN;
    }
    return ACME_ERR_NET;
}

/* With bytes not taken the kernel would reset the stream, and lose what was sent. */
static void discard_unread(const struct acme_posix_socket *s)
{
    uint8_t bytes[4096];
    int i;

    for (i = 0; i < DISCARD_READS && recv(s->fd, bytes, sizeof(bytes), 0) > 0; i++) {
    }
}

static void net_close(void *ctx, acme_handle handle)
{
    struct acme_posix_net *net = ctx;
    struct acme_posix_socket *s = socket_of(net, handle);

    if (s->fd >= 0) {
        discard_unread(s);
    }
    close_fd(s);
    pthread_mutex_lock(&net->lock);
    s->state = s->state == SOCKET_RESOLVING ? SOCKET_ORPHANED : SOCKET_FREE;
    pthread_mutex_unlock(&net->lock);
}

/* ---- listeners ---- */

/* One dual-stack socket where the kernel has IPv6, else one of IPv4. */
static int open_listener(int family, uint16_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct sockaddr *address =
        family == AF_INET6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    int one = 1, zero = 0;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    }
    if (bind(fd, address, family == AF_INET6 ? sizeof(v6) : sizeof(v4)) != 0 ||
        listen(fd, 16) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static acme_handle net_listen(void *ctx, uint16_t port)
{
    struct acme_posix_net *net = ctx;
    acme_handle handle = take_free(net);
    struct acme_posix_socket *s;

    if (handle < 0) {
        return handle;
    }
    s = socket_of(net, handle);
    s->fd = open_listener(AF_INET6, port);
    if (s->fd < 0) {
        s->fd = open_listener(AF_INET, port);
    }
    s->state = s->fd >= 0 ? SOCKET_LISTENING : SOCKET_FREE;
    return s->fd >= 0 ? handle : ACME_ERR_LISTEN;
}

static acme_handle net_accept(void *ctx, acme_handle listener)
{
    struct acme_posix_net *net = ctx;
    struct acme_posix_socket *l = socket_of(net, listener);
    acme_handle handle = take_free(net);
    int fd;

    if (handle < 0) {
        return handle;
    }
    fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    socket_of(net, handle)->fd = fd;
    socket_of(net, handle)->state = fd >= 0 ? SOCKET_OPEN : SOCKET_FREE;
    if (fd >= 0) {
        return handle;
    }
    l->want_read = true;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED || errno == EINTR
               ? ACME_ERR_AGAIN
               : ACME_ERR_NET;
}

const struct acme_net_ops acme_posix_net_ops = {
    net_connect, net_connected, net_send, net_recv, net_close, net_listen, net_accept, net_close,
};

/* ---- datagrams ---- */

static acme_handle udp_open(void *ctx, uint8_t family, uint16_t local_port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(local_port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(local_port)};
    acme_handle handle = take_free(ctx);
    struct acme_posix_socket *s;
    int ret = -1;

    if (handle < 0) {
        return handle;
    }
    s = socket_of(ctx, handle);
    s->fd = socket(family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd >= 0) {
        ret = family == 6 ? bind(s->fd, (struct sockaddr *)&v6, sizeof(v6))
                          : bind(s->fd, (struct sockaddr *)&v4, sizeof(v4));
    }
    if (ret == 0) {
        s->state = SOCKET_OPEN;
        return handle;
    }
    close_fd(s);
    s->state = SOCKET_FREE;
    return errno == EADDRINUSE ? ACME_ERR_LISTEN : ACME_ERR_NET;
}

static int32_t udp_error(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return ACME_ERR_AGAIN;
    }
    return errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH ? ACME_ERR_CONNECT
                                                                                  : ACME_ERR_NET;
}

static int32_t udp_send_to(void *ctx, acme_handle handle, const struct acme_address *to,
                           uint16_t port, const uint8_t *data, size_t len)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct acme_posix_socket *s = socket_of(ctx, handle);
    ssize_t n;

    memcpy(&v6.sin6_addr, to->bytes, 16);
    memcpy(&v4.sin_addr, to->bytes, 4);
    n = to->family == 6
            ? sendto(s->fd, data, len, MSG_NOSIGNAL, (struct sockaddr *)&v6, sizeof(v6))
            : sendto(s->fd, data, len, MSG_NOSIGNAL, (struct sockaddr *)&v4, sizeof(v4));
    s->want_write = n < 0;
    return n >= 0 ? ACME_OK : udp_error();
}

static int32_t udp_recv_from(void *ctx, acme_handle handle, struct acme_address *from,
                             uint16_t *port, uint8_t *data, size_t size)
{
    struct acme_posix_socket *s = socket_of(ctx, handle);
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer;
    socklen_t len = sizeof(peer);
    ssize_t n;

    memset(&peer, 0, sizeof(peer));
    n = recvfrom(s->fd, data, size, 0, &peer.any, &len);
    if (n <= 0) {
        s->want_read = true;
        return n == 0 ? ACME_ERR_AGAIN : udp_error();
    }
    memset(from, 0, sizeof(*from));
    if (peer.any.sa_family == AF_INET6) {
        from->family = 6;
        memcpy(from->bytes, &peer.v6.sin6_addr, 16);
        *port = ntohs(peer.v6.sin6_port);
    } else {
        from->family = 4;
        memcpy(from->bytes, &peer.v4.sin_addr, 4);
        *port = ntohs(peer.v4.sin_port);
    }
    return (int32_t)n;
}

const struct acme_udp_ops acme_posix_udp_ops = {udp_open, udp_send_to, udp_recv_from, net_close};

/* ---- waiting ---- */

int32_t acme_posix_net_init(struct acme_posix_net *net)
{
    int i;

    memset(net, 0, sizeof(*net));
    for (i = 0; i < ACME_POSIX_SOCKETS; i++) {
        net->sockets[i].fd = -1;
    }
    if (pthread_mutex_init(&net->lock, NULL) != 0 ||
        pipe2(net->wake, O_NONBLOCK | O_CLOEXEC) != 0) {
        return ACME_ERR_NET;
    }
    return ACME_OK;
}

void acme_posix_net_wait(struct acme_posix_net *net, uint32_t wait_ms)
{
    struct pollfd fds[ACME_POSIX_SOCKETS + 1] = {{.fd = net->wake[0], .events = POLLIN}};
    nfds_t count = 1;
    char bytes[16];
    int i;

    for (i = 0; i < ACME_POSIX_SOCKETS; i++) {
        struct acme_posix_socket *s = &net->sockets[i];

        /* Only who was told to come again waits: others would wake us for nothing. */
        if (s->fd >= 0 && (s->want_read || s->want_write)) {
            fds[count].fd = s->fd;
            fds[count].events =
                (short)((s->want_read ? POLLIN : 0) | (s->want_write ? POLLOUT : 0));
            fds[count].revents = 0;
            count++;
        }
        s->want_read = s->want_write = false;
    }
    (void)poll(fds, count, wait_ms > 60000u ? 60000 : (int)wait_ms);
    while (read(net->wake[0], bytes, sizeof(bytes)) > 0) {
    }
}

void acme_posix_net_close(struct acme_posix_net *net)
{
    int i;

    for (i = 0; i < ACME_POSIX_SOCKETS; i++) {
        close_fd(&net->sockets[i]);
    }
}
