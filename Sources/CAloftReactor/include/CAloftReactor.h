// System calls of the data plane that Swift can't call itself, because they are variadic, GNU extensions or macros.
//
// Each returns what the call returned, or its errno as a negative number, as the kernel itself does: nothing that runs
// between a call and the look at its result can change it. Calls that a signal interrupts are repeated.
#ifndef CALOFTREACTOR_H
#define CALOFTREACTOR_H

// Not here: _GNU_SOURCE, which would make other types of the C library than those that Swift has seen already.
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ALOFT_RETRYING(call)                                                                                           \
    ({                                                                                                                 \
        ssize_t result_;                                                                                               \
        do                                                                                                             \
            result_ = (call);                                                                                          \
        while (result_ < 0 && errno == EINTR);                                                                         \
        result_ < 0 ? -errno : result_;                                                                                \
    })

// CLOCK_MONOTONIC in nanoseconds.
static inline uint64_t aloft_monotonic(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// recv(2) and send(2); sending to a peer that is gone raises no signal.
static inline ssize_t aloft_recv(int fd, void *bytes, size_t count) {
    return ALOFT_RETRYING(recv(fd, bytes, count, 0));
}
static inline ssize_t aloft_send(int fd, const void *bytes, size_t count) {
    return ALOFT_RETRYING(send(fd, bytes, count, MSG_NOSIGNAL));
}
static inline ssize_t aloft_send_pieces(int fd, struct iovec *pieces, size_t count) {
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    return ALOFT_RETRYING(sendmsg(fd, &message, MSG_NOSIGNAL));
}

// epoll(7). `data` of an event is the token of a slot.
static inline ssize_t aloft_epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds) {
    ssize_t result = epoll_wait(epoll, events, count, milliseconds);
    return result < 0 ? -errno : result;
}
static inline ssize_t aloft_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}
static inline ssize_t aloft_epoll_remove(int epoll, int fd) {
    return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

// What a connection and what a listening socket is registered for.
static inline uint32_t aloft_interest_stream(void) { return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET; }
static inline uint32_t aloft_interest_listener(void) { return EPOLLIN | EPOLLEXCLUSIVE; }

// accept4(2) with a descriptor that neither blocks nor survives exec.
ssize_t aloft_accept(int fd, struct sockaddr_storage *peer, socklen_t *size);
// socket(2), the same.
ssize_t aloft_stream_socket(int family);
// The errno of a connect(2) that was under way, 0 once it stands.
int aloft_connect_result(int fd);
int aloft_set_option(int fd, int level, int name, int value);
// TCP_NODELAY: nothing is held back to be sent with what may follow.
int aloft_set_nodelay(int fd);
// SO_LINGER of 0 seconds: close(2) drops what was not sent and the peer gets RST.
int aloft_set_reset_on_close(int fd);
int aloft_shutdown_output(int fd);
// True where recv would neither give a byte nor the end of the stream.
int aloft_is_quiet(int fd);
// Bytes written that the peer has not acknowledged (SIOCOUTQ; for a Unix socket what its peer has not read, with the
// kernel's own overhead), or a negative errno.
ssize_t aloft_unacknowledged(int fd);
// O_NONBLOCK and FD_CLOEXEC.
ssize_t aloft_make_ready(int fd);
// 1 for a listening stream socket, 0 for anything else.
int aloft_is_listening(int fd);

// A pipe of about `size` bytes whose ends neither block nor survive exec.
ssize_t aloft_pipe_pair(int ends[2], int size);
// splice(2) that does not wait.
ssize_t aloft_splice(int from, int to, size_t count);
// sendfile(2): moves `offset` on by what was sent.
ssize_t aloft_sendfile(int socket, int file, off_t *offset, size_t count);

// pthread_setname_np(3): a name of 15 bytes at most.
int aloft_name_thread(pthread_t thread, const char *name);

#include "CAloftTLS.h"

#endif
