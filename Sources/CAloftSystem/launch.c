#define _GNU_SOURCE
#include "CAloftSystem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

// What the child writes to the pipe when it cannot go on; far below PIPE_BUF, so it arrives whole.
struct report {
    int stage;
    int code;
    int index;
};

static pid_t fork_process(void) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    // Runs no pthread_atfork handlers, which may wait for locks that other threads hold.
    return _Fork();
#else
    return fork();
#endif
}

static void give_up(int pipe, int stage, int index) {
    struct report report = {stage, errno, index};
    const char *bytes = (const char *)&report;
    size_t left = sizeof report;
    while (left > 0) {
        ssize_t count = write(pipe, bytes, left);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        bytes += count;
        left -= (size_t)count;
    }
    _exit(127);
}

// The child's own pid in decimal, without stdio. Returns where the text starts.
static const char *decimal(pid_t pid, char *end) {
    unsigned value = (unsigned)pid;
    *end = '\0';
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

static int join_cgroup(const char *path) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    char buffer[16];
    char *end = buffer + sizeof buffer - 1;
    const char *text = decimal(getpid(), end);
    ssize_t count;
    do {
        count = write(fd, text, (size_t)(end - text));
    } while (count < 0 && errno == EINTR);
    int code = errno;
    close(fd);
    errno = code;
    return count < 0 ? -1 : 0;
}

// Marks every descriptor from `first` on to be closed by exec; the report pipe is among them and stays usable until then.
static void close_on_exec_from(int first) {
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) == 0) return;
    // Before Linux 5.11: each number below the limit.
    struct rlimit limit;
    rlim_t last = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
    if (last == RLIM_INFINITY || last > 1048576) last = 1048576;
    for (int fd = first; (rlim_t)fd < last; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// The C library's sigaction refuses the two real-time signals it keeps for itself, which may be ignored by inheritance;
// the system call takes them. All zero is SIG_DFL in every layout of the kernel's structure.
static void reset_signals(void) {
    long plain[8] = {0};
    for (int number = 1; number <= 64; number++) syscall(SYS_rt_sigaction, number, plain, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Moves the streams to 0, 1, 2. The sources are first lifted above 2, so that no dup2 overwrites one still needed.
static int place_streams(int out, int err) {
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0) return -1;
    int sources[3] = {null, out, err};
    for (int i = 0; i < 3; i++) {
        sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, 3);
        if (sources[i] < 0) return -1;
    }
    for (int i = 0; i < 3; i++) {
        if (dup2(sources[i], i) < 0) return -1;
    }
    return 0;
}

// By system calls: the C library's functions tell all threads, of which there is one, through lists that a bare fork
// leaves as they were. The user comes last, since it takes the right to change the rest with it.
static int become(const struct aloft_user *user) {
    if (syscall(SYS_setgroups, user->group_count, user->groups) != 0) return -1;
    if (syscall(SYS_setresgid, user->group, user->group, user->group) != 0) return -1;
    return syscall(SYS_setresuid, user->user, user->user, user->user) == 0 ? 0 : -1;
}

static void run_child(const struct aloft_launch *launch, int pipe) {
    if (setpgid(0, 0) != 0) give_up(pipe, ALOFT_STAGE_GROUP, 0);
    for (int i = 0; launch->cgroup_procs != NULL && launch->cgroup_procs[i] != NULL; i++) {
        if (join_cgroup(launch->cgroup_procs[i]) != 0) give_up(pipe, ALOFT_STAGE_CGROUP, i);
    }
    if (place_streams(launch->standard_output, launch->standard_error) != 0) give_up(pipe, ALOFT_STAGE_STREAMS, 0);
    for (size_t i = 0; i < launch->limit_count; i++) {
        struct rlimit limit = {launch->limits[i].soft, launch->limits[i].hard};
        if (setrlimit(launch->limits[i].resource, &limit) != 0) give_up(pipe, ALOFT_STAGE_LIMIT, (int)i);
    }
    if (launch->user != NULL && become(launch->user) != 0) give_up(pipe, ALOFT_STAGE_USER, 0);
    // Afterwards, so that a folder that the user may not enter is said to be one.
    if (chdir(launch->directory) != 0) give_up(pipe, ALOFT_STAGE_DIRECTORY, 0);
    close_on_exec_from(3);
    umask(022);
    reset_signals();
    execve(launch->executable, launch->arguments, launch->environment);
    give_up(pipe, ALOFT_STAGE_EXEC, 0);
}

static struct aloft_launched failure(int stage) {
    struct aloft_launched result = {-1, stage, errno, 0};
    return result;
}

// Waits for exec (end of file) or the child's report.
static struct aloft_launched await_exec(pid_t pid, int pipe) {
    struct aloft_launched result = {pid, ALOFT_STAGE_NONE, 0, 0};
    struct report report;
    char *bytes = (char *)&report;
    size_t have = 0;
    while (have < sizeof report) {
        ssize_t count = read(pipe, bytes + have, sizeof report - have);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        have += (size_t)count;
    }
    if (have == sizeof report) {
        int status;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        result.pid = -1;
        result.stage = report.stage;
        result.code = report.code;
        result.index = report.index;
    }
    return result;
}

struct aloft_forked aloft_launch_fork(const struct aloft_launch *launch) {
    struct aloft_forked forked = {-1, -1, ALOFT_STAGE_PIPE, 0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        forked.code = errno;
        return forked;
    }
    // The child must not run a handler of ours between fork and exec.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    forked.pid = fork_process();
    if (forked.pid == 0) {
        // The pipe may sit on 0, 1 or 2 where the daemon was started with those closed.
        int pipe = fcntl(ends[1], F_DUPFD_CLOEXEC, 3);
        run_child(launch, pipe < 0 ? ends[1] : pipe);
    }
    forked.stage = forked.pid < 0 ? ALOFT_STAGE_FORK : ALOFT_STAGE_NONE;
    forked.code = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    forked.report = ends[0];
    if (forked.pid < 0) close(ends[0]);
    return forked;
}

struct aloft_launched aloft_launch_await(struct aloft_forked forked) {
    if (forked.pid < 0) {
        errno = forked.code;
        return failure(forked.stage);
    }
    setpgid(forked.pid, forked.pid); // The child does it too; whoever comes second is refused, which is no matter.
    struct aloft_launched result = await_exec(forked.pid, forked.report);
    close(forked.report);
    return result;
}

int aloft_become(const char *executable, char *const *arguments, char *const *environment, const char *directory,
                 int kept, const struct aloft_user *user) {
    if (user != NULL && become(user) != 0) return errno;
    if (chdir(directory) != 0) return errno;
    close_on_exec_from(3);
    if (kept >= 0 && fcntl(kept, F_SETFD, 0) != 0) return errno;
    umask(022);
    reset_signals();
    execve(executable, arguments, environment);
    return errno;
}

int aloft_memory_file(void) { return (int)syscall(SYS_memfd_create, "aloft", 0U); }
