// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* bad_name: does not load: a name that could not be a file's. */
#include "hostile.h"

DSTB_POLICY(bad_name, .name = "../x");
