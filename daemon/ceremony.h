#ifndef DAEMON_CEREMONY_H
#define DAEMON_CEREMONY_H

/*
 * `vouchd trust ...`: shows a trust file, or changes it and signs it by the
 * root key.  For the machine that the root key is kept on: it needs no daemon,
 * no settings and no network.
 */

/**
 * ceremony_main(argc, argv):
 * Run the subcommand, whose name is ${argv}[0]; return the exit code.
 */
int ceremony_main(int argc, char *argv[]);

#endif /* !DAEMON_CEREMONY_H */
