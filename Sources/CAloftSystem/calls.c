#define _GNU_SOURCE
#include "CAloftSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

void aloft_error_text(int code, char *buffer, size_t size) {
    // The GNU strerror_r may return a constant text instead of filling the buffer.
    const char *text = strerror_r(code, buffer, size);
    if (text != buffer) snprintf(buffer, size, "%s", text);
}

int aloft_pidfd_open(pid_t pid) {
    // The kernel sets close-on-exec.
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int aloft_pidfd_send_signal(int pidfd, int number) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
}

int aloft_reap(pid_t pid, struct aloft_exit *result) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int code;
    do {
        code = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG);
    } while (code != 0 && errno == EINTR);
    if (code != 0) return -1;
    result->ended = info.si_pid == pid;
    result->signaled = result->ended && info.si_code != CLD_EXITED;
    result->value = result->ended ? info.si_status : 0;
    return 0;
}

pid_t aloft_ended_child(void) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int code;
    do {
        code = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (code != 0 && errno == EINTR);
    return code != 0 ? -1 : info.si_pid;
}

static int child_event = -1;

static void child_ended(int number) {
    (void)number;
    int code = errno;
    uint64_t one = 1;
    // A counter that is full wakes its reader all the same.
    ssize_t written = write(child_event, &one, sizeof one);
    (void)written;
    errno = code;
}

int aloft_adopt_orphans(int event) {
    child_event = event;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = child_ended;
    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGCHLD, &action, NULL) != 0) return -1;
    return prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
}

int aloft_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

short aloft_spawn_new_session(void) { return POSIX_SPAWN_SETSID; }

int aloft_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int aloft_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int aloft_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

int aloft_openat(int folder, const char *name, int flags, mode_t mode) { return openat(folder, name, flags, mode); }

int aloft_raise_open_files(struct aloft_open_files *before) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return -1;
    before->soft = files.rlim_cur;
    before->hard = files.rlim_max;
    if (files.rlim_cur == files.rlim_max) return 0;
    files.rlim_cur = files.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &files);
}

void aloft_trim_memory(void) { malloc_trim(0); }
