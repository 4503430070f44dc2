/*
 * See peer.h. It must not include lwIP, whose names are the kernel's.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool failed;

static socklen_t parse(const char *text, uint16_t port, struct sockaddr_storage *to)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

    memset(to, 0, sizeof(*to));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof(*v4);
    }
    memset(to, 0, sizeof(*to));
    (void)inet_pton(AF_INET6, text, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof(*v6);
}

static int new_socket(const struct sockaddr_storage *address)
{
    int one = 1, fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        perror("peer");
        exit(3);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (address->ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    }
    return fd;
}

int peer_listen(const char *address, uint16_t port)
{
    struct sockaddr_storage to;
    socklen_t len = parse(address, port, &to);
    int fd = new_socket(&to);

    if (bind(fd, (struct sockaddr *)&to, len) != 0 || listen(fd, 64) != 0) {
        perror(address);
        exit(3);
    }
    return fd;
}

uint16_t peer_port(int listener)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);

    (void)getsockname(listener, (struct sockaddr *)&at, &len);
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                          : ((struct sockaddr_in *)&at)->sin_port);
}

int peer_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int peer_connect(const char *address, uint16_t port)
{
    struct sockaddr_storage to;
    socklen_t len = parse(address, port, &to);
    int fd = new_socket(&to);

    (void)connect(fd, (struct sockaddr *)&to, len);
    return fd;
}

int peer_connected(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t len = sizeof(int);
    int error = 0;

    if (poll(&p, 1, 0) <= 0) {
        return 0;
    }
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    return error == 0 && (p.revents & (POLLERR | POLLHUP)) == 0 ? 1 : -1;
}

static long moved(ssize_t n, bool end_at_0)
{
    failed = n < 0;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return 0;
    }
    return n > 0 ? (long)n : end_at_0 || n < 0 ? -1 : 0;
}

long peer_send(int fd, const uint8_t *data, size_t len)
{
    return moved(send(fd, data, len, MSG_NOSIGNAL), false);
}

long peer_recv(int fd, uint8_t *data, size_t size)
{
    return moved(recv(fd, data, size, 0), true);
}

bool peer_failed(void)
{
    return failed;
}

void peer_finish(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

void peer_close(int fd)
{
    (void)close(fd);
}

void peer_reset(int fd)
{
    struct linger now = {1, 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)close(fd);
}

/* ---- datagrams ---- */

static struct sockaddr_storage last;

int peer_datagrams(const char *address)
{
    struct sockaddr_storage to;
    socklen_t len = parse(address, 0, &to);
    int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&to, len) != 0) {
        perror(address);
        exit(3);
    }
    return fd;
}

long peer_take(int fd, uint8_t *data, size_t size)
{
    socklen_t len = sizeof(last);

    return recvfrom(fd, data, size, 0, (struct sockaddr *)&last, &len);
}

void peer_answer(int fd, const uint8_t *data, size_t len)
{
    socklen_t to_len =
        last.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

    if (sendto(fd, data, len, 0, (struct sockaddr *)&last, to_len) < 0) {
        perror("peer_answer");
        exit(3);
    }
}

void peer_send_to(int fd, const char *address, uint16_t port, const uint8_t *data, size_t len)
{
    (void)parse(address, port, &last);
    peer_answer(fd, data, len);
}

void peer_stop_names(bool stop)
{
    const char *number = getenv("NAMES_PID");

    if (number == NULL || kill((pid_t)atoi(number), stop ? SIGSTOP : SIGCONT) != 0) {
        perror("NAMES_PID");
        exit(3);
    }
}
