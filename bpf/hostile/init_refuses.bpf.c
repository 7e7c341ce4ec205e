// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* init_refuses: init() refuses the volume. */
#include "hostile.h"

int DSTB_PROG(init, init_refuses_init, struct dstb_init *init)
{
	return -EINVAL;
}

DSTB_POLICY(init_refuses, .init = (void *)init_refuses_init);
