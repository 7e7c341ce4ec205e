// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* bad_abi: does not load: made for another version of the interface. */
#include "hostile.h"

DSTB_POLICY(bad_abi, .abi = DSTB_POLICY_ABI + 1);
