#ifndef TEST_SUPPORT_PUBLISH_RIG_H
#define TEST_SUPPORT_PUBLISH_RIG_H

/*
 * Uploads of `ascp-boc` to a service rig, and what the log holds afterwards.
 * Published rows are those of a phlebotomist (`ascp-pbt`), born 1990-05-17,
 * digits 1234, certified on 2019-03-01 until 2027-12-31.
 */

#include "proto/content_hash.h"
#include "proto/leaf.h"
#include "support/service_rig.h"

#include "vouch/v1/log_entry.pb-c.h"
#include "vouch/v1/publishing_service.pb-c.h"

#define PUBLISH "/vouch.v1.PublishingService/PublishCredentials"

#define ID_1 "0195f0c4-1111-7abc-8def-000000000001"
#define ID_2 "0195f0c4-1111-7abc-8def-000000000002"
#define ID_3 "0195f0c4-1111-7abc-8def-000000000003"
#define ID_4 "0195f0c4-1111-7abc-8def-000000000004"

#define ROWS 8

/* One upload in the making. */
struct upload {
    Vouch__V1__PublicationHeader header;
    Vouch__V1__CredentialRow rows[ROWS];
    Vouch__V1__CredentialRow *list[ROWS];
    Vouch__V1__HumanName names[ROWS];
    Vouch__V1__Date births[ROWS];
    Vouch__V1__Date issued[ROWS];
    Vouch__V1__Date until[ROWS];
    Vouch__V1__ValidityPeriod periods[ROWS];
    Vouch__V1__ValidityPeriod *period_list[ROWS];
    Vouch__V1__PublishCredentialsRequest request;
    char *types[1];
    Vouch__V1__UploadEnd end;
    uint8_t content_hash[CONTENT_HASH];
};

struct world {
    struct service_rig rig;
    struct upload upload;
};

/* What came back: everything of all messages together. */
struct result {
    enum grpc_code code;
    char reason[48];
    size_t accepted;            /* lines */
    struct {
        int64_t line;
        char reason[48];
        char field[48];
    } rejects[ROWS];
    size_t nrejects;
    size_t openings;
    int has_summary;
    int repeated;
    int64_t counts[4];
    int64_t not_listed;
    int withheld;
    int64_t first_log_index;
    int64_t event_count;
    int64_t manifest_log_index;
    char id[40];
};

/* One entry, copied. */
struct entry {
    int found;
    enum leaf_domain domain;
    uint8_t salt[LEAF_SALT];
    uint8_t leaf[LEAF_DATA];
    struct buf bytes;
};

/**
 * publish_setup(state) and publish_teardown(state):
 * A struct world in ${*state}, for cmocka.
 */
int publish_setup(void **state);
int publish_teardown(void **state);

/**
 * set_date(date, year, month, day):
 * Make ${date} that day.
 */
void set_date(Vouch__V1__Date *date, int32_t year, int32_t month,
    int32_t day);

/**
 * begin(upload, request_id):
 * Begin an upload, extracted a second ago.
 */
void begin(struct upload *u, const char *request_id);

/**
 * add(upload, number, family, status):
 * Add a row and return it; lines count from 2.
 */
Vouch__V1__CredentialRow *add(struct upload *u, char *number, char *family,
    char *status);

/**
 * snapshot(upload, minutes):
 * Make the upload a snapshot of `ascp-pbt`, as it was so many minutes ago.
 */
void snapshot(struct upload *u, int64_t minutes);

/**
 * end(upload):
 * Put the end behind all rows of the upload.
 */
void end(struct upload *u);

/**
 * publish(world):
 * Send the upload as one message, wait, and return what came back.
 */
struct result publish(struct world *w);

/**
 * say_many(world, from, n):
 * Send ${n} rows, ROWS in a message, with numbers from ${from} on.
 */
void say_many(struct world *w, int from, int n);

/**
 * collect(rig, result):
 * Put together what has come back so far.
 */
void collect(struct service_rig *rig, struct result *result);

void assert_counts(const struct result *r, int64_t new_count,
    int64_t changed, int64_t unchanged, int64_t rejected);

/**
 * read_entry(world, log_index, entry):
 * Copy an entry of the log; entry->bytes is to be freed.
 */
void read_entry(struct world *w, int64_t log_index, struct entry *entry);

/**
 * read_event(world, log_index):
 * Return the event at ${log_index}, to be given to free_event().
 */
Vouch__V1__Event *read_event(struct world *w, int64_t log_index);
void free_event(Vouch__V1__Event *event);

/**
 * last_word(world):
 * Return the last word of `ascp-boc`.
 */
struct store_source last_word(struct world *w);

/**
 * log_size(world):
 * Return how many entries the log has.
 */
int64_t log_size(struct world *w);

#endif /* !TEST_SUPPORT_PUBLISH_RIG_H */
