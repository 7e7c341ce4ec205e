// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * old_object: built with a header of the first release, whose struct dstb_policy_ops ends with the
 * flags. It loads as it did then.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct dstb_policy_ops {
	int (*layout)(void *args);
	int (*place)(void *layout, void *where);
	int (*pick_read)(void *layout, void *pick);
	int (*acks)(void *layout, void *acks);
	int (*init)(void *init);
	void (*exit)(void *exit);
	char name[16];
	__u32 abi;
	__u32 flags;
};

SEC("struct_ops/acks")
int old_acks(unsigned long long *args)
{
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
SEC(".struct_ops.link")
struct dstb_policy_ops old_object = {
	.acks = (void *)old_acks,
	.name = "old_object",
	.abi = 1,
};
