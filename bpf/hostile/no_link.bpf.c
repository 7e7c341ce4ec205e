// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* no_link: a policy without a link, which bpftool struct_ops unregister takes away. */
#include "hostile.h"

#undef _DSTB_SEC_ops
#define _DSTB_SEC_ops ".struct_ops"

HOSTILE_LAYOUT(no_link)
{
	return 0;
}
