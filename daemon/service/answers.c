#include "service/answers.h"

#include <stdlib.h>

/* Of each kind in one message. */
#define BATCH 200

#define SIZE_FIRST 16

/* Make room for one more element of ${each} bytes behind ${n}. */
static enum err
make_room(void **array, size_t n, size_t *size, size_t each)
{
    size_t wanted = *size == 0 ? SIZE_FIRST : *size * 2;
    void *grown;

    if (n < *size)
        return (E_OK);
    if ((grown = realloc(*array, wanted * each)) == NULL)
        return (E_NOMEM);
    *array = grown;
    *size = wanted;
    return (E_OK);
}

enum err
answers_accept(struct answers *answers, int64_t line)
{
    void *array = answers->ranges;
    enum err err;

    if (answers->open) {
        answers->ranges[answers->nranges - 1].last = line;
        return (E_OK);
    }
    err = make_room(&array, answers->nranges, &answers->ranges_size,
        sizeof(*answers->ranges));
    answers->ranges = array;
    if (err != E_OK)
        return (err);
    answers->ranges[answers->nranges++] = (struct answer_range){line, line};
    answers->open = 1;
    return (E_OK);
}

enum err
answers_reject(struct answers *answers, const struct row_reject *reject)
{
    void *array = answers->rejects;
    enum err err;

    answers->open = 0;
    err = make_room(&array, answers->nrejects, &answers->rejects_size,
        sizeof(*answers->rejects));
    answers->rejects = array;
    if (err == E_OK)
        answers->rejects[answers->nrejects++] = *reject;
    return (err);
}

/* One message of what comes next. */
static enum err
send_batch(struct answers *answers, struct sink sink)
{
    Vouch__V1__PublishCredentialsResponse response =
        VOUCH__V1__PUBLISH_CREDENTIALS_RESPONSE__INIT;
    Vouch__V1__LineRange ranges[BATCH];
    Vouch__V1__LineRange *range_list[BATCH];
    Vouch__V1__RowReject rejects[BATCH];
    Vouch__V1__RowReject *reject_list[BATCH];
    size_t i;

    for (i = 0; i < BATCH && answers->ranges_sent < answers->nranges; i++) {
        const struct answer_range *range =
            &answers->ranges[answers->ranges_sent++];

        vouch__v1__line_range__init(&ranges[i]);
        ranges[i].first = range->first;
        ranges[i].last = range->last;
        range_list[i] = &ranges[i];
    }
    response.accepted = range_list;
    response.n_accepted = i;
    for (i = 0; i < BATCH && answers->rejects_sent < answers->nrejects; i++) {
        publish_row_fill(&answers->rejects[answers->rejects_sent++],
            &rejects[i]);
        reject_list[i] = &rejects[i];
    }
    response.rejects = reject_list;
    response.n_rejects = i;
    return (sink.ops->send(sink.cookie, &response.base));
}

enum err
answers_send(struct answers *answers, struct sink sink, int *all)
{
    enum err err;

    *all = 0;
    while (answers->ranges_sent < answers->nranges ||
        answers->rejects_sent < answers->nrejects) {
        if (sink.ops->backlog(sink.cookie) >= SINK_FULL)
            return (E_OK);
        if ((err = send_batch(answers, sink)) != E_OK)
            return (err);
    }
    /* Everything is out: begin again in the same room. */
    answers->nranges = 0;
    answers->ranges_sent = 0;
    answers->nrejects = 0;
    answers->rejects_sent = 0;
    answers->open = 0;
    *all = 1;
    return (E_OK);
}

void
answers_free(struct answers *answers)
{
    free(answers->ranges);
    free(answers->rejects);
    *answers = (struct answers){0};
}
