/*
 * The other end: sockets of the kernel that never block.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Listens on an address; port 0: any. Returns a number; ends the program when it cannot. */
int peer_listen(const char *address, uint16_t port);
uint16_t peer_port(int listener);
/** A caller, or -1: none yet. */
int peer_accept(int listener);
/** Begins a connection. */
int peer_connect(const char *address, uint16_t port);
/** 1: connected; 0: under way; -1: it failed. */
int peer_connected(int fd);
/** Bytes moved, 0: none now, -1: the end, or an error (see peer_failed). */
long peer_send(int fd, const uint8_t *data, size_t len);
long peer_recv(int fd, uint8_t *data, size_t size);
/** Whether the last -1 was an error. */
bool peer_failed(void);
/** Sends a FIN, and can still receive. */
void peer_finish(int fd);
void peer_close(int fd);
/** Closes with a RST. */
void peer_reset(int fd);
/** A socket for datagrams on any port of an address. */
int peer_datagrams(const char *address);
/** Takes one datagram, and remembers whom to answer: bytes, or -1: none now. */
long peer_take(int fd, uint8_t *data, size_t size);
/** Sends one datagram to whom the last one of this socket came from; or to an address. */
void peer_answer(int fd, const uint8_t *data, size_t len);
void peer_send_to(int fd, const char *address, uint16_t port, const uint8_t *data, size_t len);
/** Stops the name server, whose process number is in the environment's NAMES_PID, or lets it go
 * on. Ends the program when it cannot. */
void peer_stop_names(bool stop);

#endif
