// Requests at a fixed rate over kept-alive connections, each answer looked at; for scenarios and benchmarks of deploys.
//
//   load PORT RATE CONNECTIONS [FRESH] [REQUESTS] [HEADER...]
//
//   RATE      requests a second, all connections together
//   FRESH     each so-manieth request of a connection says `Connection: close`, and the next one opens a new one; 0: none
//   REQUESTS  ends after so many; 0: at SIGTERM or SIGINT. What is under way is waited for, 10 s at most
//   HEADER    a whole line, as `Cookie: a=b`
//
// Each 100 ms one line of JSON with all counts so far, and at the end one with `"done": true` and quantiles. A line with `!` in front
// for each of the first 200 requests that were not answered with 200. Nothing is ever asked a second time.
//
// Request k is due at start + k / RATE whatever became of those before it; a connection that is busy then sends it as
// soon as it is free, and latency counts from when it was due.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1024, BUFFER = 4096, VERSIONS = 4096, BUCKETS = 1000000, SHOWN = 200 };
static const int64_t ms = 1000000, timeout = 10000 * ms;

struct connection {
    int fd;                 // -1: none
    int is_busy, is_last;   // a request is under way; its connection closes after it
    int64_t due, next;      // of the request under way; of the one after it
    int64_t sent;
    long answers;           // on this connection
    long requests;
    size_t have;
    char buffer[BUFFER + 1];
};

static struct connection connections[MOST];
static atomic_int is_stopping;
static int poll_fd, port, count, fresh;
static double rate;
static long most, begun, good, statuses[1000], versions[VERSIONS], no_version;
static long refused, closed_kept, closed_new, broken, timeouts, malformed, shown, opened;
// Hundredths of a millisecond up to 10 s, then the last one.
static long latency[BUCKETS + 1], latency_count;
static int64_t latency_max, start;
static char request[2][2048];

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 * ms + time.tv_nsec;
}

static void stop(int number) {
    (void)number;
    atomic_store(&is_stopping, 1);
}

static double quantile(double share) {
    long want = (long)(latency_count * share), sum = 0;
    for (int i = 0; i <= BUCKETS; i++) {
        sum += latency[i];
        if (sum > want) return i / 100.0;
    }
    return 0;
}

static long failed(void) { return refused + closed_kept + closed_new + broken + timeouts + malformed; }

static void report(int is_done) {
    long answered = 0;
    for (int i = 0; i < 1000; i++) answered += statuses[i];
    printf("{\"done\": %s, \"seconds\": %.3f, \"requests\": %ld, \"answered\": %ld, \"ok\": %ld, \"opened\": %ld, ",
           is_done ? "true" : "false", (now() - start) / 1e9, begun, answered, good, opened);
    printf("\"refused\": %ld, \"closedKept\": %ld, \"closedNew\": %ld, \"broken\": %ld, \"timeouts\": %ld, "
           "\"malformed\": %ld, \"failed\": %ld, ",
           refused, closed_kept, closed_new, broken, timeouts, malformed, failed());
    // A million counters are only looked through once.
    printf("\"p50\": %.2f, \"p99\": %.2f, \"p999\": %.2f, \"max\": %.2f, \"statuses\": {", is_done ? quantile(.5) : 0,
           is_done ? quantile(.99) : 0, is_done ? quantile(.999) : 0, latency_max / 1e6);
    const char *comma = "";
    for (int i = 0; i < 1000; i++) {
        if (statuses[i]) printf("%s\"%d\": %ld", comma, i, statuses[i]), comma = ", ";
    }
    printf("}, \"versions\": {");
    comma = "";
    for (int i = 0; i < VERSIONS; i++) {
        if (versions[i]) printf("%s\"%d\": %ld", comma, i, versions[i]), comma = ", ";
    }
    printf("}, \"noVersion\": %ld}\n", no_version);
    fflush(stdout);
}

static void show(const char *what, int index) {
    if (shown++ >= SHOWN) return;
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    struct tm parts;
    gmtime_r(&time.tv_sec, &parts);
    printf("! %02d:%02d:%02d.%03ld connection %d, %ld answers on it: %s\n", parts.tm_hour, parts.tm_min, parts.tm_sec,
           time.tv_nsec / ms, index, connections[index].answers, what);
}

static void leave(struct connection *c) {
    close(c->fd);
    c->fd = -1;
    c->is_busy = 0;
    c->have = 0;
}

static void fails(struct connection *c, long *counter, const char *what) {
    ++*counter;
    show(what, c - connections);
    leave(c);
}

static int opens(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->answers = 0;
    c->have = 0;
    // Blocking until here: on loopback it is taken at once, or refused.
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = c - connections};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
    opened++;
    return 0;
}

static void asks(struct connection *c) {
    c->due = c->next;
    c->next += (int64_t)(count * 1e9 / rate);
    c->sent = now();
    c->requests++;
    begun++;
    if (c->fd < 0 && opens(c) != 0) return fails(c, &refused, strerror(errno));
    c->is_busy = 1;
    c->is_last = fresh > 0 && c->requests % fresh == 0;
    const char *text = request[c->is_last];
    ssize_t length = strlen(text);
    if (send(c->fd, text, length, MSG_NOSIGNAL) != length) {
        fails(c, c->answers ? &closed_kept : &closed_new, strerror(errno));
    }
}

static const char *field(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
            const char *value = line + 3 + length;
            while (*value == ' ') value++;
            return value;
        }
    }
    return NULL;
}

// The whole answer is there.
static void counts(struct connection *c, int status) {
    statuses[status]++;
    const char *version = field(c->buffer, "x-version");
    int number = version ? atoi(version) : -1;
    if (number >= 0 && number < VERSIONS) versions[number]++;
    else no_version++;
    int64_t took = now() - c->due;
    if (took > latency_max) latency_max = took;
    int64_t bucket = took / (ms / 100);
    latency[bucket < BUCKETS ? bucket : BUCKETS]++;
    latency_count++;
    if (status == 200) good++;
    else show(c->buffer, c - connections);
    c->answers++;
    c->is_busy = 0;
}

static void reads(struct connection *c) {
    ssize_t got = recv(c->fd, c->buffer + c->have, BUFFER - c->have, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        // An idle connection that the server closes is no failure: the next request opens a new one.
        if (!c->is_busy) return leave(c);
        const char *what = got < 0 ? strerror(errno) : "closed by the server";
        if (c->have > 0) return fails(c, &broken, "closed within an answer");
        return fails(c, c->answers ? &closed_kept : &closed_new, what);
    }
    c->have += got;
    c->buffer[c->have] = 0;
    if (!c->is_busy) return fails(c, &malformed, "bytes that nobody asked for");
    char *end = strstr(c->buffer, "\r\n\r\n");
    if (!end) {
        if (c->have == BUFFER) fails(c, &malformed, "a head that has no end");
        return;
    }
    int status = strncmp(c->buffer, "HTTP/1.1 ", 9) == 0 ? atoi(c->buffer + 9) : 0;
    end[2] = 0;
    const char *length = field(c->buffer, "content-length"), *after = field(c->buffer, "connection");
    end[2] = '\r';
    size_t whole = end + 4 - c->buffer + (length ? strtoul(length, NULL, 10) : 0);
    if (status < 200 || status > 999 || !length || whole > BUFFER) return fails(c, &malformed, c->buffer);
    if (c->have < whole) return;
    if (c->have > whole) return fails(c, &malformed, "more than one answer");
    int closes = after && strncasecmp(after, "close", 5) == 0;
    end[2] = 0;
    counts(c, status);
    c->have = 0;
    if (closes || c->is_last) leave(c);
}

static int is_over(void) { return atomic_load(&is_stopping) || (most > 0 && begun >= most); }

static int looks(int64_t time) {
    int busy = 0;
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        if (c->is_busy && time - c->sent > timeout) fails(c, &timeouts, "no answer for 10 s");
        if (!c->is_busy && c->next <= time && !is_over()) asks(c);
        busy += c->is_busy;
    }
    return busy;
}

static void prepare(int argc, char **argv) {
    port = atoi(argv[1]);
    rate = atof(argv[2]);
    count = atoi(argv[3]);
    fresh = argc > 4 ? atoi(argv[4]) : 0;
    most = argc > 5 ? atol(argv[5]) : 0;
    if (port <= 0 || rate <= 0 || count < 1 || count > MOST) exit(2);
    char more[1024] = "";
    for (int i = 6; i < argc; i++) {
        if (strlen(more) + strlen(argv[i]) + 3 > sizeof more) exit(2);
        strcat(strcat(more, argv[i]), "\r\n");
    }
    for (int last = 0; last < 2; last++) {
        snprintf(request[last], sizeof request[last], "GET / HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n",
                 last ? "Connection: close\r\n" : "", more);
    }
    start = now();
    for (int i = 0; i < count; i++) {
        connections[i].fd = -1;
        connections[i].next = start + (int64_t)(i * 1e9 / rate);
    }
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    prepare(argc, argv);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    // Only the wait is interrupted, whatever was blocked before: a connect that a signal cuts short would look like a
    // request that was lost.
    sigset_t none, ours;
    sigemptyset(&none);
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_SETMASK, &ours, NULL);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    int64_t reported = start;
    while (1) {
        struct epoll_event events[256];
        int ready = epoll_pwait(poll_fd, events, 256, 1, &none);
        for (int i = 0; i < ready; i++) {
            struct connection *c = &connections[events[i].data.u32];
            if (c->fd >= 0) reads(c);
        }
        int64_t time = now();
        int busy = looks(time);
        if (is_over() && busy == 0) break;
        if (time - reported >= 100 * ms) {
            reported = time;
            report(0);
        }
    }
    report(1);
    return 0;
}
