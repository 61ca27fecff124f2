#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

/*
 * One verification on paper: everything that a person must see to rely on it.
 */

#include <stdio.h>

#include "vouch/v1/verification_service.pb-c.h"

/**
 * answer_print(f, response, seal, color):
 * Write the answer with what it answers, and what is to be said of its ${seal}.
 */
void answer_print(FILE *f, const Vouch__V1__VerifyCredentialResponse *response,
    const char *seal, int color);

#endif /* !CLIENT_ANSWER_H */
