// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl node probe: of which volume is this a node? For people, and for udev, which imports the
 * lines of it. Needs no kernel module.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "medium.h"

static int print_super(const struct context *ctx, const struct dstb_super *super)
{
	char volume[37], node[37];

	uuid_text(super->volume, volume);
	uuid_text(super->node, node);
	if (ctx->json)
		return print_json(json_pack("{s:b, s:i, s:s, s:s, s:s}", "damaged", 0, "node",
					    (int)super->index, "node_uuid", node, "volume",
					    super->name, "volume_uuid", volume));
	printf("DST_NODE=%u\nDST_NODE_UUID=%s\nDST_VOLUME=%s\nDST_VOLUME_UUID=%s\n", super->index,
	       node, super->name, volume);
	return 0;
}

/* It is, or was, a node all the same. */
static int print_damaged(const struct context *ctx)
{
	if (ctx->json)
		return print_json(json_pack("{s:b}", "damaged", 1));
	puts("DST_NODE=damaged");
	return 0;
}

int node_probe(struct context *ctx)
{
	const char *path = ctx->args[0];
	int status, fd = open(path, O_RDONLY | O_CLOEXEC);
	struct dstb_super *super;

	if (fd < 0)
		return refuse("can't read '%s': %s", path, strerror(errno));
	close(fd);
	super = malloc(sizeof(*super));
	if (!super)
		return refuse("out of memory");
	switch (medium_state(path, super)) {
	case DSTB_DISK_VALID:
		status = print_super(ctx, super);
		break;
	case DSTB_DISK_CORRUPT:
		status = print_damaged(ctx);
		break;
	default:
		status = refuse("'%s' is no node: there is no superblock of DST", path);
		break;
	}
	free(super);
	return status;
}
