#ifndef DAEMON_INIT_H
#define DAEMON_INIT_H

/*
 * `vouchd init` and `vouchd key make`: what must be there before answers can
 * be sealed, made by hand and once.
 */

/* How long keys and trust files are good unless it is said, in days. */
#define INIT_KEY_DAYS 800
#define INIT_TRUST_DAYS 400

/**
 * init_main(argc, argv):
 * key_main(argc, argv):
 * Run the subcommand, whose name is ${argv}[0]; return the exit code.
 */
int init_main(int argc, char *argv[]);
int key_main(int argc, char *argv[]);

#endif /* !DAEMON_INIT_H */
