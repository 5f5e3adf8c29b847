// Making processes: all that has to run between fork and exec, where only async-signal-safe calls are allowed.
#ifndef CALOFTSYSTEM_H
#define CALOFTSYSTEM_H

#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/types.h>

// What the child was doing when it failed.
enum aloft_stage {
    ALOFT_STAGE_NONE = 0,
    ALOFT_STAGE_PIPE,
    ALOFT_STAGE_FORK,
    ALOFT_STAGE_GROUP,
    ALOFT_STAGE_CGROUP,
    ALOFT_STAGE_STREAMS,
    ALOFT_STAGE_LIMIT,
    ALOFT_STAGE_DIRECTORY,
    ALOFT_STAGE_EXEC,
    ALOFT_STAGE_USER,
};

struct aloft_limit {
    int resource;
    uint64_t soft;
    uint64_t hard;
};

// Whose rights the process has; looked up before, since looking up takes locks.
struct aloft_user {
    uid_t user;
    gid_t group;
    const gid_t *groups; // all of them, `group` among them
    size_t group_count;
};

// Every pointer stays valid until aloft_launch_await returns; arrays of strings end with NULL.
struct aloft_launch {
    const char *executable; // absolute, or relative to directory
    char *const *arguments;
    char *const *environment;
    const char *directory;
    int standard_output;
    int standard_error;
    const char *const *cgroup_procs; // files to which the child writes its pid before it runs the program
    const struct aloft_limit *limits;
    size_t limit_count;
    const struct aloft_user *user; // NULL: as this process
};

struct aloft_launched {
    pid_t pid; // -1 where nothing was started
    int stage; // enum aloft_stage of the failure
    int code;  // errno of the failure
    int index; // which cgroup or limit failed
};

// A child on its way to its program.
struct aloft_forked {
    pid_t pid;  // -1 where nothing was started
    int report; // on which it says that it failed
    int stage;
    int code;
};

// Starts a process in a process group of its own: stdin from /dev/null, no descriptor but 0, 1, 2, no signal blocked
// or ignored. Returns as soon as there is a pid; aloft_launch_await is to follow.
struct aloft_forked aloft_launch_fork(const struct aloft_launch *launch);
// Returns after the program runs, or failed to; a child that failed is reaped.
struct aloft_launched aloft_launch_await(struct aloft_forked forked);

// Makes the calling process the program: no descriptor but 0, 1, 2 and `kept` (-1: none), no signal blocked or ignored,
// with the rights of `user` (NULL: its own). Returns errno where it cannot; user, folder and signals have changed then.
int aloft_become(const char *executable, char *const *arguments, char *const *environment, const char *directory,
                 int kept, const struct aloft_user *user);

// A file without a name, in memory (memfd_create(2)), or -1 with errno.
int aloft_memory_file(void);

// errno as text, thread-safe.
void aloft_error_text(int code, char *buffer, size_t size);

// pidfd_open(2), or -1 with errno; the C library before 2.36 has no name for it.
int aloft_pidfd_open(pid_t pid);
// pidfd_send_signal(2): signals exactly that process, never another that got its number.
int aloft_pidfd_send_signal(int pidfd, int number);

// Ends of a child, as waitid(2) gives them.
struct aloft_exit {
    int ended;    // 1 ended, 0 still runs
    int signaled; // 1 killed by a signal
    int value;    // exit code or signal
};

// Reaps the child `pid` if it has ended. Returns 0, or -1 with errno (ECHILD: not our child, or reaped before).
int aloft_reap(pid_t pid, struct aloft_exit *result);

// A child that has ended and was not reaped: its pid, 0 where there is none, -1 with errno (ECHILD: no children).
pid_t aloft_ended_child(void);

// Makes this process the parent of its descendants whose own parents ended (PR_SET_CHILD_SUBREAPER, prctl(2)), and
// writes to `event` (eventfd(2)) each time a child ends. Once in the life of a process. Returns 0, or -1 with errno.
int aloft_adopt_orphans(int event);

// Both ends are closed by exec. Returns 0, or -1 with errno.
int aloft_pipe(int ends[2]);

// For posix_spawnattr_setflags: the process gets a session of its own (a GNU extension that Swift does not see).
short aloft_spawn_new_session(void);

// Adds that the process begins with every descriptor from `first` on closed (a GNU extension, too).
int aloft_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

// fcntl and open are variadic and so not to be had in Swift.
int aloft_set_nonblocking(int fd);
int aloft_open(const char *path, int flags, mode_t mode);
// openat(2), the same.
int aloft_openat(int folder, const char *name, int flags, mode_t mode);

// Limits of open files.
struct aloft_open_files {
    uint64_t soft;
    uint64_t hard;
};

// Sets the soft limit of open files to the hard one. Returns 0 and the limits there were before, or -1 with errno.
int aloft_raise_open_files(struct aloft_open_files *before);

// malloc_trim(3), a GNU extension that Swift does not see.
void aloft_trim_memory(void);

#endif
