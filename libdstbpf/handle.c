// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Handles, errors, options, names.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

const char *dst_version(void)
{
	return DST_VERSION;
}

struct dst_handle *dst_handle__new(void)
{
	return calloc(1, sizeof(struct dst_handle));
}

void dst_handle__free(struct dst_handle *handle)
{
	if (!handle)
		return;
	if (handle->nl)
		mnl_socket_close(handle->nl);
	free(handle->log);
	free(handle);
}

const char *dst_handle__error(const struct dst_handle *handle)
{
	return handle->error;
}

const char *dst_handle__log(const struct dst_handle *handle)
{
	return handle->log ? handle->log : "";
}

int dsti_error(struct dst_handle *handle, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(handle->error, sizeof(handle->error), format, args);
	va_end(args);
	return err;
}

/*
 * Copies the options that were given, or none, into those that this library knows. What an older
 * program does not know is zero; what a newer one knows more must be.
 */
int dsti_opts(struct dst_handle *handle, const void *given, void *known, size_t size)
{
	const unsigned char *bytes = given;
	size_t i, sz;

	memset(known, 0, size);
	if (!given)
		return 0;
	memcpy(&sz, given, sizeof(sz));
	if (sz < sizeof(sz))
		return dsti_error(handle, -EINVAL, "the options have no size");
	for (i = size; i < sz; i++)
		if (bytes[i])
			return dsti_error(handle, -E2BIG,
					  "an option that this libdstbpf (%s) does not know",
					  DST_VERSION);
	memcpy(known, given, sz < size ? sz : size);
	return 0;
}

int dsti_check_name(struct dst_handle *handle, const char *what, const char *name, size_t max)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t len = strlen(name);

	if (!len)
		return dsti_error(handle, -EINVAL, "the name of the %s is empty", what);
	if (len > max)
		return dsti_error(handle, -ENAMETOOLONG,
				  "the name of the %s, '%s', is longer than %zu characters", what,
				  name, max);
	if (strspn(name, allowed) != len)
		return dsti_error(handle, -EINVAL,
				  "the name of the %s, '%s', may consist of [A-Za-z0-9_.-] only",
				  what, name);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return dsti_error(handle, -EINVAL, "the name of the %s can't be '%s'", what, name);
	return 0;
}

static const char *pick(const char *const *names, size_t nr, uint32_t index)
{
	return index < nr && names[index] ? names[index] : "unknown";
}

const char *dst_volume_state__name(uint32_t state)
{
	static const char *const names[] = {
		[DST_VOLUME_STATE_ASSEMBLING] = "assembling",
		[DST_VOLUME_STATE_ACTIVE] = "active",
		[DST_VOLUME_STATE_DEGRADED] = "degraded",
		[DST_VOLUME_STATE_POLICY_LOST] = "policy-lost",
		[DST_VOLUME_STATE_FAULTED] = "faulted",
		[DST_VOLUME_STATE_STOPPED] = "stopped",
		[DST_VOLUME_STATE_HELD] = "held",
		[DST_VOLUME_STATE_FENCED] = "fenced",
		[DST_VOLUME_STATE_SUSPENDED] = "suspended",
	};

	return pick(names, ARRAY_SIZE(names), state);
}

const char *dst_node_state__name(uint32_t state)
{
	static const char *const names[] = {
		[DST_NODE_STATE_CONNECTING] = "connecting",
		[DST_NODE_STATE_UP] = "up",
		[DST_NODE_STATE_FAILED] = "failed",
		[DST_NODE_STATE_LOST] = "lost",
		[DST_NODE_STATE_AWAY] = "away",
		[DST_NODE_STATE_SUSPENDED] = "suspended",
		[DST_NODE_STATE_SYNCING] = "syncing",
		[DST_NODE_STATE_REFUSED] = "refused",
	};

	return pick(names, ARRAY_SIZE(names), state);
}

const char *dst_role__name(uint32_t role)
{
	static const char *const names[] = {
		[DST_ROLE_WRITER] = "writer",
		[DST_ROLE_READER] = "reader",
		[DST_ROLE_SHARED] = "shared",
	};

	return pick(names, ARRAY_SIZE(names), role);
}

const char *dst_event_kind__name(uint32_t kind)
{
	static const char *const names[] = {
		[DST_EVENT_KIND_VOLUME] = "volume",
		[DST_EVENT_KIND_NODE] = "node",
		[DST_EVENT_KIND_POLICY] = "policy",
		[DST_EVENT_KIND_EXPORT] = "export",
		[DST_EVENT_KIND_SESSION] = "session",
	};

	return pick(names, ARRAY_SIZE(names), kind);
}
