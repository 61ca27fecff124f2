#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/fatal.h"
#include "bench/load/options.h"
#include "bench/load/report.h"
#include "bench/load/run.h"

int
main(int argc, char *argv[])
{
    static struct result result;
    struct options options;
    FILE *f;

    (void)signal(SIGPIPE, SIG_IGN);
    options_read(&options, argc, argv);
    run(&options, &result);
    report_table(&options, &result, stdout);
    if (options.json != NULL) {
        if ((f = fopen(options.json, "ae")) == NULL)
            fatal("cannot open %s: %s", options.json, strerror(errno));
        report_json(&options, &result, f);
        if (ferror(f) | fclose(f))
            fatal("cannot write %s", options.json);
    }
    if (ferror(stdout) | fclose(stdout))
        fatal("cannot write the result");
    return (report_errors(&result) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
