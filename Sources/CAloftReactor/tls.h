// What the parts of the TLS shim share.
#ifndef ALOFT_TLS_PRIVATE_H
#define ALOFT_TLS_PRIVATE_H

#include "CAloftTLS.h"
#include <openssl/ssl.h>

struct aloft_tls_context {
    SSL_CTX *context;
    unsigned char *protocols;
    size_t protocols_size;
    struct aloft_tls_ticket_keys *tickets;
    aloft_tls_choose choose;
    const void *table;
};

// Has the context write and read tickets with these keys. 1, or 0 where it can't.
int aloft_tls_use_tickets(SSL_CTX *context, struct aloft_tls_ticket_keys *keys);

#endif
