/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: /sys/kernel/tracing/events/dstb.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dstb

#if !defined(_DSTB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _DSTB_TRACE_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(dstb_state, TP_PROTO(const char *volume, u32 node, u32 old, u32 new),
		    TP_ARGS(volume, node, old, new),
		    TP_STRUCT__entry(__string(volume, volume) __field(u32, node) __field(u32, old)
					     __field(u32, new)),
		    TP_fast_assign(__assign_str(volume); __entry->node = node; __entry->old = old;
				   __entry->new = new;),
		    TP_printk("%s node %u: %u -> %u", __get_str(volume), __entry->node,
			      __entry->old, __entry->new));

DEFINE_EVENT(dstb_state, dstb_node_state,
	TP_PROTO(const char *volume, u32 node, u32 old, u32 new),
	TP_ARGS(volume, node, old, new)
);

/* node is 0 */
DEFINE_EVENT(dstb_state, dstb_volume_state,
	TP_PROTO(const char *volume, u32 node, u32 old, u32 new),
	TP_ARGS(volume, node, old, new)
);

DECLARE_EVENT_CLASS(dstb_io_class,
		    TP_PROTO(const char *volume, u32 op, u64 sector, u32 nr_sectors, int status),
		    TP_ARGS(volume, op, sector, nr_sectors, status),
		    TP_STRUCT__entry(__string(volume, volume) __field(u64, sector) __field(u32, op)
					     __field(u32, nr_sectors) __field(int, status)),
		    TP_fast_assign(__assign_str(volume); __entry->sector = sector; __entry->op = op;
				   __entry->nr_sectors = nr_sectors; __entry->status = status;),
		    TP_printk("%s op %u sector %llu + %u status %d", __get_str(volume), __entry->op,
			      __entry->sector, __entry->nr_sectors, __entry->status));

DEFINE_EVENT(dstb_io_class, dstb_io_start,
	TP_PROTO(const char *volume, u32 op, u64 sector, u32 nr_sectors, int status),
	TP_ARGS(volume, op, sector, nr_sectors, status)
);

DEFINE_EVENT(dstb_io_class, dstb_io_end,
	TP_PROTO(const char *volume, u32 op, u64 sector, u32 nr_sectors, int status),
	TP_ARGS(volume, op, sector, nr_sectors, status)
);

TRACE_EVENT(dstb_leg_end,
	    TP_PROTO(const char *volume, u32 node, u32 op, u64 sector, u32 nr_sectors, int status),
	    TP_ARGS(volume, node, op, sector, nr_sectors, status),
	    TP_STRUCT__entry(__string(volume, volume) __field(u64, sector) __field(u32, node)
				     __field(u32, op) __field(u32, nr_sectors)
					     __field(int, status)),
	    TP_fast_assign(__assign_str(volume); __entry->sector = sector; __entry->node = node;
			   __entry->op = op; __entry->nr_sectors = nr_sectors;
			   __entry->status = status;),
	    TP_printk("%s node %u op %u sector %llu + %u status %d", __get_str(volume),
		      __entry->node, __entry->op, __entry->sector, __entry->nr_sectors,
		      __entry->status));

/* at the target; op and status are the wire's */
TRACE_EVENT(dstb_cmd_done, TP_PROTO(u32 op, u32 tag, u64 sector, u32 length, u32 status),
	    TP_ARGS(op, tag, sector, length, status),
	    TP_STRUCT__entry(__field(u64, sector) __field(u32, op) __field(u32, tag)
				     __field(u32, length) __field(u32, status)),
	    TP_fast_assign(__entry->sector = sector; __entry->op = op; __entry->tag = tag;
			   __entry->length = length; __entry->status = status;),
	    TP_printk("op %u tag %u sector %llu length %u status %u", __entry->op, __entry->tag,
		      __entry->sector, __entry->length, __entry->status));

#endif /* _DSTB_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
