// OpenSSL 3 on descriptors, for servers. Its own headers stay out of Swift: much of them is macros.
#ifndef CALOFTTLS_H
#define CALOFTTLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct aloft_tls;             // a connection (SSL)
struct aloft_tls_context;     // certificates and settings (SSL_CTX)
struct aloft_tls_ticket_keys; // keys of session tickets, for any number of contexts and threads

// Gives the context for a server name, or NULL for the one at hand.
typedef const struct aloft_tls_context *(*aloft_tls_choose)(const void *table, const char *name);

enum aloft_tls_verify { ALOFT_VERIFY_NONE, ALOFT_VERIFY_REQUEST, ALOFT_VERIFY_REQUIRE };

// Pointers are to be valid during the call only, but for `tickets`, `choose` and `table`, which outlive the context.
struct aloft_tls_settings {
    const char *chain; // PEM, leaf first
    size_t chain_size;
    const char *key; // PEM, not encrypted
    size_t key_size;
    int minimum_is_13;
    const unsigned char *protocols; // for ALPN, each with its length before it (RFC 7301 §3.1)
    size_t protocols_size;
    enum aloft_tls_verify verify;
    const char *authorities; // PEM, those that may sign clients' certificates
    size_t authorities_size;
    struct aloft_tls_ticket_keys *tickets;
    aloft_tls_choose choose;
    const void *table;
};

// NULL with the reason in `error`.
struct aloft_tls_context *aloft_tls_context_make(const struct aloft_tls_settings *settings, char *error, size_t size);
void aloft_tls_context_free(struct aloft_tls_context *context);

// Keys that are replaced when they are `lifetime` seconds old; tickets of the last replaced one are still taken.
struct aloft_tls_ticket_keys *aloft_tls_ticket_keys_make(uint64_t lifetime);
void aloft_tls_ticket_keys_free(struct aloft_tls_ticket_keys *keys);
// Replaces the key now. Returns 0, or -1 where there is no randomness.
int aloft_tls_ticket_keys_rotate(struct aloft_tls_ticket_keys *keys);

// A server's side of a connection; the descriptor stays the caller's. NULL without memory.
struct aloft_tls *aloft_tls_make(const struct aloft_tls_context *context, int fd);
void aloft_tls_free(struct aloft_tls *tls);

// Each returns a count, or a negative errno. -EAGAIN: try again when the socket has bytes, for reading and shaking hands,
// or takes some, for writing. -EALREADY: the other way round.
//
// 1 once the handshake is done; -EPROTO with the reason in `error` (a constant) when one side refused the other, and
// -ECONNRESET when the peer left.
ssize_t aloft_tls_handshake(struct aloft_tls *tls, const char **error);
// 0 at the end of the stream, announced by the peer or not; -EPROTO for what is no TLS.
ssize_t aloft_tls_read(struct aloft_tls *tls, void *bytes, size_t count);
// What is taken is one record at most. After -EAGAIN the same bytes come first in the next call, wherever they lie.
ssize_t aloft_tls_write(struct aloft_tls *tls, const void *bytes, size_t count);
// Sends the farewell (close_notify).
ssize_t aloft_tls_shutdown(struct aloft_tls *tls);

// The protocol that ALPN chose; 0 bytes where there is none.
size_t aloft_tls_protocol(const struct aloft_tls *tls, const unsigned char **protocol);
// The server name the client asked for, or NULL.
const char *aloft_tls_server_name(const struct aloft_tls *tls);
// `TLSv1.3`.
const char *aloft_tls_version(const struct aloft_tls *tls);
int aloft_tls_is_resumed(const struct aloft_tls *tls);
// The subject of the client's certificate as RFC 2253 writes it; -1 where there is none. Longer than `size`: cut.
ssize_t aloft_tls_subject(const struct aloft_tls *tls, char *text, size_t size);

#endif
