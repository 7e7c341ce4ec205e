/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * libdstbpf: control of DST, the distributed block device: policies (over libbpf), volumes,
 * exports and events (over generic netlink).
 *
 * Rules of this interface:
 * - Functions return 0 or a negative errno; dst_handle__error() then says in a sentence what was
 *   wrong.
 * - A handle, and what was made from it, is for one thread at a time.
 * - Structs of options begin with their size: DST_OPTS() fills it in. A NULL pointer is all
 *   defaults. Bits of a newer program that this library does not know must be zero: new members
 *   take bytes of "reserved", which is where padding would be, or come behind it.
 * - Structs of information are made by the library, and valid until the callback that gets them
 *   returns. They begin with their size, too: new members are only ever appended, and a member
 *   beyond the size is not there. Arrays are of pointers. Strings in them are never NULL.
 * - A callback that returns non-zero ends the walk, and its value is returned. Callbacks may call
 *   the library.
 */
#ifndef DST_DST_H
#define DST_DST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dst_netlink.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DST_DEFAULT_PORT	7700
#define DST_VOLUME_NAME_MAX	27	/* characters */
#define DST_POLICY_NAME_MAX	15
#define DST_EXPORT_NAME_MAX	63
#define DST_PARAM_NAME_MAX	31
#define DST_PIN_DIR		"/sys/fs/bpf/dst"

/**
 * DST_OPTS() - define a struct of options
 * @type:	for example dst_policy_load_opts
 * @name:	of the variable
 *
 * Then come its members, for example .pin_dir = "/sys/fs/bpf/x".
 */
#define DST_OPTS(type, name, ...) struct type name = { .sz = sizeof(struct type), __VA_ARGS__ }

struct dst_addr;
struct dst_events;
struct dst_export_spec;
struct dst_handle;
struct dst_volume_spec;

/* The library */

/**
 * dst_version() - version of the library
 *
 * Return: for example "0.1.0".
 */
const char *dst_version(void);

/* Handles */

/**
 * dst_handle__new() - begin to use the library
 *
 * Does not need the module yet: a call that talks to it returns -ENODEV when it can't be loaded.
 *
 * The module may be unloaded and loaded anew meanwhile.
 *
 * Return: a handle, or NULL with errno set.
 */
struct dst_handle *dst_handle__new(void);

/**
 * dst_handle__free() - end it
 * @handle:	the handle, or NULL
 */
void dst_handle__free(struct dst_handle *handle);

/**
 * dst_handle__error() - what went wrong last
 * @handle:	the handle
 *
 * Return: a sentence without a full stop, in the words of the kernel where it had some; valid
 * until the next call.
 */
const char *dst_handle__error(const struct dst_handle *handle);

/**
 * dst_handle__log() - what the BPF verifier and libbpf said when a policy was loaded last
 * @handle:	the handle
 *
 * Return: lines of text, maybe none; valid until the next call.
 */
const char *dst_handle__log(const struct dst_handle *handle);

/* Addresses and sizes */

/** enum dst_addr_flags - what an address must be */
enum dst_addr_flags {
	DST_ADDR_REMOTE = 0,	/* of an export: dst://HOST[:PORT]/EXPORT */
	DST_ADDR_LISTEN = 1,	/* to listen on: dst://HOST[:PORT], no export, any host allowed */
};

/**
 * dst_addr__parse() - parse an address
 * @handle:	gets the error
 * @text:	dst://HOST[:PORT]/EXPORT (an IPv6 address in brackets),
 *		dst+unix:///EXPORT?socket=PATH or dst+vsock://CID[:PORT]/EXPORT
 * @flags:	enum dst_addr_flags
 * @addr:	the address, for dst_addr__free()
 *
 * Resolves names, which may take a while.
 *
 * Return: 0 or a negative errno.
 */
int dst_addr__parse(struct dst_handle *handle, const char *text, unsigned int flags,
		    struct dst_addr **addr);

/**
 * dst_addr__from_sockaddr() - make an address from a socket's
 * @handle:	gets the error
 * @sa:		of family AF_INET, AF_INET6, AF_UNIX or AF_VSOCK
 * @len:	of @sa
 * @export_name: name of the export, or NULL
 * @addr:	the address, for dst_addr__free()
 *
 * Return: 0 or a negative errno.
 */
int dst_addr__from_sockaddr(struct dst_handle *handle, const struct sockaddr *sa, size_t len,
			    const char *export_name, struct dst_addr **addr);

/**
 * dst_addr__free() - free an address
 * @addr:	the address, or NULL
 */
void dst_addr__free(struct dst_addr *addr);

/**
 * dst_addr__transport() - its kind
 * @addr:	the address
 *
 * Return: enum dst_transport.
 */
enum dst_transport dst_addr__transport(const struct dst_addr *addr);

/**
 * dst_addr__export() - the export it names
 * @addr:	the address
 *
 * Return: the name, empty for an address to listen on.
 */
const char *dst_addr__export(const struct dst_addr *addr);

/**
 * dst_addr__sockaddr() - the socket's address
 * @addr:	the address
 * @len:	gets its length
 *
 * Return: valid as long as @addr.
 */
const struct sockaddr *dst_addr__sockaddr(const struct dst_addr *addr, size_t *len);

/**
 * dst_addr__text() - the address as text
 * @addr:	the address
 *
 * Return: what dst_addr__parse() takes, with numbers for the names of hosts and the name of the
 * interface with a link-local IPv6 address, where this network namespace has it; valid as long as
 * @addr.
 */
const char *dst_addr__text(const struct dst_addr *addr);

/**
 * dst_size__parse() - parse a size
 * @text:	a number, maybe with a suffix k, M, G, T or P (powers of 1024)
 * @bytes:	the result
 *
 * Return: 0; -EINVAL when it is not a number, -ERANGE when it does not fit.
 */
int dst_size__parse(const char *text, uint64_t *bytes);

/* Policies */

/** struct dst_policy_load_opts - options of dst_policy__load() */
struct dst_policy_load_opts {
	size_t sz;
	const char *pin_dir;	/* NULL: DST_PIN_DIR */
	const char *policy_dir;	/* shipped policies; NULL: $DST_POLICY_DIR or as installed */
};

/**
 * dst_policy__load() - load a policy, register and pin it
 * @handle:	the handle
 * @what:	an object file if it has a '/' or ends in ".o", else the name of a policy that
 *		ships with DST
 * @opts:	options, or NULL
 *
 * The pin keeps it registered after the program has ended.
 *
 * Return: 0 or a negative errno; -EEXIST when a policy of the name that @what gives itself is
 * registered, -EBUSY when something else has the place of its pin.
 */
int dst_policy__load(struct dst_handle *handle, const char *what,
		     const struct dst_policy_load_opts *opts);

/** struct dst_policy_unload_opts - options of dst_policy__unload() */
struct dst_policy_unload_opts {
	size_t sz;
	const char *pin_dir;	/* NULL: DST_PIN_DIR */
};

/**
 * dst_policy__unload() - remove the pin of a policy
 * @handle:	the handle
 * @name:	its name
 * @opts:	options, or NULL
 *
 * The policy goes when the last volume that uses it stops.
 *
 * Return: 0 or a negative errno; -ENOENT when it is not registered, or not pinned there.
 */
int dst_policy__unload(struct dst_handle *handle, const char *name,
		       const struct dst_policy_unload_opts *opts);

/** struct dst_policy_info - a registered policy */
struct dst_policy_info {
	size_t sz;
	const char *name;
	uint32_t link_id;	/* 0: none */
	uint32_t callbacks;	/* bit n: dst_policy__callback_name(n) */
	uint32_t volumes;	/* how many use it */
	const char *pin;	/* path, or empty */
};

/**
 * dst_policy__for_each() - walk over the registered policies
 * @handle:	the handle
 * @name:	this one only, or NULL
 * @fn:		is called for each
 * @arg:	for @fn
 *
 * Return: 0, what @fn returned, or a negative errno; -ENOENT when @name is not there.
 */
int dst_policy__for_each(struct dst_handle *handle, const char *name,
			 int (*fn)(const struct dst_policy_info *info, void *arg), void *arg);

/**
 * dst_policy__callback_name() - name of a callback
 * @n:		bit number in dst_policy_info.callbacks
 *
 * Return: the name, or NULL.
 */
const char *dst_policy__callback_name(unsigned int n);

/* Volumes */

/** struct dst_volume_opts - options of dst_volume_spec__new() */
struct dst_volume_opts {
	size_t sz;
	bool read_only;
	bool shared;		/* share the exports with other writers */
	uint32_t connections;	/* a remote node, at most; 0: the default */
	uint32_t io_timeout_ms;	/* 0: the default */
	const uint8_t *uuid;	/* 16 bytes; NULL: a new one */
	bool adopt;		/* take nodes that are not blank: what is on them is lost */
	bool no_wait;		/* requests that would wait for a node or a quorum fail at once */
	bool has_grace;		/* grace_ms counts, else the default does */
	uint32_t grace_ms;	/* how long a lost node is waited for */
	bool checksum;		/* resynchronization compares digests first */
	bool reserved[sizeof(size_t) - 1];
};

/**
 * dst_volume_spec__new() - begin to describe a volume
 * @handle:	the handle
 * @name:	of the volume, 1 to 27 characters of [A-Za-z0-9_.-]
 * @policy:	of a registered policy; NULL for dst_volume__assemble()
 * @opts:	options, or NULL
 * @spec:	the description, for dst_volume_spec__free()
 *
 * Return: 0 or a negative errno.
 */
int dst_volume_spec__new(struct dst_handle *handle, const char *name, const char *policy,
			 const struct dst_volume_opts *opts, struct dst_volume_spec **spec);

/** struct dst_node_opts - options of dst_volume_spec__add_node() */
struct dst_node_opts {
	size_t sz;
	uint32_t weight;	/* 0: the default, 100 */
	uint32_t zone;
	bool witness;		/* votes, holds no data; these come last */
	bool may_be_absent;	/* for dst_volume__assemble(): an absolute path that is not there
				 * yet is looked for until it is
				 */
	bool reserved[sizeof(size_t) - 2];
};

/**
 * dst_volume_spec__add_node() - add a node
 * @spec:	the description
 * @where:	path of a block device; address of an export: what has "://" in it; or export:NAME,
 *		an export of this machine, used without a socket
 * @opts:	options, or NULL
 *
 * Return: 0 or a negative errno.
 */
int dst_volume_spec__add_node(struct dst_volume_spec *spec, const char *where,
			      const struct dst_node_opts *opts);

/**
 * dst_volume_spec__add_param() - add a parameter for the policy
 * @spec:	the description
 * @name:	its name
 * @value:	its value
 *
 * Return: 0 or a negative errno.
 */
int dst_volume_spec__add_param(struct dst_volume_spec *spec, const char *name, uint64_t value);

/**
 * dst_volume_spec__free() - free a description
 * @spec:	the description, or NULL
 */
void dst_volume_spec__free(struct dst_volume_spec *spec);

/**
 * dst_volume__create() - make the volume that was described
 * @handle:	the handle
 * @spec:	the description
 *
 * The kernel has the device when this returns; udev may still be busy with it.
 *
 * Return: 0 or a negative errno.
 */
int dst_volume__create(struct dst_handle *handle, const struct dst_volume_spec *spec);

/** struct dst_volume_assemble_opts - options of dst_volume__assemble() */
struct dst_volume_assemble_opts {
	size_t sz;
	bool degraded;	/* without a quorum, or without nodes that are needed to be safe */
	bool takeover;	/* although another one has the nodes: it is fenced */
	bool reserved[sizeof(size_t) - 2];
};

/**
 * dst_volume__assemble() - bring back a volume that the superblocks of its nodes describe
 * @handle:	the handle
 * @spec:	name and nodes; policy, parameters, weights, zones and witnesses are in the
 *		superblocks and must not be given
 * @opts:	options, or NULL
 *
 * Return: 0 or a negative errno.
 */
int dst_volume__assemble(struct dst_handle *handle, const struct dst_volume_spec *spec,
			 const struct dst_volume_assemble_opts *opts);

/**
 * dst_volume__suspend() - let what is under way end, and hold new I/O
 * @handle:	the handle
 * @name:	the volume
 *
 * Return: 0 or a negative errno.
 */
int dst_volume__suspend(struct dst_handle *handle, const char *name);

/**
 * dst_volume__resume() - go on after dst_volume__suspend()
 * @handle:	the handle
 * @name:	the volume
 *
 * Return: 0 or a negative errno.
 */
int dst_volume__resume(struct dst_handle *handle, const char *name);

/** struct dst_volume_scrub_opts - options of dst_volume__scrub() */
struct dst_volume_scrub_opts {
	size_t sz;
	bool repair;	/* make copies that differ the same as the first one */
	bool end;	/* stop the one that runs */
	bool reserved[sizeof(size_t) - 2];
};

/**
 * dst_volume__scrub() - compare the copies of a volume in the background
 * @handle:	the handle
 * @name:	the volume
 * @opts:	options, or NULL
 *
 * How far it is, and what it found: struct dst_volume_info.
 *
 * Return: 0 or a negative errno.
 */
int dst_volume__scrub(struct dst_handle *handle, const char *name,
		      const struct dst_volume_scrub_opts *opts);

/** struct dst_volume_stop_opts - options of dst_volume__stop() */
struct dst_volume_stop_opts {
	size_t sz;
	bool force;	/* although it is open: what is under way fails */
	bool reserved[sizeof(size_t) - 1];
};

/**
 * dst_volume__stop() - stop a volume
 * @handle:	the handle
 * @name:	its name
 * @opts:	options, or NULL
 *
 * Return: 0 or a negative errno; -EBUSY when it is open.
 */
int dst_volume__stop(struct dst_handle *handle, const char *name,
		     const struct dst_volume_stop_opts *opts);

/** struct dst_param_info - a parameter of a volume */
struct dst_param_info {
	size_t sz;
	const char *name;
	uint64_t value;
};

/** struct dst_volume_info - a volume */
struct dst_volume_info {
	size_t sz;
	const char *name;
	uint8_t uuid[16];
	const char *policy;
	const struct dst_param_info *const *params;
	uint32_t nr_params;
	uint32_t state;		/* enum dst_volume_state */
	const char *reason;	/* of the state; may be empty */
	uint64_t size;		/* bytes */
	uint32_t block_size;	/* bytes */
	uint32_t copies;
	uint64_t policy_faults;	/* wrong answers of the policy so far */
	uint32_t open;		/* how many have it open */
	uint32_t held;		/* requests that wait: for the policy, a quorum, a resume */
	uint32_t major;
	uint32_t minor;
	bool read_only;
	uint32_t role;		/* enum dst_role */
	uint32_t connections;
	uint32_t io_timeout_ms;
	uint32_t up_nodes;
	uint32_t nr_nodes;
	bool no_wait;
	uint32_t grace_ms;	/* how long a lost node is waited for */
	bool metadata;		/* its nodes hold superblocks */
	uint64_t age;		/* sequence number of its age */
	uint32_t votes;		/* nodes with a superblock that are there now */
	uint32_t nr_votes;	/* nodes with a superblock */
	uint64_t region_size;	/* bytes; 0 without dirty tracking */
	uint64_t dirty;		/* bytes in regions that are marked in the bitmap */
	uint64_t scrub_done;	/* bytes that the last or running scrub is through with */
	uint64_t scrub_total;	/* bytes that it looks at; 0 while none has run */
	uint64_t scrub_errors;	/* bytes that differed */
	uint64_t repaired;	/* reads that failed on one copy, mended from another */
	bool checksum;		/* resynchronization compares digests first */
	uint64_t scrub_skipped;	/* bytes of scrub_done that were not compared on every copy */
};

/**
 * dst_volume__for_each() - walk over the volumes
 * @handle:	the handle
 * @name:	this one only, or NULL
 * @fn:		is called for each
 * @arg:	for @fn
 *
 * Return: 0, what @fn returned, or a negative errno; -ENOENT when @name is not there.
 */
int dst_volume__for_each(struct dst_handle *handle, const char *name,
			 int (*fn)(const struct dst_volume_info *info, void *arg), void *arg);

/** struct dst_leg_info - a copy of a run of sectors */
struct dst_leg_info {
	size_t sz;
	uint32_t node;
	bool in_sync;
	uint64_t sector;	/* in the node's data area */
};

/** struct dst_map_info - where sectors live */
struct dst_map_info {
	size_t sz;
	const char *volume;
	uint64_t sector;
	uint32_t nr_sectors;	/* from there on in the same place */
	uint32_t nr_legs;
	const struct dst_leg_info *const *legs;
};

/**
 * dst_volume__map() - ask where a sector of a volume lives
 * @handle:	the handle
 * @name:	the volume
 * @sector:	the sector, of 512 bytes
 * @fn:		is called with the answer
 * @arg:	for @fn
 *
 * Return: what @fn returned, or a negative errno.
 */
int dst_volume__map(struct dst_handle *handle, const char *name, uint64_t sector,
		    int (*fn)(const struct dst_map_info *info, void *arg), void *arg);

/** struct dst_node_info - a node of a volume */
struct dst_node_info {
	size_t sz;
	const char *volume;
	uint32_t index;
	const char *where;	/* as for dst_volume_spec__add_node(); empty: not known */
	bool local;
	uint32_t state;		/* enum dst_node_state */
	const char *reason;	/* of the state; may be empty */
	uint32_t weight;
	uint32_t zone;
	uint64_t size;		/* of the data area in bytes */
	uint32_t in_flight;
	uint64_t errors;
	uint64_t reads;
	uint64_t writes;
	uint64_t latency_ns;	/* moving average of a read */
	uint32_t connections;	/* of a remote node */
	bool witness;		/* votes, holds no data */
	bool in_sync;		/* as the superblocks say */
	bool has_uuid;
	uint8_t uuid[16];	/* of its medium */
	uint64_t dirty;		/* bytes that it lacks; of one that is away, at most */
	uint64_t sync_total;	/* bytes that its resync began with */
	uint64_t sync_rate;	/* bytes a second, of late */
	uint64_t since_ms;	/* how long it has been in its state */
	uint64_t left_ms;	/* of one that is lost: what is left of the grace time */
	uint64_t sync_same;	/* bytes that its last resync found the same, and did not copy */
};

/**
 * dst_node__for_each() - walk over the nodes of a volume, in order
 * @handle:	the handle
 * @volume:	the volume, or NULL for all
 * @fn:		is called for each
 * @arg:	for @fn
 *
 * Return: 0, what @fn returned, or a negative errno; -ENOENT when @volume is not there.
 */
int dst_node__for_each(struct dst_handle *handle, const char *volume,
		       int (*fn)(const struct dst_node_info *info, void *arg), void *arg);

/**
 * dst_node__suspend() - do without a node for a while
 * @handle:	the handle
 * @volume:	the volume
 * @index:	of the node
 *
 * What it misses is resynchronized when it is resumed.
 *
 * Return: 0 or a negative errno.
 */
int dst_node__suspend(struct dst_handle *handle, const char *volume, uint32_t index);

/**
 * dst_node__resume() - go on with a node that was suspended, or has failed
 * @handle:	the handle
 * @volume:	the volume
 * @index:	of the node
 *
 * Return: 0 or a negative errno.
 */
int dst_node__resume(struct dst_handle *handle, const char *volume, uint32_t index);

/** struct dst_node_replace_opts - options of dst_node__replace() */
struct dst_node_replace_opts {
	size_t sz;
	bool adopt;	/* take a medium that is not blank: what is on it is lost */
	bool reserved[sizeof(size_t) - 1];
};

/**
 * dst_node__replace() - put another medium in the place of a node
 * @handle:	the handle
 * @volume:	the volume
 * @index:	of the node
 * @where:	the new one, as for dst_volume_spec__add_node()
 * @opts:	options, or NULL
 *
 * It gets everything by resynchronization.
 *
 * Return: 0 or a negative errno, and the node is where it was: one that was in service comes back,
 * others are suspended.
 */
int dst_node__replace(struct dst_handle *handle, const char *volume, uint32_t index,
		      const char *where, const struct dst_node_replace_opts *opts);

/** struct dst_node_add_opts - options of dst_node__add() */
struct dst_node_add_opts {
	size_t sz;
	bool adopt;	/* take a medium that is not blank: what is on it is lost */
	bool witness;	/* votes, holds no data */
	bool reserved[sizeof(size_t) - 2];
};

/**
 * dst_node__add() - give a volume a node more while it runs
 * @handle:	the handle
 * @volume:	the volume
 * @where:	the new one, as for dst_volume_spec__add_node()
 * @opts:	options, or NULL
 * @index:	gets its index; or NULL
 *
 * Only where the volume's policy keeps a copy on each node; the new one gets everything by
 * resynchronization.
 *
 * Nodes with data come before witnesses, whose indices change then.
 *
 * Return: 0 or a negative errno, and the volume is what it was, and so is what was to be adopted.
 */
int dst_node__add(struct dst_handle *handle, const char *volume, const char *where,
		  const struct dst_node_add_opts *opts, uint32_t *index);

/**
 * dst_node__remove() - take a node from a volume while it runs
 * @handle:	the handle
 * @volume:	the volume
 * @index:	of the node; those after it get the one before theirs
 *
 * If it can be reached, its superblock is removed; its data stay.
 *
 * Return: 0 or a negative errno, and the volume is what it was; a node that was in service comes
 * back, others are suspended.
 */
int dst_node__remove(struct dst_handle *handle, const char *volume, uint32_t index);

/**
 * dst_node__resolve() - throw away what a diverged node has, and resynchronize it
 * @handle:	the handle
 * @volume:	the volume
 * @index:	of the node
 *
 * Return: 0 or a negative errno.
 */
int dst_node__resolve(struct dst_handle *handle, const char *volume, uint32_t index);

/* Exports */

/** struct dst_export_opts - options of dst_export_spec__new() */
struct dst_export_opts {
	size_t sz;
	bool read_only;
	bool shared;		/* more than one writer at a time */
	uint32_t max_sessions;	/* 0: the default */
};

/**
 * dst_export_spec__new() - begin to describe an export
 * @handle:	the handle
 * @name:	of the export, 1 to 63 characters of [A-Za-z0-9_.-]
 * @device:	path of the block device
 * @opts:	options, or NULL
 * @spec:	the description, for dst_export_spec__free()
 *
 * Return: 0 or a negative errno.
 */
int dst_export_spec__new(struct dst_handle *handle, const char *name, const char *device,
			 const struct dst_export_opts *opts, struct dst_export_spec **spec);

/**
 * dst_export_spec__add_listen() - add an address to listen on
 * @spec:	the description
 * @uri:	the address, as for dst_addr__parse() with DST_ADDR_LISTEN
 *
 * Return: 0 or a negative errno.
 */
int dst_export_spec__add_listen(struct dst_export_spec *spec, const char *uri);

/**
 * dst_export_spec__free() - free a description
 * @spec:	the description, or NULL
 */
void dst_export_spec__free(struct dst_export_spec *spec);

/**
 * dst_export__add() - make the export that was described
 * @handle:	the handle
 * @spec:	the description
 *
 * Return: 0 or a negative errno.
 */
int dst_export__add(struct dst_handle *handle, const struct dst_export_spec *spec);

/**
 * dst_export__remove() - take an export back
 * @handle:	the handle
 * @name:	its name
 *
 * Its sessions are closed: what they have under way fails.
 *
 * Return: 0 or a negative errno.
 */
int dst_export__remove(struct dst_handle *handle, const char *name);

/**
 * dst_export__suspend() - ask the initiators to do without an export
 * @handle:	the handle
 * @name:	its name
 *
 * Returns when its device is idle.
 *
 * Return: 0 or a negative errno.
 */
int dst_export__suspend(struct dst_handle *handle, const char *name);

/**
 * dst_export__resume() - go on after dst_export__suspend()
 * @handle:	the handle
 * @name:	its name
 *
 * Return: 0 or a negative errno.
 */
int dst_export__resume(struct dst_handle *handle, const char *name);

/** struct dst_export_info - an export */
struct dst_export_info {
	size_t sz;
	const char *name;
	const char *device;
	const char *const *listen;	/* addresses */
	uint32_t nr_listen;
	bool read_only;
	bool shared;
	uint64_t size;		/* bytes */
	uint32_t block_size;	/* bytes */
	uint64_t rejected;	/* connections refused or closed for what they sent */
	uint32_t max_sessions;
	uint32_t nr_sessions;
	bool suspended;
};

/**
 * dst_export__for_each() - walk over the exports
 * @handle:	the handle
 * @name:	this one only, or NULL
 * @fn:		is called for each
 * @arg:	for @fn
 *
 * Return: 0, what @fn returned, or a negative errno; -ENOENT when @name is not there.
 */
int dst_export__for_each(struct dst_handle *handle, const char *name,
			 int (*fn)(const struct dst_export_info *info, void *arg), void *arg);

/** struct dst_session_info - an initiator at an export */
struct dst_session_info {
	size_t sz;
	const char *export_name;
	uint64_t id;
	uint8_t client[16];	/* uuid of the initiator's volume */
	const char *volume;	/* what the initiator calls it */
	uint32_t role;		/* enum dst_role */
	uint32_t connections;
	uint32_t in_flight;
	const char *peer;	/* address of its first connection */
};

/**
 * dst_session__for_each() - walk over the sessions of an export
 * @handle:	the handle
 * @export_name: the export, or NULL for all
 * @fn:		is called for each
 * @arg:	for @fn
 *
 * Return: 0, what @fn returned, or a negative errno; -ENOENT when @export_name is not there.
 */
int dst_session__for_each(struct dst_handle *handle, const char *export_name,
			  int (*fn)(const struct dst_session_info *info, void *arg), void *arg);

/* Events */

/** struct dst_event_info - a change of state */
struct dst_event_info {
	size_t sz;
	uint32_t kind;		/* enum dst_event_kind */
	const char *name;	/* of the volume, policy or export */
	int64_t node;		/* index, of a node's event; else -1 */
	const char *old_state;	/* empty for what is new */
	const char *new_state;
	const char *reason;
	uint64_t time_ns;	/* CLOCK_REALTIME */
	bool has_uuid;
	uint8_t uuid[16];	/* of the volume */
};

/**
 * dst_events__open() - listen to events from now on
 * @handle:	the handle; must stay as long as the listener
 * @events:	the listener, for dst_events__close()
 *
 * Return: 0 or a negative errno.
 */
int dst_events__open(struct dst_handle *handle, struct dst_events **events);

/**
 * dst_events__fd() - a file descriptor to poll
 * @events:	the listener
 *
 * Return: readable when dst_events__wait() would not block.
 */
int dst_events__fd(const struct dst_events *events);

/**
 * dst_events__wait() - wait for events
 * @events:	the listener
 * @timeout_ms:	how long; -1 for ever
 * @fn:		is called for each that is there
 * @arg:	for @fn
 *
 * Return: how many there were, 0 when time was up or before it was, or a negative errno: -ENOBUFS
 * when some were lost (go on, but read the states anew), -EINTR after a signal, -ECANCELED when @fn
 * returned non-zero, -ENODEV when the module was unloaded (close it: there will be none).
 */
int dst_events__wait(struct dst_events *events, int timeout_ms,
		     int (*fn)(const struct dst_event_info *info, void *arg), void *arg);

/**
 * dst_events__close() - end it
 * @events:	the listener, or NULL
 */
void dst_events__close(struct dst_events *events);

/* Names of states */

/**
 * dst_volume_state__name() - name of an enum dst_volume_state
 * @state:	the state
 *
 * Return: for example "active"; "unknown" for a number of a newer kernel module.
 */
const char *dst_volume_state__name(uint32_t state);

/**
 * dst_node_state__name() - name of an enum dst_node_state
 * @state:	the state
 *
 * Return: for example "up".
 */
const char *dst_node_state__name(uint32_t state);

/**
 * dst_role__name() - name of an enum dst_role
 * @role:	the role
 *
 * Return: for example "writer".
 */
const char *dst_role__name(uint32_t role);

/**
 * dst_event_kind__name() - name of an enum dst_event_kind
 * @kind:	the kind
 *
 * Return: for example "volume".
 */
const char *dst_event_kind__name(uint32_t kind);

#ifdef __cplusplus
}
#endif

#endif /* DST_DST_H */
