// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrong_kfunc: does not load: init() calls what only place() may call. */
#include "hostile.h"

int DSTB_PROG(init, wrong_kfunc_init, struct dstb_init *init)
{
	return dstb_place_leg((void *)init, 0, 0);
}

DSTB_POLICY(wrong_kfunc, .init = (void *)wrong_kfunc_init);
