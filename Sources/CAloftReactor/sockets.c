#define _GNU_SOURCE
#include "CAloftReactor.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

ssize_t aloft_accept(int fd, struct sockaddr_storage *peer, socklen_t *size) {
    *size = sizeof *peer;
    return ALOFT_RETRYING(accept4(fd, (struct sockaddr *)peer, size, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

ssize_t aloft_stream_socket(int family) {
    return ALOFT_RETRYING(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int aloft_connect_result(int fd) {
    int code = 0;
    socklen_t size = sizeof code;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno : code;
}

int aloft_set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

int aloft_set_nodelay(int fd) { return aloft_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

int aloft_set_reset_on_close(int fd) {
    struct linger value = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value) < 0 ? -errno : 0;
}

int aloft_shutdown_output(int fd) { return shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }

int aloft_is_quiet(int fd) {
    char byte;
    return ALOFT_RETRYING(recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)) == -EAGAIN;
}

ssize_t aloft_unacknowledged(int fd) {
    int count = 0;
    return ioctl(fd, SIOCOUTQ, &count) < 0 ? -errno : count;
}

ssize_t aloft_make_ready(int fd) {
    int status = fcntl(fd, F_GETFL), flags = fcntl(fd, F_GETFD);
    if (status < 0 || flags < 0) return -errno;
    if (fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0) return -errno;
    return 0;
}

int aloft_is_listening(int fd) {
    int listening = 0, type = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0) return 0;
    size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return 0;
    return listening && type == SOCK_STREAM;
}

ssize_t aloft_pipe_pair(int ends[2], int size) {
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
    // Past the user's share of pipe memory (pipe(7)) the pipe stays as it is, which only costs more calls.
    (void)fcntl(ends[1], F_SETPIPE_SZ, size);
    return 0;
}

ssize_t aloft_splice(int from, int to, size_t count) {
    return ALOFT_RETRYING(splice(from, NULL, to, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

ssize_t aloft_sendfile(int socket, int file, off_t *offset, size_t count) {
    return ALOFT_RETRYING(sendfile(socket, file, offset, count));
}

int aloft_name_thread(pthread_t thread, const char *name) { return pthread_setname_np(thread, name); }
