/*
 * make_records N: write records 0 to N - 1 as the plain CSV that
 * `vouch publish` takes, all in good standing until 2098.
 */

#include <stdio.h>
#include <stdlib.h>

#include "bench/records/record.h"

int
main(int argc, char *argv[])
{
    char *end = NULL;
    unsigned long n = argc == 2 ? strtoul(argv[1], &end, 10) : 0;

    if (end == NULL || *end != '\0' || n == 0 || n > RECORD_MOST) {
        fprintf(stderr, "usage: make_records N    (1 to %u)\n", RECORD_MOST);
        return (2);
    }
    puts("credential_type,number,family,given,birth_date,issued_on,"
        "expires_on,status");
    for (uint32_t i = 0; i < n; i++) {
        struct record r;

        record_make(i, &r);
        printf("%s,%s,%s,%s,%d-%02u-%02u,2019-02-04,2098-12-31,ACTIVE\n",
            r.type, r.number, r.family, r.given, r.birth_year,
            1 + i % 12, 1 + i % 28);
    }
    if (ferror(stdout) | fclose(stdout)) {
        perror("make_records");
        return (1);
    }
    return (0);
}
