/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * The policy interface: what the kernel module asks a BPF struct_ops program, and what it tells it.
 *
 * One file for the module (which defines the types in its BTF), for policies (through
 * bpf/dst_policy.bpf.h, relocated with CO-RE) and for libdstbpf. Rules: members are only ever
 * appended, no member changes type or meaning. All sizes and positions are in sectors of 512 bytes.
 */
#ifndef _UAPI_DST_POLICY_H
#define _UAPI_DST_POLICY_H

#include <linux/types.h>

#define DSTB_POLICY_ABI		1	/* dstb_policy_ops.abi */
#define DSTB_POLICY_NAME_LEN	16	/* with the terminating zero; BPF names hold 15, too */
#define DSTB_MAX_LEGS		16	/* legs of one run */
#define DSTB_MAX_NODES		256	/* nodes of a volume */
#define DSTB_LAYOUT_PRIV	8	/* words that layout() computes for place() */
#define DSTB_PARAM_NAME_LEN	32	/* with the terminating zero */
#define DSTB_VOLUME_NAME_LEN	28	/* with the terminating zero */

/**
 * struct dstb_layout_node - a node as the mapping sees it
 * @size:	data area, in sectors
 * @value:	whatever layout() stored with dstb_layout_set_value(), e.g. where the node begins in
 *		the volume
 * @weight:	relative share of data, 100 unless said otherwise
 * @zone:	failure domain, 0 unless said otherwise
 *
 * place() sees an array of DSTB_MAX_NODES of these, the ones from nr_nodes on are zero:
 * dstb_layout_nodes(). An array's stride is compiled into policies: this struct alone never grows.
 */
struct dstb_layout_node {
	__u64 size;
	__u64 value;
	__u32 weight;
	__u32 zone;
};

/**
 * struct dstb_layout_args - what layout() is asked and answers
 * @version:	in: layout version, 1 for a new volume
 * @nr_nodes:	in: how many nodes
 * @block_size:	in: logical block size of the volume, in bytes; what place() answers must be a
 *		multiple
 * @reserved:	0
 * @capacity:	out: size of the volume in sectors; a multiple of the block size, not 0
 * @run:	out: place() never answers a run that crosses a multiple of this many sectors; 0: no
 *		such rule
 * @copies:	out: legs of each run: 1..DSTB_MAX_LEGS, on as many nodes
 * @reserved2:	0
 * @priv:	out: anything place() needs
 *
 * The outputs, and the nodes' values, are preset to those of a linear concatenation: value is where
 * a node begins.
 */
struct dstb_layout_args {
	__u32 version;
	__u32 nr_nodes;
	__u32 block_size;
	__u32 reserved;
	__u64 capacity;
	__u64 run;
	__u32 copies;
	__u32 reserved2;
	__u64 priv[DSTB_LAYOUT_PRIV];
};

/**
 * struct dstb_layout - the inputs that place() is a pure function of, read-only
 * @version:	layout version
 * @nr_nodes:	how many nodes
 * @block_size:	logical block size of the volume, in bytes
 * @copies:	what layout() said
 * @capacity:	what layout() said
 * @run:	what layout() said
 * @priv:	what layout() computed
 */
struct dstb_layout {
	__u32 version;
	__u32 nr_nodes;
	__u32 block_size;
	__u32 copies;
	__u64 capacity;
	__u64 run;
	__u64 priv[DSTB_LAYOUT_PRIV];
};

/**
 * struct dstb_place - a question to place(): where do these sectors live?
 * @sector:	in: first sector, in the volume
 * @asked:	in: how many sectors, 1 or more
 * @run:	out: how many of them the legs of this answer hold: 1..asked. Preset to asked
 *
 * The legs are answered with dstb_place_leg().
 */
struct dstb_place {
	__u64 sector;
	__u32 asked;
	__u32 run;
};

/**
 * struct dstb_pick - a question to pick_read(): which leg serves this read?
 * @sector:	in: first sector, in the volume
 * @nr_sectors:	in: length
 * @nr_legs:	in: legs to choose from, all of them in sync
 *
 * Details of a leg's node: dstb_pick_view().
 */
struct dstb_pick {
	__u64 sector;
	__u32 nr_sectors;
	__u32 nr_legs;
};

#define DSTB_REQ_FUA	(1U << 0)
#define DSTB_REQ_META	(1U << 1)

/**
 * struct dstb_acks - a question to acks(): on how many legs must this write be before it is
 * acknowledged?
 * @sector:	in: first sector, in the volume
 * @nr_sectors:	in: length
 * @flags:	in: DSTB_REQ_*
 * @nr_legs:	in: legs that the layout gives this run
 * @nr_in_sync:	in: those of them that are in sync now, and are written
 */
struct dstb_acks {
	__u64 sector;
	__u32 nr_sectors;
	__u32 flags;
	__u32 nr_legs;
	__u32 nr_in_sync;
};

#define DSTB_VIEW_LOCAL		(1U << 0)
#define DSTB_VIEW_IN_SYNC	(1U << 1)
#define DSTB_VIEW_HERE		(1U << 2)	/* in service, has the last record */
#define DSTB_VIEW_WITNESS	(1U << 3)	/* votes, holds no data */

/* What a node is: as in status and events. */
enum dstb_node_state {
	DSTB_NODE_CONNECTING = 0,
	DSTB_NODE_UP = 1,
	DSTB_NODE_FAILED = 2,
	DSTB_NODE_LOST = 3,
	DSTB_NODE_AWAY = 4,
	DSTB_NODE_SUSPENDED = 5,
	DSTB_NODE_SYNCING = 6,
	DSTB_NODE_REFUSED = 7,
};

/**
 * struct dstb_node_view - a node as choices see it, a copy made for one question
 * @node:	index in the volume
 * @flags:	DSTB_VIEW_*
 * @in_flight:	legs under way on it now
 * @errors:	legs that failed so far
 * @latency_ns:	moving average of a read's latency, in ns; 0: nothing read yet
 * @size:	data area, in sectors
 * @weight:	as in the layout
 * @zone:	as in the layout
 * @state:	enum dstb_node_state
 * @reserved:	0
 * @lacks:	sectors in regions that it lacks. Counting them takes a while: 0 in pick_read()
 */
struct dstb_node_view {
	__u32 node;
	__u32 flags;
	__u32 in_flight;
	__u32 errors;
	__u64 latency_ns;
	__u64 size;
	__u32 weight;
	__u32 zone;
	__u32 state;
	__u32 reserved;
	__u64 lacks;
};

#define DSTB_QUORUM_ASSEMBLE	(1U << 0)	/* the volume is being assembled */

/**
 * struct dstb_quorum - a question to quorum(): are so many nodes enough to take writes?
 * @votes:	in: nodes that are there, or that took a new record of who is in sync; 1 or more.
 *		Those with DSTB_VIEW_HERE
 * @nr_nodes:	in: nodes of the volume, witnesses included
 * @enough:	in: as many votes as the default wants
 * @flags:	in: DSTB_QUORUM_*
 *
 * Details of a node: dstb_member_view().
 */
struct dstb_quorum {
	__u32 votes;
	__u32 nr_nodes;
	__u32 enough;
	__u32 flags;
};

#define DSTB_RESYNC_PAUSE	(~0U)	/* as long as the default pauses */
#define DSTB_RESYNC_PAUSE_MAX	10000	/* ms */

/**
 * struct dstb_resync_next - a question to resync_next(): which region is to be copied next?
 * @region_sectors: in: sectors of a region; region n begins at n times as many
 * @nr_regions:	in: regions of the volume
 * @nr_nodes:	in: nodes of the volume, witnesses included
 * @busy:	in: legs of others' requests that ended since this was asked before
 * @region:	out: one that some node lacks. Preset to the next in the order of the volume
 * @pause_ms:	out: rest so long when it is copied: 0..DSTB_RESYNC_PAUSE_MAX, or
 *		DSTB_RESYNC_PAUSE, which it is preset to
 * @reserved:	0
 *
 * What is lacked: dstb_resync_lacked(). Details of a node: dstb_member_view().
 */
struct dstb_resync_next {
	__u64 region_sectors;
	__u32 nr_regions;
	__u32 nr_nodes;
	__u32 busy;
	__u32 region;
	__u32 pause_ms;
	__u32 reserved;
};

#define DSTB_HOLD_MAX		3600000	/* ms */

/* What has happened to a node. */
enum dstb_node_event_kind {
	DSTB_EVENT_LOST = 1,		/* it is lost, its grace time begins */
	DSTB_EVENT_OVERDUE = 2,		/* it is not back, and its time is over */
};

/**
 * struct dstb_node_event - a question to node_event(): how long is a lost node waited for?
 * @node:	in: index of the node
 * @event:	in: enum dstb_node_event_kind
 * @nr_nodes:	in: nodes of the volume, witnesses included
 * @hold_ms:	out: wait so long from now on: 0..DSTB_HOLD_MAX. Preset to the default: the
 *		operator's --grace when it is lost, 0 when it is overdue
 * @lost_ms:	in: how long it has been lost
 *
 * Details of a node: dstb_member_view().
 */
struct dstb_node_event {
	__u32 node;
	__u32 event;
	__u32 nr_nodes;
	__u32 hold_ms;
	__u64 lost_ms;
};

#define DSTB_RETRY_MIN		1000	/* ms */
#define DSTB_RETRY_MAX		3600000	/* ms */

/* What an error of a node's medium has come to. */
enum dstb_io_error_kind {
	DSTB_ERROR_READ = 1,		/* a read failed that another copy can serve */
	DSTB_ERROR_DROPPED = 2,		/* the node is out of service: failed */
};

/* What is to be done about it. */
enum dstb_io_verdict {
	DSTB_IO_KEEP = 0,		/* after a read: nothing, the node stays in service */
	DSTB_IO_DROP = 1,		/* it is out, till it is resumed or its target comes back */
	DSTB_IO_RETRY = 2,		/* when it is out: connect it again in retry_ms */
};

/**
 * struct dstb_io_error - a question to io_error(): a node's medium has reported an error
 * @sector:	in: first sector of the read, in the volume; 0 when the node is out
 * @nr_sectors:	in: length; 0 when the node is out
 * @node:	in: index of the node
 * @error:	in: enum dstb_io_error_kind
 * @nr_nodes:	in: nodes of the volume, witnesses included
 * @retry_ms:	out, for DSTB_IO_RETRY: DSTB_RETRY_MIN..DSTB_RETRY_MAX. Preset to 10000
 * @reserved:	0
 *
 * Details of a node, and how many errors it has had: dstb_member_view().
 */
struct dstb_io_error {
	__u64 sector;
	__u32 nr_sectors;
	__u32 node;
	__u32 error;
	__u32 nr_nodes;
	__u32 retry_ms;
	__u32 reserved;
};

/**
 * struct dstb_arbitrate - a question to arbitrate(): a node's medium was written apart from the
 * volume. Which side wins?
 * @ours:	in: sequence number of the volume's age
 * @theirs:	in: of that on the medium. The higher one need not be the younger one
 * @node:	in: index of the node
 * @nr_nodes:	in: nodes of the volume, witnesses included
 * @votes:	in: of them have the volume's last record
 * @reserved:	0
 *
 * Details of a node: dstb_member_view().
 */
struct dstb_arbitrate {
	__u64 ours;
	__u64 theirs;
	__u32 node;
	__u32 nr_nodes;
	__u32 votes;
	__u32 reserved;
};

/**
 * struct dstb_tick - a second has passed
 * @uuid:	of the volume
 * @nr_nodes:	its nodes, witnesses included
 * @reserved:	0
 * @nr:		which tick: from 0 on, since the volume was made or assembled
 *
 * Details of a node: dstb_member_view().
 */
struct dstb_tick {
	__u8 uuid[16];
	__u32 nr_nodes;
	__u32 reserved;
	__u64 nr;
};

/**
 * struct dstb_init - a volume begins to use the policy
 * @volume:	its name
 * @uuid:	its uuid
 * @nr_nodes:	its nodes
 * @copies:	what layout() said
 * @reserved:	0
 * @capacity:	what layout() said
 */
struct dstb_init {
	char volume[DSTB_VOLUME_NAME_LEN];
	__u32 nr_nodes;
	__u8 uuid[16];
	__u32 copies;
	__u32 reserved;
	__u64 capacity;
};

enum dstb_exit_reason {
	DSTB_EXIT_STOPPED = 1,		/* the volume was stopped */
	DSTB_EXIT_DETACHED = 2,		/* the policy was detached while the volume ran */
	DSTB_EXIT_FAILED = 3,		/* the volume could not be made after all */
};

/**
 * struct dstb_exit - a volume no longer uses the policy
 * @volume:	its name
 * @reason:	enum dstb_exit_reason
 * @uuid:	its uuid
 */
struct dstb_exit {
	char volume[DSTB_VOLUME_NAME_LEN];
	__u32 reason;
	__u8 uuid[16];
};

/**
 * struct dstb_policy_ops - a policy. Everything but the name and abi is optional
 *
 * The hot callbacks (place, pick_read, acks) do not sleep, nor do those of recovery (from quorum
 * on), which are asked only when something has happened, and tick; init, exit and layout must be in
 * a sleepable section ("struct_ops.s/").
 */
struct dstb_policy_ops {
	/**
	 * @layout: Lays a volume out over its nodes, once per layout version: fills the outputs of
	 * @args, may store a value for each node. Parameters that it does not ask for are refused.
	 * Return: 0, or a negative errno that refuses the volume. Absent: linear concatenation.
	 */
	int (*layout)(struct dstb_layout_args *args);
	/**
	 * @place: Says where sectors live. A pure function of @layout and @where.sector: the same
	 * answer today and after the next boot. There are no helpers for random numbers, clocks and
	 * the CPU's number here; but a program that is bent on it can read the kernel's memory, and
	 * maps, so that it is pure is its author's word.
	 * Return: 0; anything else is a fault. Absent: linear concatenation. A wrong answer fails
	 * the request, and the volume takes no writes any more: another mapping would be
	 * corruption.
	 */
	int (*place)(struct dstb_layout *layout, struct dstb_place *where);
	/**
	 * @pick_read: Chooses the leg that serves a read.
	 * Return: a leg, 0..nr_legs-1; a negative number for the default, which is what absent
	 * means: the leg whose node has the least in flight. A wrong answer is counted as a fault,
	 * and the default used.
	 */
	int (*pick_read)(struct dstb_layout *layout, struct dstb_pick *pick);
	/**
	 * @acks: Says how many legs of a write must be durable before it is acknowledged.
	 * Return: 1..nr_legs; 0 for the default, which is what absent means: every leg in sync. A
	 * number above nr_in_sync fails the write. A wrong answer is counted as a fault, and the
	 * default used.
	 */
	int (*acks)(struct dstb_layout *layout, struct dstb_acks *acks);
	/**
	 * @init: A volume begins to use this policy, after layout().
	 * Return: 0, or a negative errno that refuses the volume.
	 */
	int (*init)(struct dstb_init *init);
	/** @exit: A volume for which init() returned 0 no longer uses this policy. */
	void (*exit)(struct dstb_exit *exit);
	/**
	 * @name: What ``dstctl volume create --policy`` selects, [A-Za-z0-9_.-], 1 to 15
	 * characters.
	 */
	char name[DSTB_POLICY_NAME_LEN];
	/** @abi: DSTB_POLICY_ABI. */
	__u32 abi;
	/** @flags: 0. */
	__u32 flags;
	/**
	 * @quorum: Says whether so many nodes are enough to take writes. Asked when the superblocks
	 * may have something new to say, once a second while they are not enough, and when the
	 * volume is assembled; not about no votes at all. The operator's --degraded is above it.
	 * Return: 1: they are; 0: they are not, I/O waits; a negative number for the default, which
	 * is what absent means: half of the nodes, more than half to assemble. A volume is
	 * assembled from more than half in any case. Yes to fewer than half is the operator's risk:
	 * another one can assemble the volume from the others.
	 */
	int (*quorum)(struct dstb_layout *layout, struct dstb_quorum *quorum);
	/**
	 * @resync_next: Says which region is copied next to the nodes that lack it, and for how
	 * long to rest then. When a region could not be copied, those that follow are taken in
	 * their order for a while, without a question.
	 * Return: 0: as @next says; a negative number for the default, which is what absent means:
	 * the order of the volume, and three quarters of the time for others as long as there are
	 * any. A region that no node lacks, or too long a rest, is a fault, and both are the
	 * default.
	 */
	int (*resync_next)(struct dstb_layout *layout, struct dstb_resync_next *next);
	/**
	 * @node_event: Says how long a lost node is waited for, when that begins, and for how much
	 * longer, when it is over: 0 then does without it, if every sector keeps a copy that is in
	 * sync and there. One that is lost again before it was back for as long as it may be
	 * missing (--grace, or less by an answer) gets what was left of its time, without a
	 * question. What was answered stands until it is over, or the node is back.
	 * Return: 0: as @event says; a negative number for the default, which is what absent means:
	 * the operator's --grace, and then without it. Too long a time is a fault, and the default.
	 */
	int (*node_event)(struct dstb_layout *layout, struct dstb_node_event *event);
	/**
	 * @io_error: Says what becomes of a node whose medium has reported an error: after a read
	 * that another copy can serve (which it does, whatever is answered), and when the node is
	 * out of service by an error. It is out at once when a write failed, or anything that no
	 * other copy can make good. Of a volume without metadata it is not asked.
	 * Return: enum dstb_io_verdict: after a read, DSTB_IO_KEEP or DSTB_IO_DROP; when it is out,
	 * DSTB_IO_DROP or DSTB_IO_RETRY; a negative number for the default, which is what absent
	 * means: after a read, the sectors are written from another copy, and the node is out if
	 * that fails; when it is out, it stays out. Anything else is a fault, and the default.
	 */
	int (*io_error)(struct dstb_layout *layout, struct dstb_io_error *error);
	/**
	 * @arbitrate: Says whose data counts when a node comes back that was written apart (split
	 * brain). Asked each time that its medium is looked at, while the volume runs with half of
	 * its nodes at least, every sector has a copy in sync on other nodes that are there, and
	 * the operator has not said it.
	 * Return: 1: the volume's; all that is on the node is thrown away, it gets everything, as
	 * by ``dstctl node resolve --discard``. 0: nobody's; the node stays refused. A negative
	 * number for the default, which is what absent means: nobody's. Anything else is a fault,
	 * and the default.
	 */
	int (*arbitrate)(struct dstb_layout *layout, struct dstb_arbitrate *arbitrate);
	/**
	 * @tick: Called about once a second for each volume that uses the policy, to look at its
	 * nodes and write down what other callbacks go by, in maps. It answers nothing.
	 */
	void (*tick)(struct dstb_layout *layout, struct dstb_tick *tick);
};

#endif /* _UAPI_DST_POLICY_H */
