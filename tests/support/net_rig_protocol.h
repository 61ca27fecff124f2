#ifndef TEST_SUPPORT_NET_RIG_PROTOCOL_H
#define TEST_SUPPORT_NET_RIG_PROTOCOL_H

/* What net_rig.c needs of the protocol that net_rig.h describes. */

/**
 * rig_protocol_reset(void):
 * Forget the last rig's numbers, and that rig_release() was called.
 */
void rig_protocol_reset(void);

#endif /* !TEST_SUPPORT_NET_RIG_PROTOCOL_H */
