#ifndef CLIENT_SOCKET_BIO_H
#define CLIENT_SOCKET_BIO_H

/*
 * OpenSSL's way to a socket, without SIGPIPE: the one of OpenSSL calls
 * write(2), and a library must not kill the program that it is in.
 */

#include <openssl/bio.h>

/**
 * socket_bio_create(fd, method, bio):
 * Make a BIO on the non-blocking ${fd}, which stays the caller's.  Returns 0
 * with ${*method} for BIO_meth_free(), once ${*bio} is gone, and ${*bio} for
 * BIO_free() or SSL_set_bio(); or -1 with both NULL if memory ran out.
 */
int socket_bio_create(int fd, BIO_METHOD **method, BIO **bio);

#endif /* !CLIENT_SOCKET_BIO_H */
