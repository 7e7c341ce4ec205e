/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /sys/kernel/debug/dst: what is inside, for developers. No interface: it changes without notice.
 */
#ifndef _DSTB_DEBUGFS_H
#define _DSTB_DEBUGFS_H

void dstb_debugfs_init(void);
void dstb_debugfs_exit(void);

#endif /* _DSTB_DEBUGFS_H */
