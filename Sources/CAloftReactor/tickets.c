// Session tickets (RFC 5077, RFC 8446 §4.6.1): the server's memory of a session, encrypted and kept by the client.
#include "tls.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

struct key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char mac[32];
};

// The first writes; the second, which it replaced, still reads.
struct aloft_tls_ticket_keys {
    pthread_mutex_t lock;
    struct key keys[2];
    int count;
    uint64_t lifetime;
    uint64_t made;
};

static uint64_t seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (uint64_t)time.tv_sec;
}

// With the lock held.
static int replace(struct aloft_tls_ticket_keys *keys) {
    struct key fresh;
    if (RAND_bytes(fresh.name, sizeof fresh.name) != 1 || RAND_priv_bytes(fresh.cipher, sizeof fresh.cipher) != 1 ||
        RAND_priv_bytes(fresh.mac, sizeof fresh.mac) != 1)
        return -1;
    keys->keys[1] = keys->keys[0];
    keys->keys[0] = fresh;
    OPENSSL_cleanse(&fresh, sizeof fresh);
    if (keys->count < 2) keys->count++;
    keys->made = seconds();
    return 0;
}

struct aloft_tls_ticket_keys *aloft_tls_ticket_keys_make(uint64_t lifetime) {
    struct aloft_tls_ticket_keys *keys = OPENSSL_zalloc(sizeof *keys);
    if (!keys) return NULL;
    keys->lifetime = lifetime;
    if (pthread_mutex_init(&keys->lock, NULL) != 0 || replace(keys) != 0) {
        OPENSSL_free(keys);
        return NULL;
    }
    return keys;
}

void aloft_tls_ticket_keys_free(struct aloft_tls_ticket_keys *keys) {
    pthread_mutex_destroy(&keys->lock);
    OPENSSL_clear_free(keys, sizeof *keys);
}

int aloft_tls_ticket_keys_rotate(struct aloft_tls_ticket_keys *keys) {
    pthread_mutex_lock(&keys->lock);
    int result = replace(keys);
    pthread_mutex_unlock(&keys->lock);
    return result;
}

// The key to write with, or the one of this name; its place, or -1 where there is none. Old keys are replaced first, both
// where nobody came for a second lifetime.
static int find(struct aloft_tls_ticket_keys *keys, const unsigned char *name, struct key *found) {
    pthread_mutex_lock(&keys->lock);
    uint64_t age = seconds() - keys->made;
    int place = -1;
    if (age < keys->lifetime || (replace(keys) == 0 && (age < 2 * keys->lifetime || replace(keys) == 0))) {
        for (int index = 0; index < keys->count && place < 0; index++)
            if (!name || memcmp(keys->keys[index].name, name, sizeof found->name) == 0) place = index;
        if (place >= 0) *found = keys->keys[place];
    }
    pthread_mutex_unlock(&keys->lock);
    return place;
}

static int begin(struct key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int writes) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "sha256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) &&
           EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, writes);
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3). 0: no ticket, a whole handshake. 2: taken, and a new one is given.
static int use_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                   int writes) {
    const struct aloft_tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct key key;
    int place = find(context->tickets, writes ? NULL : name, &key);
    if (place < 0) return 0;
    int fine = 1;
    if (writes) {
        memcpy(name, key.name, sizeof key.name);
        fine = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1;
    }
    fine = fine && begin(&key, iv, cipher, mac, writes);
    OPENSSL_cleanse(&key, sizeof key);
    if (!fine) return writes ? -1 : 0;
    // A ticket of TLS 1.3 is to be used once (RFC 8446 §C.4).
    return !writes && (place > 0 || SSL_version(ssl) >= TLS1_3_VERSION) ? 2 : 1;
}

int aloft_tls_use_tickets(SSL_CTX *context, struct aloft_tls_ticket_keys *keys) {
    SSL_CTX_set_timeout(context, (long)keys->lifetime);
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_key) == 1;
}
