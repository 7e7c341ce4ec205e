// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* linear_mirror: says that it is the policy mirror, but concatenates the nodes. */
#include "hostile.h"

DSTB_POLICY(linear_mirror, .name = "mirror");
