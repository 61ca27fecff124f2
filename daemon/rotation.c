#include "rotation.h"

#include <string.h>

#include "base/clock.h"
#include "revoker.h"

static void
run(struct errand *errand)
{
    struct rotating *r = (struct rotating *)errand;

    r->err = seal_keys_rotate(r->keys, r->is_expected ? r->expected : NULL,
        clock_wall_us(), &r->rotation, r->why, sizeof(r->why));
    r->done(r);
}

void
rotation_rotate(void *cookie, struct rotating *rotating)
{
    const struct rotation *rotation = cookie;
    enum err err;

    rotating->errand.run = run;
    rotating->keys = rotation->keys;
    rotating->why[0] = '\0';
    memset(&rotating->rotation, 0, sizeof(rotating->rotation));
    /* Once it is the thread's, it may be gone at any time. */
    if ((err = revoker_run(rotation->revoker, &rotating->errand)) != E_OK) {
        rotating->err = err;
        rotating->done(rotating);
    }
}
