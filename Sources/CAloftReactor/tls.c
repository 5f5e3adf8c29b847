#include "CAloftTLS.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "tls.h"

// Forward secrecy and authenticated encryption only; what TLS 1.3 has needs no choice.
static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                              "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char groups[] = "X25519:P-256:P-384";

static void explain(char *error, size_t size, const char *what) {
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    snprintf(error, size, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
}

static int no_password(char *text, int size, int writing, void *data) {
    (void)text, (void)size, (void)writing, (void)data;
    return -1;
}

static int use_chain(SSL_CTX *context, const char *pem, size_t size) {
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    if (!bio) return 0;
    X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL);
    int fine = certificate && SSL_CTX_use_certificate(context, certificate) == 1;
    X509_free(certificate);
    while (fine && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
        fine = SSL_CTX_add0_chain_cert(context, certificate) == 1;
    // The end of the text ends the loop as "no start line".
    unsigned long last = ERR_peek_last_error();
    if (fine && last && !(ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE)) fine = 0;
    if (fine) ERR_clear_error();
    BIO_free(bio);
    return fine;
}

static int use_key(SSL_CTX *context, const char *pem, size_t size) {
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    int fine = key && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return fine;
}

static int use_authorities(SSL_CTX *context, const char *pem, size_t size) {
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    if (!bio) return 0;
    int count = 0, fine = 1;
    X509 *certificate;
    while (fine && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
        fine = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1 &&
               SSL_CTX_add_client_CA(context, certificate) == 1;
        X509_free(certificate);
        count++;
    }
    BIO_free(bio);
    if (fine && count) ERR_clear_error();
    return fine && count > 0;
}

// What was agreed under other rules for clients' certificates is not resumed under these.
static int separate_sessions(SSL_CTX *context, const struct aloft_tls_settings *settings) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    unsigned char verify = (unsigned char)settings->verify;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    int fine = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) && EVP_DigestUpdate(hash, &verify, 1) &&
               EVP_DigestUpdate(hash, settings->authorities ? settings->authorities : "", settings->authorities_size) &&
               EVP_DigestFinal_ex(hash, digest, &size);
    EVP_MD_CTX_free(hash);
    return fine && SSL_CTX_set_session_id_context(context, digest, SSL_MAX_SID_CTX_LENGTH) == 1;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *offered,
                           unsigned int offered_size, void *argument) {
    (void)ssl;
    const struct aloft_tls_context *context = argument;
    if (SSL_select_next_proto((unsigned char **)out, size, context->protocols, (unsigned)context->protocols_size, offered,
                              offered_size) == OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_OK;
    // no_application_protocol (RFC 7301 §3.2)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int choose_certificate(SSL *ssl, int *alert, void *argument) {
    (void)alert;
    const struct aloft_tls_context *context = argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (!name || !context->choose) return SSL_TLSEXT_ERR_NOACK;
    const struct aloft_tls_context *chosen = context->choose(context->table, name);
    if (chosen && chosen != context) SSL_set_SSL_CTX(ssl, chosen->context);
    return SSL_TLSEXT_ERR_OK;
}

static const char *configure(struct aloft_tls_context *made, const struct aloft_tls_settings *settings) {
    SSL_CTX *context = made->context;
    SSL_CTX_set_app_data(context, made);
    SSL_CTX_set_min_proto_version(context, settings->minimum_is_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // An idle connection gives its buffers back; writes are taken a record at a time and repeated from anywhere.
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_cipher_list(context, ciphers) != 1 || SSL_CTX_set1_groups_list(context, groups) != 1)
        return "this OpenSSL lacks the ciphers or groups";
    if (!use_chain(context, settings->chain, settings->chain_size)) return "the certificate chain can't be read";
    if (!use_key(context, settings->key, settings->key_size)) return "the private key can't be used";
    if (SSL_CTX_check_private_key(context) != 1) return "the private key does not belong to the certificate";
    if (settings->verify != ALOFT_VERIFY_NONE) {
        if (!use_authorities(context, settings->authorities, settings->authorities_size))
            return "the authorities for client certificates can't be read";
        SSL_CTX_set_verify(
            context,
            SSL_VERIFY_PEER | (settings->verify == ALOFT_VERIFY_REQUIRE ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    }
    if (!separate_sessions(context, settings)) return "sessions can't be told apart";
    if (settings->protocols_size) SSL_CTX_set_alpn_select_cb(context, choose_protocol, made);
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context, made);
    return aloft_tls_use_tickets(context, settings->tickets) ? NULL : "session tickets can't be used";
}

struct aloft_tls_context *aloft_tls_context_make(const struct aloft_tls_settings *settings, char *error, size_t size) {
    ERR_clear_error();
    struct aloft_tls_context *made = OPENSSL_zalloc(sizeof *made);
    if (made) made->context = SSL_CTX_new(TLS_server_method());
    if (made && settings->protocols_size) made->protocols = OPENSSL_memdup(settings->protocols, settings->protocols_size);
    if (!made || !made->context || (settings->protocols_size && !made->protocols)) {
        explain(error, size, "there is no memory for TLS");
        aloft_tls_context_free(made);
        return NULL;
    }
    made->protocols_size = settings->protocols_size;
    made->tickets = settings->tickets;
    made->choose = settings->choose;
    made->table = settings->table;
    const char *problem = configure(made, settings);
    if (!problem) return made;
    explain(error, size, problem);
    aloft_tls_context_free(made);
    return NULL;
}

void aloft_tls_context_free(struct aloft_tls_context *context) {
    if (!context) return;
    SSL_CTX_free(context->context);
    OPENSSL_free(context->protocols);
    OPENSSL_free(context);
}

struct aloft_tls *aloft_tls_make(const struct aloft_tls_context *context, int fd) {
    SSL *ssl = SSL_new(context->context);
    if (ssl && SSL_set_fd(ssl, fd) == 1) {
        SSL_set_accept_state(ssl);
        return (struct aloft_tls *)ssl;
    }
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

static SSL *ssl_of(const struct aloft_tls *tls) { return (SSL *)tls; }

void aloft_tls_free(struct aloft_tls *tls) {
    SSL_free(ssl_of(tls));
    ERR_clear_error();
}

// What a call that gave nothing means. `same` is the direction for which the caller waits anyway.
static ssize_t meaning(SSL *ssl, int result, int same) {
    int code = errno;
    int error = SSL_get_error(ssl, result);
    if (error == same) return -EAGAIN;
    switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return -EALREADY;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: return code && code != EAGAIN ? -code : -ECONNRESET;
    default: return -EPROTO;
    }
}

ssize_t aloft_tls_handshake(struct aloft_tls *tls, const char **error) {
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(ssl_of(tls));
    if (result == 1) return 1;
    ssize_t meant = meaning(ssl_of(tls), result, SSL_ERROR_WANT_READ);
    if (meant == 0) meant = -ECONNRESET;
    if (meant == -EPROTO) {
        unsigned long code = ERR_peek_last_error();
        const char *reason = code ? ERR_reason_error_string(code) : NULL;
        *error = reason ? reason : "the handshake failed";
        ERR_clear_error();
    }
    return meant;
}

ssize_t aloft_tls_read(struct aloft_tls *tls, void *bytes, size_t count) {
    size_t done = 0;
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(ssl_of(tls), bytes, count, &done);
    return result == 1 ? (ssize_t)done : meaning(ssl_of(tls), result, SSL_ERROR_WANT_READ);
}

ssize_t aloft_tls_write(struct aloft_tls *tls, const void *bytes, size_t count) {
    size_t done = 0;
    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(ssl_of(tls), bytes, count, &done);
    if (result == 1) return (ssize_t)done;
    ssize_t meant = meaning(ssl_of(tls), result, SSL_ERROR_WANT_WRITE);
    return meant == 0 ? -EPIPE : meant;
}

ssize_t aloft_tls_shutdown(struct aloft_tls *tls) {
    ERR_clear_error();
    errno = 0;
    int result = SSL_shutdown(ssl_of(tls));
    if (result >= 0) return 0;
    ssize_t meant = meaning(ssl_of(tls), result, SSL_ERROR_WANT_WRITE);
    // A peer that is gone needs no farewell.
    return meant == -EAGAIN ? -EAGAIN : 0;
}

size_t aloft_tls_protocol(const struct aloft_tls *tls, const unsigned char **protocol) {
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_of(tls), protocol, &size);
    return size;
}

const char *aloft_tls_server_name(const struct aloft_tls *tls) {
    return SSL_get_servername(ssl_of(tls), TLSEXT_NAMETYPE_host_name);
}

const char *aloft_tls_version(const struct aloft_tls *tls) { return SSL_get_version(ssl_of(tls)); }

int aloft_tls_is_resumed(const struct aloft_tls *tls) { return SSL_session_reused(ssl_of(tls)); }

ssize_t aloft_tls_subject(const struct aloft_tls *tls, char *text, size_t size) {
    X509 *certificate = SSL_get0_peer_certificate(ssl_of(tls));
    BIO *bio = certificate ? BIO_new(BIO_s_mem()) : NULL;
    if (!bio) return -1;
    ssize_t count = -1;
    if (X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0)
        count = BIO_read(bio, text, (int)size);
    BIO_free(bio);
    ERR_clear_error();
    return count < 0 ? 0 : count;
}
