/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a name may be made of, whether it comes from the operator, a policy, a peer or a medium.
 * Needs nothing of the kernel: the codecs are built for userspace, too.
 */
#ifndef _DSTB_NAME_H
#define _DSTB_NAME_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

static inline bool dstb_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

/**
 * dstb_name_len() - how long a name is
 * @s:		the name; may come from anywhere
 * @size:	room for it, with the terminating zero
 *
 * Context: any.
 * Return: its length in bytes, or 0 when it is none: empty, not terminated, or of other
 * characters than [A-Za-z0-9_.-].
 */
static inline size_t dstb_name_len(const char *s, size_t size)
{
	size_t i;

	for (i = 0; i < size && s[i]; i++)
		if (!dstb_name_char(s[i]))
			return 0;
	return i < size ? i : 0;
}

#endif /* _DSTB_NAME_H */
