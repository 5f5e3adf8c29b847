// A small web app for deploys: one static binary for processes and for containers from scratch.
//
//   PORT or SOCKET   where it listens        BIND        address for PORT, 127.0.0.1 by default
//   VERSION          what it answers         ERRORS      percent of the requests that are answered with 500
//   SLOW_MS          wait before an answer   CRASH_MS    exits with code 3 after so long
//   START_MS         wait before listening   READY       `no`: /ready is answered with 503
//   FLAP_MS          /ready is answered with 200 for so long, then with 503 for as long, and so on
//
// `version wait MS` says so and ends with code 0 after so long: for gates and migrations.
// `version show NAME` prints that variable and what it reads, and ends with code 9: for `aloft run`.
//
// A thread for each connection; SIGTERM lets answers under way end.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *version;
static int errors, slow_ms, flap_ms, is_ready = 1;
static struct timespec began;
static atomic_int error_sum, under_way;
static atomic_bool is_stopping;

static int number(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

static void pause_ms(int ms) {
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000L};
    nanosleep(&time, NULL);
}

static void send_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        bytes += sent;
        count -= sent;
    }
}

static int is_ready_now(void) {
    if (flap_ms <= 0) return is_ready;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    long ms = (time.tv_sec - began.tv_sec) * 1000 + (time.tv_nsec - began.tv_nsec) / 1000000;
    return ms / flap_ms % 2 == 0;
}

static void answer(int fd, const char *head) {
    const char *status = "200 OK";
    if (strncmp(head, "GET /ready ", 11) == 0) {
        if (!is_ready_now()) status = "503 Service Unavailable";
    } else {
        if (slow_ms > 0) pause_ms(slow_ms);
        // Exactly ERRORS of each hundred, evenly spread.
        int sum = atomic_fetch_add(&error_sum, errors) % 100;
        if (sum + errors >= 100) status = "500 Internal Server Error";
    }
    char body[128], text[512];
    int length = snprintf(body, sizeof body, "version %s\n", version);
    const char *connection = atomic_load(&is_stopping) ? "Connection: close\r\n" : "";
    int count = snprintf(text, sizeof text,
                         "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nX-Version: %s\r\n%sContent-Length: %d\r\n\r\n%s",
                         status, version, connection, length, body);
    send_all(fd, text, count);
}

// Requests have no body: what is read up to an empty line is one.
static void *serve(void *argument) {
    int fd = (int)(long)argument;
    char buffer[8192];
    size_t have = 0;
    while (have < sizeof buffer - 1) {
        ssize_t count = recv(fd, buffer + have, sizeof buffer - 1 - have, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        have += count;
        buffer[have] = 0;
        char *end;
        int is_last = 0;
        while ((end = strstr(buffer, "\r\n\r\n"))) {
            atomic_fetch_add(&under_way, 1);
            is_last = atomic_load(&is_stopping);
            answer(fd, buffer);
            atomic_fetch_sub(&under_way, 1);
            have -= end + 4 - buffer;
            memmove(buffer, end + 4, have + 1);
        }
        if (is_last) break;
    }
    close(fd);
    return NULL;
}

static void *crash(void *argument) {
    pause_ms((int)(long)argument);
    fprintf(stderr, "version %s: out of luck\n", version);
    exit(3);
}

static void stop(int signal) {
    (void)signal;
    atomic_store(&is_stopping, 1);
}

static int listener(void) {
    const char *path = getenv("SOCKET");
    int fd, yes = 1;
    if (path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(path) >= sizeof address.sun_path) return -1;
        strcpy(address.sun_path, path);
        unlink(path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    } else {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(number("PORT"))};
        inet_pton(AF_INET, getenv("BIND") ? getenv("BIND") : "127.0.0.1", &address.sin_addr);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    }
    return listen(fd, 1024) == 0 ? fd : -1;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "wait") == 0) {
        pause_ms(atoi(argv[2]));
        printf("waited %s ms\n", argv[2]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "show") == 0) {
        printf("%s=%s\n", argv[2], getenv(argv[2]) ? getenv(argv[2]) : "");
        for (int byte = getchar(); byte != EOF; byte = getchar()) putchar(byte);
        return 9;
    }
    version = getenv("VERSION") ? getenv("VERSION") : "none";
    errors = number("ERRORS");
    slow_ms = number("SLOW_MS");
    flap_ms = number("FLAP_MS");
    clock_gettime(CLOCK_MONOTONIC, &began);
    if (getenv("READY") && strcmp(getenv("READY"), "no") == 0) is_ready = 0;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 128 << 10);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    if (number("CRASH_MS") > 0) pthread_create(&thread, &small, crash, (void *)(long)number("CRASH_MS"));
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    if (number("START_MS") > 0) pause_ms(number("START_MS"));
    int fd = listener();
    if (fd < 0) {
        perror("listen");
        return 1;
    }
    fprintf(stderr, "version %s listens\n", version);
    while (!atomic_load(&is_stopping)) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) continue;
        int yes = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (pthread_create(&thread, &small, serve, (void *)(long)client) != 0) close(client);
    }
    close(fd);
    for (int rounds = 0; atomic_load(&under_way) > 0 && rounds < 500; rounds++) pause_ms(10);
    return 0;
}
