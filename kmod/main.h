/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What belongs to the module as a whole.
 */
#ifndef _DSTB_MAIN_H
#define _DSTB_MAIN_H

#include <linux/workqueue.h>

struct net;

/*
 * Slow work of the target: accepting, handshakes, closing. Unbound; WQ_MEM_RECLAIM: the way out of
 * trouble needs no memory.
 */
extern struct workqueue_struct *dstb_wq;

/*
 * What ends I/O that others may wait for, and never waits for I/O itself: watching, failing. Apart
 * from dstb_wq, where closing a target's connection waits for a device that may be a volume.
 */
extern struct workqueue_struct *dstb_watch_wq;

/*
 * Digests of the target. They take the CPU for long and wait for nothing; apart from what
 * has replies to send, and as many at a time as there are CPUs. WQ_MEM_RECLAIM: who writes to a
 * region waits for its resync.
 */
extern struct workqueue_struct *dstb_digest_wq;

int dstb_run_killable(struct net *net, void (*fn)(void *arg), void *arg);

#endif /* _DSTB_MAIN_H */
