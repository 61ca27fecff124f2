#ifndef CLIENT_WORDS_H
#define CLIENT_WORDS_H

/*
 * What the enums of an answer mean, in sentences for people.
 */

#include "vouch/v1/verification.pb-c.h"

const char *words_verdict(Vouch__V1__Verdict verdict);
const char *words_reason(Vouch__V1__Reason reason);
const char *words_cause(Vouch__V1__InnocentCause cause);
const char *words_not_established(Vouch__V1__NotEstablished what);

#endif /* !CLIENT_WORDS_H */
