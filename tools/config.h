/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What save writes and restore reads: an object of "version", "policies", "exports" and "volumes".
 */
#ifndef DSTCTL_CONFIG_H
#define DSTCTL_CONFIG_H

#include <fcntl.h>

#include "medium.h"

#define CONFIG_FILE	"/etc/dst/config.json"
#define CONFIG_VERSION	1

#endif /* DSTCTL_CONFIG_H */
