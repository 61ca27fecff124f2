#ifndef BASE_ERRAND_H
#define BASE_ERRAND_H

/*
 * Something that waits for the disk, on its way to a thread that may: the
 * asker's memory until it has been run.
 */

struct errand {
    void (*run)(struct errand *errand);     /* called once, on that thread */
    struct errand *next;                    /* of whoever runs it */
};

#endif /* !BASE_ERRAND_H */
