// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* bad_flags: does not load: flags that nobody knows. */
#include "hostile.h"

DSTB_POLICY(bad_flags, .flags = 1);
