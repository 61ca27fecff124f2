#ifndef TEST_SUPPORT_FAULT_H
#define TEST_SUPPORT_FAULT_H

/*
 * Make the nth allocation fail.  Linked with -Wl,--wrap=malloc,--wrap=calloc,
 * --wrap=realloc, so that production code carries no hook.
 *
 * A test that fails every allocation in turn is run twice: as it stands, and
 * with VOUCH_FAULT=forever in the environment (unit.<name>.forever), where
 * what fails goes on failing until it is disarmed.
 */

/**
 * fault_arm(n):
 * Let ${n} allocations succeed and fail the one after; -1 disarms.  With
 * VOUCH_FAULT=forever this is fault_arm_forever().
 */
void fault_arm(int n);

/**
 * fault_arm_forever(n):
 * Let ${n} allocations succeed and fail every one after; -1 disarms.
 */
void fault_arm_forever(int n);

/**
 * fault_fired(void):
 * Return non-zero if an allocation has failed since fault_arm().
 */
int fault_fired(void);

#endif /* !TEST_SUPPORT_FAULT_H */
