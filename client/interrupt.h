#ifndef CLIENT_INTERRUPT_H
#define CLIENT_INTERRUPT_H

/*
 * A word to whoever interrupts a long job.
 */

/**
 * interrupt_arm(note):
 * From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored, first write
 * ${note}, which is borrowed until interrupt_disarm(), to standard error, then
 * end the program as they would have.
 */
void interrupt_arm(const char *note);

/**
 * interrupt_disarm(void):
 * From now on they just end the program.
 */
void interrupt_disarm(void);

#endif /* !CLIENT_INTERRUPT_H */
