#ifndef TLS_TLS_TICKET_H
#define TLS_TLS_TICKET_H

/*
 * Resumption (RFC 8446 section 4.6.1): one ticket a handshake, which the peer
 * keeps and nothing here does.  It is sealed under keys that live and die with
 * the SSL_CTX, so that a reload makes all earlier ones worthless.
 *
 * A ticket proves who the peer was; who he is now is asked anew: his
 * certificate, which is in the ticket, is judged by tls_peer_verify() as in
 * any handshake, and if he would not be let in, the ticket is as if it were
 * not there: he has to show a certificate, and is refused for it.  Tickets that
 * come of a ticket end when the first one would have.  No early data.
 */

#include <openssl/ssl.h>

#include "proto/err.h"
#include "tls/tls_peer.h"

/**
 * tls_ticket_use(ctx, policy):
 * Have ${ctx} give out tickets for policy->resumption_us and take them back;
 * none if that is 0.  ${policy} must live as long as ${ctx} and own what this
 * puts into policy->tickets.
 *
 * Fails: E_NOMEM, E_CRYPTO.
 */
enum err MUST_USE tls_ticket_use(SSL_CTX *ctx, struct tls_policy *policy);

void tls_ticket_free(struct tls_tickets *tickets);

#endif /* !TLS_TLS_TICKET_H */
