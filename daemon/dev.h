#ifndef DAEMON_DEV_H
#define DAEMON_DEV_H

/*
 * `vouchd --dev DIR`: a whole installation under one folder, for trying things
 * out.  Never for production: its CAs' keys lie beside everything else.
 */

#include "conf/conf.h"
#include "proto/err.h"

struct dev {
    const char *dir;            /* borrowed; made if it is not there */
    const char *association;    /* borrowed; for whom a certificate is made */
};

/**
 * dev_prepare(dev, conf):
 * Make the folder, its CAs and certificates, root key, trust file and seal
 * keys, and point ${conf} at them, at a store and at keys under it, and at
 * the shipped catalog; the port becomes a free one.  What is there already is
 * kept.
 *
 * Fails: E_IO, E_NOTFOUND (the files that ship with the program are missing),
 * E_INVAL (not an association id), E_NOMEM; told on standard error.
 */
enum err MUST_USE dev_prepare(const struct dev *dev, struct conf *conf);

/**
 * dev_ready(cookie, port):
 * Write the files to be sourced, employer.env and so on, and print what to do
 * next, and `ready`.  ${cookie} is the struct dev.  An app_ready_fn.
 *
 * Fails: E_IO, E_NOMEM; told on standard error.
 */
enum err MUST_USE dev_ready(void *cookie, int port);

#endif /* !DAEMON_DEV_H */
