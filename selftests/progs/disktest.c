// SPDX-License-Identifier: GPL-2.0
/*
 * The codec of the medium's format, kmod/disk.c: what it lets through and what not, torn writes,
 * ages, regions, marks. Prints what fails. With an argument it instead writes a medium of 3 MiB
 * there, for tests of what reads one.
 */
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "disk.h"

#define COPY_BYTES	(DST_DISK_SUPER_SECTORS * 512)
#define AREA_BYTES	(DST_DISK_COPIES * COPY_BYTES)
#define HEAD_BYTES	1408
#define MIB		2048ULL /* in sectors */
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What superblocks are read from is aligned as in the module. */
static struct {
	alignas(8) u8 bytes[AREA_BYTES];
} area, image;
static struct dstb_super good, seen;
static int failed;

#define CHECK(condition, ...) do {						\
	if (!(condition)) {							\
		printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);		\
		printf(__VA_ARGS__);						\
		putchar('\n');							\
		failed++;							\
	}									\
} while (0)

static const char *or_none(const char *why)
{
	return why ?: "nothing";
}

/* A superblock that has something in every field. */
static void fill(struct dstb_super *super, u32 nr_nodes, u32 nr_params, u64 sequence)
{
	u32 i;

	memset(super, 0, sizeof(*super));
	super->flags = DST_DISK_CLEAN | DST_DISK_EARLY;
	super->sequence = sequence;
	super->compat = 1ULL << 63;
	super->ro_compat = 1;
	memset(super->volume, 0x55, sizeof(super->volume));
	strcpy(super->name, "a_volume-1.x");
	super->index = nr_nodes - 1;
	super->layout_version = 3;
	super->nr_nodes = nr_nodes;
	super->nr_params = nr_params;
	super->block_size = 4096;
	super->copies = 1;
	super->capacity = 1000 * MIB;
	super->region_shift = 12;
	strcpy(super->policy, "mirror");
	for (i = 0; i < 5; i++)
		dstb_age_bump(super, 0xfeedfacecafe0000 + i);
	for (i = 0; i < nr_params; i++) {
		snprintf(super->params[i].name, sizeof(super->params[i].name), "param%u", i);
		super->params[i].value = ~0ULL - i;
	}
	for (i = 0; i < DST_DISK_SAMPLES; i++)
		super->fingerprint[i] = 0x80000000 + i;
	for (i = 0; i < nr_nodes; i++) {
		struct dstb_super_node *node = &super->nodes[i];

		memset(node->uuid, 0xa0, sizeof(node->uuid));
		node->uuid[0] = i;
		node->size = 1000 * MIB + i;
		node->weight = 100 + i;
		node->zone = i;
		node->flags = i && i == nr_nodes - 1 ? DST_DISK_NODE_WITNESS :
						       DST_DISK_NODE_IN_SYNC;
		if (i != 2)
			node->age = super->age;
	}
	memcpy(super->node, super->nodes[super->index].uuid, sizeof(super->node));
}

/* The crc as it must be for what is there now. */
static void mend(void *buf)
{
	struct dst_disk_super *disk = buf;

	disk->crc = 0;
	disk->crc = cpu_to_le32(~crc32c(~0U, disk, le32_to_cpu(disk->bytes)));
}

/* Other media than those of today's must stay readable: nothing of this ever changes. */
static void format(void)
{
	struct dst_disk_super *disk = (void *)image.bytes;
	u32 bytes;

	CHECK(~crc32c(~0U, "123456789", 9) == 0xe3069283, "not crc32c");
	CHECK(sizeof(*disk) == HEAD_BYTES, "%zu", sizeof(*disk));
	CHECK(sizeof(struct dst_disk_node) == 64, "%zu", sizeof(struct dst_disk_node));
	CHECK(offsetof(struct dst_disk_super, volume) == 56, "volume");
	CHECK(offsetof(struct dst_disk_super, capacity) == 144, "capacity");
	CHECK(offsetof(struct dst_disk_super, age) == 176, "age");
	CHECK(offsetof(struct dst_disk_super, params) == 448, "params");
	CHECK(offsetof(struct dst_disk_super, fingerprint) == 1088, "fingerprint");
	CHECK(dstb_disk_bytes(DST_DISK_MAX_NODES) <= COPY_BYTES, "no room");

	fill(&good, 2, 1, 7);
	bytes = dstb_disk_encode(&good, image.bytes);
	CHECK(bytes == HEAD_BYTES + 2 * 64, "%u bytes", bytes);
	CHECK(!memcmp(image.bytes, "DSTSUPER\2\0\0\0\0\6\0\0", 16), "head");
	CHECK(image.bytes[24] == 7, "sequence");
	bytes = disk->crc;
	mend(image.bytes);
	CHECK(disk->crc == bytes, "crc");
}

static void round_trip(u32 nr_nodes, u32 nr_params)
{
	u32 bytes;
	const char *why;

	fill(&good, nr_nodes, nr_params, 1);
	memset(area.bytes, 0xee, sizeof(area.bytes));
	bytes = dstb_disk_encode(&good, area.bytes);
	CHECK(bytes == dstb_disk_bytes(nr_nodes), "%u bytes", bytes);
	CHECK(area.bytes[bytes] == 0xee, "%u nodes: wrote more than it said", nr_nodes);
	memset(&seen, 0xdd, sizeof(seen));
	why = dstb_disk_decode(area.bytes, sizeof(area.bytes), &seen);
	CHECK(!why, "%u nodes, %u parameters: %s", nr_nodes, nr_params, or_none(why));
	CHECK(!memcmp(&good, &seen, sizeof(good)), "%u nodes, %u parameters", nr_nodes, nr_params);
	dstb_disk_encode(&seen, image.bytes);
	CHECK(!memcmp(area.bytes, image.bytes, bytes), "%u nodes", nr_nodes);
	/* What is left of longer names stays in memory. */
	strcpy(seen.name, "secret-name");
	strcpy(seen.name, "x");
	dstb_disk_encode(&seen, image.bytes);
	why = dstb_disk_decode(image.bytes, bytes, &seen);
	CHECK(!why, "%s", or_none(why));
	CHECK(!seen.name[2], "left: %s", seen.name + 2);
}

static void round_trips(void)
{
	static const u32 nodes[] = { 1, 2, 3, 16, 255, 256 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		round_trip(nodes[i], 0);
		round_trip(nodes[i], 1);
		round_trip(nodes[i], DST_DISK_MAX_PARAMS);
	}
}

/**
 * struct damage - a field with something wrong in it
 * @offset:	in the superblock
 * @size:	in bytes
 * @value:	little-endian; of fields longer than 8 bytes, the byte that all of it becomes
 * @text:	instead of @value
 * @why:	the sentence that it must be refused with; NULL: it is let through
 */
struct damage {
	size_t offset;
	size_t size;
	u64 value;
	const char *text;
	const char *why;
};

#define AT(field) offsetof(struct dst_disk_super, field)

/* Of a superblock with 3 nodes, the last its own and a witness, and 2 parameters. */
static const struct damage damages[] = {
	{ AT(magic), 8, 0, NULL, "bad magic" },
	{ AT(magic), 8, 0, "DSTSUPEr", "bad magic" },
	{ AT(version), 4, 0, NULL, "written by an older DST: it must be made anew" },
	{ AT(version), 4, 1, NULL, "written by an older DST: it must be made anew" },
	{ AT(version), 4, 3, NULL, "needs a newer DST" },
	{ AT(version), 4, ~0U, NULL, "needs a newer DST" },
	{ AT(bytes), 4, 0, NULL, "length out of bounds" },
	{ AT(bytes), 4, HEAD_BYTES - 1, NULL, "length out of bounds" },
	{ AT(bytes), 4, HEAD_BYTES, NULL, "length does not fit the number of nodes" },
	{ AT(bytes), 4, HEAD_BYTES + 3 * 64 - 1, NULL, "length does not fit the number of nodes" },
	{ AT(bytes), 4, HEAD_BYTES + 3 * 64 + 1, NULL, "length does not fit the number of nodes" },
	{ AT(bytes), 4, COPY_BYTES, NULL, "length does not fit the number of nodes" },
	{ AT(bytes), 4, COPY_BYTES + 1, NULL, "length out of bounds" },
	{ AT(bytes), 4, ~0U, NULL, "length out of bounds" },
	{ AT(flags), 4, DST_DISK_CLEAN, NULL, NULL },
	{ AT(flags), 4, 1U << 2, NULL, "unknown flag" },
	{ AT(flags), 4, 1U << 31, NULL, "unknown flag" },
	{ AT(sequence), 8, 0, NULL, NULL },
	{ AT(sequence), 8, ~0ULL, NULL, NULL },
	{ AT(compat), 8, ~0ULL, NULL, NULL },
	{ AT(ro_compat), 8, ~0ULL, NULL, NULL },
	{ AT(incompat), 8, 1, NULL, "needs a newer DST" },
	{ AT(incompat), 8, 1ULL << 63, NULL, "needs a newer DST" },
	{ AT(volume), 16, 0, NULL, "no uuid of the volume" },
	{ AT(node), 16, 0, NULL, "its own uuid is not that of the node with its index" },
	{ AT(node), 16, 0xa0, NULL, "its own uuid is not that of the node with its index" },
	{ AT(name), 32, 0, NULL, "the volume's name is none" },
	{ AT(name), 32, 'x', NULL, "the volume's name is none" },
	{ AT(name), 32, 0, "a b", "the volume's name is none" },
	{ AT(name), 32, 0, "a/b", "the volume's name is none" },
	{ AT(name), 32, 0, "a\xc3\xa4", "the volume's name is none" },
	{ AT(name), 32, 0, "a\n", "the volume's name is none" },
	{ AT(name), 32, 0, ".", "the volume's name is none" },
	{ AT(name), 32, 0, "..", "the volume's name is none" },
	{ AT(name), 32, 0, "...", NULL },
	{ AT(name), 32, 0, "abcdefghijklmnopqrstuvwxyzABCDE", NULL },
	{ AT(name[31]), 1, 'x', NULL, "the volume's name is none" },
	{ AT(index), 4, 1, NULL, "its own uuid is not that of the node with its index" },
	{ AT(index), 4, 3, NULL, "index out of bounds" },
	{ AT(index), 4, ~0U, NULL, "index out of bounds" },
	{ AT(layout_version), 4, 0, NULL, "no layout version" },
	{ AT(nr_nodes), 4, 0, NULL, "number of nodes out of bounds" },
	{ AT(nr_nodes), 4, 2, NULL, "length does not fit the number of nodes" },
	{ AT(nr_nodes), 4, 4, NULL, "length does not fit the number of nodes" },
	{ AT(nr_nodes), 4, 257, NULL, "number of nodes out of bounds" },
	{ AT(nr_nodes), 4, 1U << 26 | 3, NULL, "number of nodes out of bounds" },
	{ AT(nr_nodes), 4, ~0U, NULL, "number of nodes out of bounds" },
	{ AT(nr_params), 4, 1, NULL, "unused parameter not zero" },
	{ AT(nr_params), 4, 3, NULL, "a parameter's name is none" },
	{ AT(nr_params), 4, 17, NULL, "number of parameters out of bounds" },
	{ AT(nr_params), 4, ~0U, NULL, "number of parameters out of bounds" },
	{ AT(block_size), 4, 0, NULL, "block size out of bounds" },
	{ AT(block_size), 4, 256, NULL, "block size out of bounds" },
	{ AT(block_size), 4, 512, NULL, NULL },
	{ AT(block_size), 4, 513, NULL, "block size out of bounds" },
	{ AT(block_size), 4, 65536, NULL, NULL },
	{ AT(block_size), 4, 131072, NULL, "block size out of bounds" },
	{ AT(block_size), 4, 1U << 31, NULL, "block size out of bounds" },
	{ AT(copies), 4, 0, NULL, "number of copies out of bounds" },
	{ AT(copies), 4, 2, NULL, NULL },
	{ AT(copies), 4, 3, NULL, "number of copies out of bounds" },
	{ AT(copies), 4, 17, NULL, "number of copies out of bounds" },
	{ AT(copies), 4, ~0U, NULL, "number of copies out of bounds" },
	{ AT(capacity), 8, 0, NULL, "capacity out of bounds" },
	{ AT(capacity), 8, 4, NULL, "capacity is no multiple of the block size" },
	{ AT(capacity), 8, 8, NULL, NULL },
	{ AT(capacity), 8, 1ULL << 34, NULL, NULL },
	{ AT(capacity), 8, (1ULL << 34) + 8, NULL, "more regions than the bitmap has bits" },
	{ AT(capacity), 8, (1ULL << 54) + 8, NULL, "capacity out of bounds" },
	{ AT(capacity), 8, ~7ULL, NULL, "capacity out of bounds" },
	{ AT(region_shift), 4, 0, NULL, "region size out of bounds" },
	{ AT(region_shift), 4, 10, NULL, "region size out of bounds" },
	{ AT(region_shift), 4, 11, NULL, NULL },
	{ AT(region_shift), 4, 32, NULL, NULL },
	{ AT(region_shift), 4, 33, NULL, "region size out of bounds" },
	{ AT(region_shift), 4, 64, NULL, "region size out of bounds" },
	{ AT(region_shift), 4, ~0U, NULL, "region size out of bounds" },
	{ AT(reserved), 4, 1, NULL, "reserved field not zero" },
	{ AT(reserved2[0]), 1, 1, NULL, "reserved field not zero" },
	{ AT(reserved2[63]), 1, 0x80, NULL, "reserved field not zero" },
	{ AT(policy), 16, 0, NULL, "the policy's name is none" },
	{ AT(policy), 16, 'x', NULL, "the policy's name is none" },
	{ AT(policy), 16, 0, "mir ror", "the policy's name is none" },
	{ AT(policy), 16, 0, "..", "the policy's name is none" },
	{ AT(policy[15]), 1, 1, NULL, "the policy's name is none" },
	{ AT(age), 16, 0, NULL, "no age" },
	{ AT(age.seq), 8, 0, NULL, "malformed age" },
	{ AT(age.nonce), 8, 0, NULL, "malformed age" },
	{ AT(age.nonce), 8, 1, NULL, NULL },
	{ AT(age.seq), 8, 4, NULL, "malformed history" },
	{ AT(age.seq), 8, ~0ULL, NULL, NULL },
	{ AT(history[0].nonce), 8, 0, NULL, "malformed history" },
	{ AT(history[0].seq), 8, 0, NULL, "malformed history" },
	{ AT(history[0].seq), 8, 5, NULL, "malformed history" },
	{ AT(history[0]), 16, 0, NULL, "malformed history" },
	{ AT(history[1].seq), 8, 4, NULL, "malformed history" },
	{ AT(history[4]), 16, 1, NULL, "malformed history" },
	{ AT(history[15]), 16, 1, NULL, "malformed history" },
	{ AT(params[0].name), 32, 0, NULL, "a parameter's name is none" },
	{ AT(params[1].name), 32, 'x', NULL, "a parameter's name is none" },
	{ AT(params[1].name), 32, 0, "a=b", "a parameter's name is none" },
	{ AT(params[1].name), 32, 0, "param0", "two parameters of one name" },
	{ AT(params[1].value), 8, 0, NULL, NULL },
	{ AT(params[2].value), 8, 1, NULL, "unused parameter not zero" },
	{ AT(params[15].name[31]), 1, 1, NULL, "unused parameter not zero" },
	{ AT(fingerprint[0]), 4, 0, NULL, NULL },
	{ AT(nodes[0].uuid), 16, 0, NULL, "a node without uuid" },
	{ AT(nodes[0].uuid[0]), 1, 1, NULL, "two nodes of one uuid" },
	{ AT(nodes[2].uuid[15]), 1, 0, NULL,
	  "its own uuid is not that of the node with its index" },
	{ AT(nodes[0].size), 8, 0, NULL, "size of a node out of bounds" },
	{ AT(nodes[1].size), 8, 0, NULL, "size of a node out of bounds" },
	{ AT(nodes[2].size), 8, 0, NULL, NULL },
	{ AT(nodes[0].size), 8, (1ULL << 54) + 1, NULL, "size of a node out of bounds" },
	{ AT(nodes[1].size), 8, ~0ULL, NULL, "size of a node out of bounds" },
	{ AT(nodes[0].weight), 4, 0, NULL, "weight of a node out of bounds" },
	{ AT(nodes[2].weight), 4, 1000000, NULL, NULL },
	{ AT(nodes[2].weight), 4, 1000001, NULL, "weight of a node out of bounds" },
	{ AT(nodes[0].zone), 4, ~0U, NULL, NULL },
	{ AT(nodes[0].flags), 4, 0, NULL, NULL },
	{ AT(nodes[0].flags), 4, DST_DISK_NODE_WITNESS, NULL,
	  "a witness before a node with data" },
	{ AT(nodes[0].flags), 4, 1U << 2, NULL, "unknown flag of a node" },
	{ AT(nodes[2].flags), 4, 1U << 31, NULL, "unknown flag of a node" },
	{ AT(nodes[1].reserved), 4, 1, NULL, "reserved field of a node not zero" },
	{ AT(nodes[1].reserved2[0]), 1, 1, NULL, "reserved field of a node not zero" },
	{ AT(nodes[2].reserved2[7]), 1, 1, NULL, "reserved field of a node not zero" },
	{ AT(nodes[0].age), 16, 0, NULL, NULL },
	{ AT(nodes[0].age.nonce), 8, 0, NULL, "malformed age of a node" },
	{ AT(nodes[0].age.seq), 8, 0, NULL, "malformed age of a node" },
	{ AT(nodes[0].age.seq), 8, 6, NULL, "age of a node from the future" },
	{ AT(nodes[0].age.seq), 8, ~0ULL, NULL, "age of a node from the future" },
};

static void inflict(const struct damage *damage)
{
	u8 *field = area.bytes + damage->offset;
	u64 value = cpu_to_le64(damage->value);

	if (damage->text) {
		memset(field, 0, damage->size);
		memcpy(field, damage->text, strlen(damage->text));
	} else if (damage->size <= sizeof(value)) {
		memcpy(field, &value, damage->size);
	} else {
		memset(field, damage->value, damage->size);
	}
}

static void damaged_fields(void)
{
	const struct dst_disk_super *disk = (void *)area.bytes;
	const char *why;
	size_t i;

	fill(&good, 3, 2, 1);
	memset(image.bytes, 0, sizeof(image.bytes));
	dstb_disk_encode(&good, image.bytes);
	for (i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct damage *damage = &damages[i];

		memcpy(area.bytes, image.bytes, COPY_BYTES);
		inflict(damage);
		if (le32_to_cpu(disk->bytes) <= COPY_BYTES)
			mend(area.bytes);
		why = dstb_disk_decode(area.bytes, COPY_BYTES, &seen);
		CHECK(why ? damage->why && !strcmp(why, damage->why) : !damage->why,
		      "'%s' or %llx at byte %zu, wanted %s: %s", damage->text ?: "",
		      (unsigned long long)damage->value, damage->offset,
		      or_none(damage->why), or_none(why));
		CHECK(!why || (*why && strlen(why) < 70), "its own sentence: %s", or_none(why));
	}
	/* A crc that is wrong, and only that. */
	memcpy(area.bytes, image.bytes, COPY_BYTES);
	area.bytes[offsetof(struct dst_disk_super, crc)] ^= 1;
	why = dstb_disk_decode(area.bytes, COPY_BYTES, &seen);
	CHECK(why && !strcmp(why, "bad crc"), "%s", or_none(why));
}

/* Any one bit that flips is noticed, and whatever a correct crc lets through encodes the same. */
static void damaged_bits(void)
{
	u32 bytes, bit, taken = 0;
	const char *why;

	fill(&good, 3, 2, 1);
	bytes = dstb_disk_encode(&good, area.bytes);
	for (bit = 0; bit < bytes * 8; bit++) {
		area.bytes[bit / 8] ^= 1 << bit % 8;
		why = dstb_disk_decode(area.bytes, bytes, &seen);
		CHECK(why, "bit %u of byte %u", bit % 8, bit / 8);
		area.bytes[bit / 8] ^= 1 << bit % 8;
	}
	for (bit = 0; bit < bytes * 8; bit += 3) {
		memcpy(image.bytes, area.bytes, bytes);
		image.bytes[bit / 8] ^= 1 << bit % 8;
		if (le32_to_cpu(((struct dst_disk_super *)image.bytes)->bytes) > bytes)
			continue;
		mend(image.bytes);
		if (dstb_disk_decode(image.bytes, bytes, &seen))
			continue;
		taken++;
		dstb_disk_encode(&seen, image.bytes + COPY_BYTES);
		CHECK(!memcmp(image.bytes, image.bytes + COPY_BYTES, bytes),
		      "bit %u of byte %u does not round trip", bit % 8, bit / 8);
	}
	CHECK(taken > 100, "%u taken", taken);
}

static void truncated(u32 nr_nodes)
{
	u32 bytes, len;
	const char *why;
	void *copy;

	fill(&good, nr_nodes, 2, 1);
	bytes = dstb_disk_encode(&good, area.bytes);
	for (len = 0; len < bytes; len++) {
		/* Of its own, so that valgrind and ASan see who reads on. */
		copy = malloc(len ?: 1);
		if (!copy)
			abort();
		memcpy(copy, area.bytes, len);
		why = dstb_disk_decode(copy, len, &seen);
		CHECK(why && !strcmp(why, len < HEAD_BYTES ? "cut short" : "length out of bounds"),
		      "%u of %u bytes: %s", len, bytes, or_none(why));
		free(copy);
	}
	CHECK(!dstb_disk_decode(area.bytes, bytes, &seen), "all of %u bytes", bytes);
}

static void put(struct dstb_super *super, void *to, u32 nr_nodes, u64 sequence)
{
	fill(super, nr_nodes, nr_nodes % DST_DISK_MAX_PARAMS, sequence);
	super->age.nonce = sequence / 2 + 1;
	super->nodes[0].age = (struct dstb_age) {};
	dstb_disk_encode(super, to);
}

/*
 * Copy @slot has @before nodes at @sequence - 2 (none: it is blank), the other one the latest, and
 * a write of @after nodes gets as far as any sector; from the front, from the back, or any one
 * sector alone.
 */
static void torn(u64 sequence, u32 before, u32 between, u32 after)
{
	static alignas(8) u8 whole[COPY_BYTES];
	static struct dstb_super latest, next;
	u32 slot = sequence % 2, sectors, way, n, from, to;
	u8 *at = image.bytes + slot * COPY_BYTES;
	bool done;
	enum dstb_disk_state state;
	const char *why;

	memset(area.bytes, 0, sizeof(area.bytes));
	memset(whole, 0, sizeof(whole));
	if (before)
		put(&good, area.bytes + slot * COPY_BYTES, before, sequence - 2);
	put(&latest, area.bytes + !slot * COPY_BYTES, between, sequence - 1);
	put(&next, whole, after, sequence);
	sectors = (dstb_disk_bytes(after) + 511) / 512;
	for (way = 0; way < 3; way++)
		for (n = 0; n <= sectors - (way == 2); n++) {
			from = way == 0 ? 0 : n;
			to = way == 1 ? sectors : n + (way == 2);
			memcpy(image.bytes, area.bytes, sizeof(image.bytes));
			memcpy(at + from * 512, whole + from * 512, (to - from) * 512);
			/* What was not written may have been the same before. */
			done = !memcmp(at, whole, dstb_disk_bytes(after));
			CHECK(done || from > 0 || to < sectors, "not written");
			state = dstb_disk_pick(image.bytes, &seen, &why);
			CHECK(state == DSTB_DISK_VALID && !why, "copy %u, sectors %u..%u: %d, %s",
			      slot, from, to, state, or_none(why));
			CHECK(!memcmp(&seen, done ? &next : &latest, sizeof(seen)),
			      "copy %u, sectors %u..%u: sequence %llu", slot, from, to,
			      (unsigned long long)seen.sequence);
		}
}

static void torn_writes(void)
{
	static const u32 nodes[] = { 0, 1, 3, 64, 256 };
	u32 i, k, sequence;

	for (sequence = 8; sequence < 10; sequence++)
		for (i = 0; i < 5; i++)
			for (k = 1; k < 5; k++)
				torn(sequence, nodes[i], 1 + i, nodes[k]);
}

static void picks(enum dstb_disk_state state, const char *why, u64 sequence, const char *what)
{
	enum dstb_disk_state got;
	const char *said = "nothing set";

	got = dstb_disk_pick(area.bytes, &seen, &said);
	CHECK(got == state, "%s: %d", what, got);
	CHECK(said ? why && !strcmp(said, why) : !why, "%s: %s", what, or_none(said));
	CHECK(state != DSTB_DISK_VALID || seen.sequence == sequence, "%s: %llu", what,
	      (unsigned long long)seen.sequence);
}

static struct dst_disk_super *copy(u32 n)
{
	return (void *)(area.bytes + n * COPY_BYTES);
}

/* Sequence numbers in copies 0 and 1. */
static void two(u64 a, u64 b)
{
	put(&good, copy(0), 2, a);
	put(&good, copy(1), 2, b);
}

static void nothing_of_ours(void)
{
	u32 i;

	memset(area.bytes, 0, sizeof(area.bytes));
	picks(DSTB_DISK_BLANK, NULL, 0, "zeros");
	for (i = 0; i < AREA_BYTES; i = i * 2 + 1) {
		area.bytes[i] = 1;
		picks(DSTB_DISK_FOREIGN, NULL, 0, "a byte");
		area.bytes[i] = 0;
	}
	area.bytes[AREA_BYTES - 1] = 1;
	picks(DSTB_DISK_FOREIGN, NULL, 0, "the last byte");
	memset(area.bytes, 0xff, sizeof(area.bytes));
	picks(DSTB_DISK_FOREIGN, NULL, 0, "ones");
	memset(area.bytes, 0, sizeof(area.bytes));
	memcpy(area.bytes + 512, DST_DISK_MAGIC, 8);
	picks(DSTB_DISK_FOREIGN, NULL, 0, "the magic elsewhere");
	memset(area.bytes, 0, sizeof(area.bytes));
	memcpy(area.bytes + COPY_BYTES, DST_DISK_MAGIC, 8);
	picks(DSTB_DISK_CORRUPT, "length out of bounds", 0, "the magic in copy 1");
	memset(area.bytes, 0, sizeof(area.bytes));
	memcpy(area.bytes, DST_DISK_MAGIC, 8);
	picks(DSTB_DISK_CORRUPT, "length out of bounds", 0, "the magic in copy 0");
}

static void choices(void)
{
	two(4, 5);
	picks(DSTB_DISK_VALID, NULL, 5, "both");
	two(6, 5);
	picks(DSTB_DISK_VALID, NULL, 6, "both");
	two(6, ~0ULL);
	picks(DSTB_DISK_VALID, NULL, ~0ULL, "the last sequence number of all");
	memset(copy(1), 0, COPY_BYTES);
	picks(DSTB_DISK_VALID, NULL, 6, "copy 0 alone");
	two(6, 5);
	memset(copy(0), 0xee, COPY_BYTES);
	picks(DSTB_DISK_VALID, NULL, 5, "copy 1 alone");
	two(6, 5);
	copy(0)->capacity ^= 1;
	picks(DSTB_DISK_VALID, NULL, 5, "copy 0 corrupt");
	copy(1)->capacity ^= 1;
	picks(DSTB_DISK_CORRUPT, "bad crc", 0, "both corrupt");
	two(6, 5);
	copy(0)->copies = 0;
	mend(copy(0));
	memset(copy(1), 0, 512);
	picks(DSTB_DISK_CORRUPT, "number of copies out of bounds", 0, "copy 0 invalid");
	two(5, 7);
	picks(DSTB_DISK_VALID, NULL, 7, "copy 0 with an odd number");
	two(9, 7);
	picks(DSTB_DISK_VALID, NULL, 7, "copy 0 with an odd number, higher");
	two(9, 8);
	picks(DSTB_DISK_CORRUPT, "sequence number of the other copy", 0, "swapped");
}

/* Intact, but of a kind that comes later: not to be passed over. */
static void needs_newer(void)
{
	two(6, 5);
	copy(0)->incompat = cpu_to_le64(4);
	mend(copy(0));
	picks(DSTB_DISK_CORRUPT, "needs a newer DST", 0, "the latest is newer");
	copy(0)->incompat = 0;
	copy(0)->version = cpu_to_le32(DST_DISK_VERSION + 1);
	mend(copy(0));
	picks(DSTB_DISK_CORRUPT, "needs a newer DST", 0, "the latest is of the next version");
	copy(0)->capacity ^= 1;
	picks(DSTB_DISK_VALID, NULL, 5, "the latest is newer, and torn");
	two(6, 5);
	copy(1)->incompat = cpu_to_le64(4);
	mend(copy(1));
	picks(DSTB_DISK_VALID, NULL, 6, "the one before is newer");
	copy(0)->capacity ^= 1;
	picks(DSTB_DISK_CORRUPT, "needs a newer DST", 0, "one newer, one torn");
}

static void related(const struct dstb_super *a, const struct dstb_super *b,
		    enum dstb_age_relation there, enum dstb_age_relation back, const char *what)
{
	CHECK(dstb_age_relate(a, b) == there, "%s: %d", what, dstb_age_relate(a, b));
	CHECK(dstb_age_relate(b, a) == back, "%s, turned: %d", what, dstb_age_relate(b, a));
}

static void relations(void)
{
	static struct dstb_super a, b;
	struct dstb_age none = {}, first, other = { 1, 2 };
	u32 i;

	CHECK(dstb_age_none(&none) && !dstb_age_none(&other), "none");
	CHECK(!dstb_age_known(&a, &none), "none is not known");
	related(&a, &b, DSTB_AGE_EQUAL, DSTB_AGE_EQUAL, "none and none");
	dstb_age_bump(&a, 1);
	first = a.age;
	CHECK(a.age.seq == 1 && a.age.nonce == 1 && dstb_age_none(&a.history[0]), "first age");
	CHECK(!dstb_age_equal(&a.age, &other), "another nonce");
	CHECK(!dstb_age_known(&a, &other) && dstb_age_known(&a, &first), "known");
	CHECK(!dstb_age_known(&a, &none), "none is not known");
	related(&a, &b, DSTB_AGE_DIVERGED, DSTB_AGE_DIVERGED, "something and none");
	b = a;
	related(&a, &b, DSTB_AGE_EQUAL, DSTB_AGE_EQUAL, "a copy");
	for (i = 1; i <= DST_DISK_HISTORY; i++) {
		dstb_age_bump(&b, 100 + i);
		CHECK(b.age.seq == 1 + i && b.age.nonce == 100 + i, "bump %u", i);
		CHECK(dstb_age_equal(&b.history[i - 1], &first), "bump %u", i);
		CHECK(dstb_age_known(&b, &first), "bump %u", i);
		related(&a, &b, DSTB_AGE_OLDER, DSTB_AGE_YOUNGER, "so many ages before");
	}
	dstb_age_bump(&b, 200);
	CHECK(!dstb_age_known(&b, &first), "forgotten");
	related(&a, &b, DSTB_AGE_DIVERGED, DSTB_AGE_DIVERGED, "one age too many");
	/* The same number, written apart. */
	b = a;
	dstb_age_bump(&a, 7);
	dstb_age_bump(&b, 8);
	related(&a, &b, DSTB_AGE_DIVERGED, DSTB_AGE_DIVERGED, "written apart");
	dstb_age_bump(&a, 9);
	related(&a, &b, DSTB_AGE_DIVERGED, DSTB_AGE_DIVERGED, "written apart, and on");
}

static void region(u64 capacity, u32 shift, u32 regions)
{
	u32 got = dstb_disk_region_shift(capacity);

	CHECK(got == shift, "%llu sectors: %u", (unsigned long long)capacity, got);
	got = dstb_disk_regions(capacity, shift);
	CHECK(got == regions, "%llu sectors: %u regions", (unsigned long long)capacity, got);
}

static void regions(void)
{
	u64 capacity, most = DST_DISK_MAX_REGIONS;
	u32 power, shift;
	int off;

	region(0, 11, 0);
	region(1, 11, 1);
	region(MIB, 11, 1);
	region(MIB + 1, 11, 2);
	region(MIB << 22, 11, most);		/* 4 TiB */
	region((MIB << 22) + 1, 12, most / 2 + 1);
	region((MIB << 23) - 1, 12, most);
	region(MIB << 23, 12, most);
	region((1ULL << 54) - 1, 32, most);	/* 8 EiB less a sector */
	region(1ULL << 54, 32, most);
	region((1ULL << 54) + 1, 33, most / 2 + 1);
	region(~0ULL, 42, most);
	for (power = 2; power < 64; power++)
		for (off = -1; off <= 1; off++) {
			capacity = (1ULL << power) + off;
			shift = dstb_disk_region_shift(capacity);
			CHECK(dstb_disk_regions(capacity, shift) <= most, "2^%u%+d", power, off);
			CHECK(shift == 11 || dstb_disk_regions(capacity, shift - 1) > most,
			      "2^%u%+d: larger than need be", power, off);
		}
}

/* A sector of the bitmap: what is encoded, and with any bit wrong, or elsewhere, refused. */
static void marks(void)
{
	u64 words[DST_DISK_BITS_WORDS], seen[DST_DISK_BITS_WORDS];
	struct dst_disk_bits made, got;
	u32 i;

	CHECK(sizeof(made) == 512, "%zu bytes", sizeof(made));
	CHECK((u64)DST_DISK_BITMAP_SECTORS * DST_DISK_BITS >= DST_DISK_MAX_REGIONS, "too few");
	for (i = 0; i < DST_DISK_BITS_WORDS; i++)
		words[i] = 0x0102030405060708ULL * (i + 1);
	dstb_disk_bits_encode(&made, 1047, words);
	CHECK(((u8 *)&made)[0] == 8 && ((u8 *)&made)[7] == 1, "not little-endian");
	CHECK(dstb_disk_bits_decode(&made, 1047, seen), "refused");
	CHECK(!memcmp(words, seen, sizeof(words)), "other bits");
	CHECK(!dstb_disk_bits_decode(&made, 1046, seen), "taken for another");
	for (i = 0; i < sizeof(made) * 8; i++) {
		got = made;
		((u8 *)&got)[i / 8] ^= 1 << i % 8;
		CHECK(!dstb_disk_bits_decode(&got, 1047, seen), "bit %u is wrong", i);
	}
	memset(&got, 0, sizeof(got));
	CHECK(!dstb_disk_bits_decode(&got, 0, seen), "zeros");
}

static void mark(u64 (*bitmap)[DST_DISK_BITS_WORDS], u32 nr)
{
	u32 in = nr % DST_DISK_BITS;

	bitmap[nr / DST_DISK_BITS][in / 64] |= 1ULL << in % 64;
}

/* Copies 8 and 9; regions 0, 1, 2, 15 and the last one are marked. */
static int write_medium(const char *path)
{
	static const u32 marked[] = { 0, 1, 2, 15, DST_DISK_MAX_REGIONS - 1 };
	static u64 words[DST_DISK_BITMAP_SECTORS][DST_DISK_BITS_WORDS];
	static struct {
		alignas(8) u8 bytes[MIB * 512];
	} meta;
	struct dst_disk_bits *bitmap;
	FILE *file = fopen(path, "w");
	bool bad;
	u32 i;

	if (!file)
		return 1;
	two(8, 9);
	memcpy(meta.bytes, area.bytes, sizeof(area.bytes));
	bitmap = (void *)(meta.bytes + DST_DISK_BITMAP_SECTOR * 512);
	for (i = 0; i < sizeof(marked) / sizeof(*marked); i++)
		mark(words, marked[i]);
	for (i = 0; i < DST_DISK_BITMAP_SECTORS; i++)
		dstb_disk_bits_encode(&bitmap[i], i, words[i]);
	bad = fseek(file, 2 * MIB * 512, SEEK_SET) || fwrite(&meta, sizeof(meta), 1, file) != 1;
	return fclose(file) || bad;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return write_medium(argv[1]);
	format();
	round_trips();
	damaged_fields();
	damaged_bits();
	truncated(1);
	truncated(16);
	torn_writes();
	nothing_of_ours();
	choices();
	needs_newer();
	relations();
	regions();
	marks();
	if (!failed)
		printf("disktest: superblocks, torn writes, ages, regions and marks passed\n");
	return !!failed;
}
