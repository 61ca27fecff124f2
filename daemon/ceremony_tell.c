#include "ceremony_tell.h"

#include <stdio.h>
#include <string.h>

#include "proto/bytes.h"

#define DAY_US (24LL * 60 * 60 * 1000000)
#define ID_TEXT (2 * ED25519_KEY_ID + 1)

static const char *
hex(const uint8_t id[ED25519_KEY_ID], char text[ID_TEXT])
{
    bytes_to_hex((struct slice){id, ED25519_KEY_ID}, text);
    return (text);
}

static const char *
time_of(int64_t us, char text[TRUST_TIME_MAX + 1])
{
    trust_time(us, text);
    return (text);
}

static void
print_root(const char *label, const uint8_t root[ED25519_PUBLIC_KEY])
{
    uint8_t id[ED25519_KEY_ID];
    char text[ID_TEXT];

    ed25519_key_id(root, id);
    printf("%s%s\n", label, hex(id, text));
}

static void
print_key(const char *mark, const struct trust_key *key)
{
    char id[ID_TEXT], from[TRUST_TIME_MAX + 1], until[TRUST_TIME_MAX + 1],
        since[TRUST_TIME_MAX + 1];

    printf("%s%-10s  %s\n", mark, trust_use_name(key->use),
        hex(key->id, id));
    printf("%*s%s, valid from %s until %s\n", (int)strlen(mark) + 12, "",
        trust_state_name(key->state), time_of(key->from_us, from),
        time_of(key->until_us, until));
    if (key->state == TRUST_COMPROMISED)
        printf("%*scompromised since %s\n", (int)strlen(mark) + 12, "",
            time_of(key->compromised_us, since));
}

void
ceremony_tell(const struct trust *trust, int64_t now_us)
{
    const struct trust_content *content = trust_content(trust);
    char text[TRUST_TIME_MAX + 1];

    printf("origin      %s\n", content->origin);
    print_root("root key    ", trust_root_key(trust));
    printf("version     %lld\n", (long long)content->version);
    printf("issued      %s\n", time_of(content->issued_us, text));
    printf("expires     %s", time_of(content->expires_us, text));
    if (now_us >= content->expires_us)
        printf(", OVER: vouchd trust renew\n");
    else
        printf(", in %lld days\n",
            (long long)((content->expires_us - now_us) / DAY_US));
    for (size_t i = 0; i < content->nkeys; i++)
        print_key("", &content->keys[i]);
}

/* ---- what has changed -------------------------------------------------- */

static const struct trust_key *
find(const struct trust_content *content, const struct trust_key *key)
{
    for (size_t i = 0; i < content->nkeys; i++)
        if (content->keys[i].use == key->use &&
            memcmp(content->keys[i].id, key->id, ED25519_KEY_ID) == 0)
            return (&content->keys[i]);
    return (NULL);
}

/* Which keys there are, and all of them but state and time, stays. */
static void
print_keys(const struct trust_content *before,
    const struct trust_content *after)
{
    for (size_t i = 0; i < after->nkeys; i++) {
        const struct trust_key *key = &after->keys[i];
        const struct trust_key *old = find(before, key);

        if (old == NULL)
            print_key("+ ", key);
        else if (old->state != key->state ||
            old->compromised_us != key->compromised_us) {
            print_key("- ", old);
            print_key("+ ", key);
        }
    }
}

static void
warn(const struct trust_content *after, int64_t now_us)
{
    for (size_t i = 0; i < after->nkeys; i++) {
        const struct trust_key *key = &after->keys[i];

        if (key->use == TRUST_SEAL && key->state == TRUST_ACTIVE &&
            key->until_us > now_us)
            return;
    }
    printf("\nNO SEAL KEY IS LEFT that is active: a daemon will not take this "
        "file.\nvouchd trust add lists one.\n");
}

void
ceremony_tell_change(const char *path, const struct trust *before,
    const struct trust_content *after, const uint8_t root[ED25519_PUBLIC_KEY],
    int64_t now_us)
{
    const struct trust_content *old = trust_content(before);
    char from[TRUST_TIME_MAX + 1], to[TRUST_TIME_MAX + 1];

    printf("%s\n", path);
    printf("- version     %lld\n+ version     %lld\n",
        (long long)old->version, (long long)after->version);
    if (old->expires_us != after->expires_us)
        printf("- expires     %s\n+ expires     %s\n",
            time_of(old->expires_us, from), time_of(after->expires_us, to));
    if (memcmp(trust_root_key(before), root, ED25519_PUBLIC_KEY) != 0) {
        print_root("- root key    ", trust_root_key(before));
        print_root("+ root key    ", root);
    }
    print_keys(old, after);
    warn(after, now_us);
}
