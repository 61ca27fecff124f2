#ifndef TEST_SUPPORT_FAULT_H
#define TEST_SUPPORT_FAULT_H

/*
 * Make the nth allocation fail.  Linked with -Wl,--wrap=malloc,--wrap=calloc,
 * --wrap=realloc, so that production code carries no hook.
 */

/**
 * fault_arm(n):
 * Let ${n} allocations succeed and fail the one after; -1 disarms.
 */
void fault_arm(int n);

/**
 * fault_fired(void):
 * Return non-zero if an allocation has failed since fault_arm().
 */
int fault_fired(void);

#endif /* !TEST_SUPPORT_FAULT_H */
