// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes kmod/disk.c: media are written by others, and by machines that crash.
 *
 * What follows the flags is a superblock, or with FUZZ_OTHER both copies: two bytes say how long
 * the first one is, what is missing of each is zero.
 */
#include "disk.h"
#include "fuzz.h"

#define COPY_BYTES	(DST_DISK_SUPER_SECTORS * 512)
#define AREA_BYTES	(DST_DISK_COPIES * COPY_BYTES)

static struct dstb_super super, other;

static void mend(void *buf, size_t len)
{
	struct dst_disk_super *disk = buf;
	u32 bytes;

	if (len < sizeof(*disk))
		return;
	memcpy(disk->magic, DST_DISK_MAGIC, sizeof(disk->magic));
	bytes = le32_to_cpu(disk->bytes);
	if (bytes < sizeof(*disk) || bytes > len)
		return;
	disk->crc = 0;
	disk->crc = cpu_to_le32(~crc32c(~0U, disk, bytes));
}

/* @super encodes to what it came from, no byte more. */
static void check_same(const void *from)
{
	u32 bytes = dstb_disk_bytes(super.nr_nodes);
	void *again = malloc(bytes);

	MUST(again);
	MUST(dstb_disk_encode(&super, again) == bytes);
	MUST(!memcmp(from, again, bytes));
	free(again);
}

/* What the module goes by without checking it again. */
static void check_taken(void)
{
	u32 regions = dstb_disk_regions(super.capacity, super.region_shift), i;

	MUST(super.nr_nodes && super.nr_nodes <= DST_DISK_MAX_NODES);
	MUST(super.index < super.nr_nodes);
	MUST(super.nr_params <= DST_DISK_MAX_PARAMS);
	MUST(regions && regions <= DST_DISK_MAX_REGIONS);
	MUST(((u64)regions << super.region_shift) >= super.capacity);
	MUST(super.block_size >= 512 && super.block_size <= 65536);
	MUST(super.copies && super.copies <= super.nr_nodes);
	MUST(memchr(super.name, 0, sizeof(super.name)) && super.name[0]);
	MUST(memchr(super.policy, 0, sizeof(super.policy)) && super.policy[0]);
	for (i = 0; i < super.nr_params; i++)
		MUST(memchr(super.params[i].name, 0, sizeof(super.params[i].name)));
	for (i = 0; i < super.nr_nodes; i++)
		MUST(super.nodes[i].weight);
	MUST(!memcmp(super.node, super.nodes[super.index].uuid, sizeof(super.node)));
}

static void check_ages(void)
{
	u32 i;

	MUST(dstb_age_known(&super, &super.age));
	MUST(dstb_age_relate(&super, &super) == DSTB_AGE_EQUAL);
	other = super;
	for (i = 0; i < DST_DISK_HISTORY; i++) {
		dstb_age_bump(&other, super.age.nonce ^ (i + 1) ?: 1);
		MUST(dstb_age_relate(&super, &other) == DSTB_AGE_OLDER);
		MUST(dstb_age_relate(&other, &super) == DSTB_AGE_YOUNGER);
	}
}

static void decode(const u8 *data, size_t len, u8 flags)
{
	void *copy = fuzz_copy(data, len);

	if (flags & FUZZ_MEND)
		mend(copy, len);
	if (!fuzz_refused(dstb_disk_decode(copy, len, &super))) {
		check_same(copy);
		check_taken();
		check_ages();
	}
	free(copy);
}

static bool all_zero(const u8 *data, size_t len)
{
	return !data[0] && !memcmp(data, data + 1, len - 1);
}

/* A copy that is valid by itself; @sequence gets its number. */
static bool valid(const u8 *area, u32 n, u64 *sequence)
{
	if (dstb_disk_decode(area + n * COPY_BYTES, COPY_BYTES, &other) || other.sequence % 2 != n)
		return false;
	*sequence = other.sequence;
	return true;
}

static void check_pick(const u8 *area)
{
	const char *why = "nothing set";
	enum dstb_disk_state state = dstb_disk_pick(area, &super, &why);
	u64 sequences[2] = {};
	bool valids[2] = { valid(area, 0, &sequences[0]), valid(area, 1, &sequences[1]) };
	u32 n;

	MUST((state == DSTB_DISK_CORRUPT) == fuzz_refused(why));
	switch (state) {
	case DSTB_DISK_VALID:
		n = super.sequence % 2;
		MUST(valids[n] && (!valids[!n] || sequences[!n] < super.sequence));
		check_same(area + n * COPY_BYTES);
		check_taken();
		break;
	case DSTB_DISK_BLANK:
		MUST(all_zero(area, AREA_BYTES));
		break;
	case DSTB_DISK_CORRUPT:
		/* A valid one may be there, if the latest needs a newer DST. */
		MUST((!valids[0] && !valids[1]) || !strcmp(why, "needs a newer DST"));
		break;
	case DSTB_DISK_FOREIGN:
		MUST(!valids[0] && !valids[1] && !all_zero(area, AREA_BYTES));
		break;
	}
}

static void pick(const u8 *data, size_t len, u8 flags)
{
	u8 *area = calloc(1, AREA_BYTES);
	size_t first;
	u32 n;

	MUST(area);
	if (len >= 2) {
		first = data[0] | data[1] << 8;
		data += 2;
		len -= 2;
		first = first < len ? first : len;
		memcpy(area, data, first);
		len = len - first < COPY_BYTES ? len - first : COPY_BYTES;
		memcpy(area + COPY_BYTES, data + first, len);
	}
	if (flags & FUZZ_MEND)
		for (n = 0; n < DST_DISK_COPIES; n++)
			if (!all_zero(area + n * COPY_BYTES, 8))
				mend(area + n * COPY_BYTES, COPY_BYTES);
	check_pick(area);
	free(area);
}

int fuzz_one(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	if (data[0] & FUZZ_OTHER)
		pick(data + 1, len - 1, data[0]);
	else
		decode(data + 1, len - 1, data[0]);
	return 0;
}

#ifdef FUZZ_SEEDS
static u32 make(void *buf, u32 nr_nodes, u64 sequence)
{
	u32 i;

	memset(&super, 0, sizeof(super));
	super.sequence = sequence;
	memset(super.volume, 7, sizeof(super.volume));
	strcpy(super.name, "vol");
	strcpy(super.policy, "mirror");
	super.layout_version = 1;
	super.nr_nodes = nr_nodes;
	super.nr_params = nr_nodes % 3;
	super.block_size = 512 << nr_nodes % 8;
	super.copies = 1;
	super.capacity = 1ULL << (11 + nr_nodes % 32);
	super.region_shift = dstb_disk_region_shift(super.capacity);
	for (i = 0; i < nr_nodes % 20 + 1; i++)
		dstb_age_bump(&super, i + 1);
	for (i = 0; i < super.nr_params; i++)
		super.params[i].name[0] = 'a' + i;
	for (i = 0; i < nr_nodes; i++) {
		memset(super.nodes[i].uuid, i + 1, sizeof(super.nodes[i].uuid));
		super.nodes[i].uuid[0] = 1;
		super.nodes[i].size = super.capacity;
		super.nodes[i].weight = 100;
		super.nodes[i].flags = i % 3;
		super.nodes[i].age = super.age;
	}
	memcpy(super.node, super.nodes[0].uuid, sizeof(super.node));
	return dstb_disk_encode(&super, buf);
}

int main(int argc, char **argv)
{
	static const u8 counts[] = { 1, 2, 3, 5, 16 };
	static u8 buf[2 * AREA_BYTES];
	char name[32];
	u32 i, first;

	MUST(argc == 2);
	for (i = 0; i < sizeof(counts); i++) {
		snprintf(name, sizeof(name), "super%u", counts[i]);
		fuzz_seed(argv[1], name, 0, buf, make(buf, counts[i], 1));
		fuzz_seed(argv[1], name, FUZZ_MEND, buf, make(buf, counts[i], 1));
		snprintf(name, sizeof(name), "area%u", counts[i]);
		first = make(buf + 2, counts[i], 8);
		buf[0] = first;
		buf[1] = first >> 8;
		first += make(buf + 2 + first, counts[i], 7 + counts[i] % 2 * 2);
		fuzz_seed(argv[1], name, FUZZ_OTHER, buf, 2 + first);
		fuzz_seed(argv[1], name, FUZZ_OTHER | FUZZ_MEND, buf, 2 + first);
	}
	return 0;
}
#endif
