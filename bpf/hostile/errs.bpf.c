// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * errs: io_error() leaves it to the default (switch at 0); after a read, keeps the node (1) or
 * drops it (2); tries a node that is out again after a second (3), or too soon (4); keeps one that
 * is out, and wants to try one again that is not (5); answers nonsense (6).
 */
#include "hostile.h"

HOSTILE_SWITCH(errs);

int DSTB_PROG(io_error, errs_error, struct dstb_layout *layout, struct dstb_io_error *error)
{
	bool read = error->error == DSTB_ERROR_READ;
	struct dstb_node_view view = {};

	/* What is asked about is there, and has failed. */
	if (dstb_member_view(layout, error->node, &view, sizeof(view)) || !view.errors ||
	    read != !!error->nr_sectors)
		return 7;
	switch (hostile_switch(&k_errs)) {
	case 1:
		return read ? DSTB_IO_KEEP : -1;
	case 2:
		return DSTB_IO_DROP;
	case 3:
		error->retry_ms = DSTB_RETRY_MIN;
		return read ? -1 : DSTB_IO_RETRY;
	case 4:
		error->retry_ms = DSTB_RETRY_MIN - 1;
		return read ? -1 : DSTB_IO_RETRY;
	case 5:
		return read ? DSTB_IO_RETRY : DSTB_IO_KEEP;
	case 6:
		return 3;
	default:
		return -1;
	}
}

HOSTILE_RECOVERY(errs, .io_error = (void *)errs_error);
