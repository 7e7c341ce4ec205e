// SPDX-License-Identifier: GPL-2.0
/*
 * The codec of the medium's format: encode, decode, validate, and how ages relate. Touches nothing
 * but its arguments.
 */
#include "disk.h"
#include "name.h"

#ifdef __KERNEL__
#include <linux/crc32c.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#endif

#define COPY_BYTES	(DST_DISK_SUPER_SECTORS << 9)
#define MAX_SECTORS	(8ULL << (60 - 9)) /* 8 EiB: no block device has more */
#define MAX_REGION	32 /* log2 of sectors: so large that MAX_SECTORS fit the bitmap */
#define MAX_COPIES	16
#define MAX_WEIGHT	1000000 /* what netlink allows: policies need not guard against more */

/* Compared by address: what pick() must not take for damage. */
static const char needs_newer[] = "needs a newer DST";

static bool is_zero(const void *data, size_t len)
{
	const u8 *p = data;

	return !len || (!p[0] && !memcmp(p, p + 1, len - 1));
}

static bool is_pow2(u32 n)
{
	return n && !(n & (n - 1));
}

/* With 0 in the place of the crc itself. */
static u32 crc_of(const struct dst_disk_super *disk, u32 bytes)
{
	static const u8 zeros[sizeof(disk->crc)];
	u32 before = offsetof(struct dst_disk_super, crc), after = before + sizeof(zeros), crc;

	crc = crc32c(~0U, disk, before);
	crc = crc32c(crc, zeros, sizeof(zeros));
	return ~crc32c(crc, (const u8 *)disk + after, bytes - after);
}

static struct dst_disk_age put_age(const struct dstb_age *age)
{
	return (struct dst_disk_age) {
		.seq = cpu_to_le64(age->seq),
		.nonce = cpu_to_le64(age->nonce),
	};
}

static struct dstb_age get_age(const struct dst_disk_age *age)
{
	return (struct dstb_age) {
		.seq = le64_to_cpu(age->seq),
		.nonce = le64_to_cpu(age->nonce),
	};
}

/* What an earlier, longer name left behind its end does not reach the medium. */
static void put_name(char *to, const char *from, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1 && from[i]; i++)
		to[i] = from[i];
	memset(to + i, 0, size - i);
}

/**
 * dstb_disk_bytes() - length of an encoded superblock
 * @nr_nodes:	nodes of the layout
 *
 * Context: any.
 * Return: bytes, not rounded.
 */
u32 dstb_disk_bytes(u32 nr_nodes)
{
	return sizeof(struct dst_disk_super) + nr_nodes * sizeof(struct dst_disk_node);
}

static void put_node(struct dst_disk_node *disk, const struct dstb_super_node *node)
{
	memset(disk, 0, sizeof(*disk));
	memcpy(disk->uuid, node->uuid, sizeof(disk->uuid));
	disk->size = cpu_to_le64(node->size);
	disk->weight = cpu_to_le32(node->weight);
	disk->zone = cpu_to_le32(node->zone);
	disk->flags = cpu_to_le32(node->flags);
	disk->age = put_age(&node->age);
}

/**
 * dstb_disk_encode() - make a superblock
 * @super:	what of; must be what dstb_disk_decode() lets through, which is not checked here
 * @buf:	where to: room for dstb_disk_bytes() of its nodes, aligned to 8
 *
 * Context: any.
 * Return: bytes that were written to @buf.
 */
u32 dstb_disk_encode(const struct dstb_super *super, void *buf)
{
	u32 bytes = dstb_disk_bytes(super->nr_nodes), i;
	struct dst_disk_super *disk = buf;

	memset(disk, 0, sizeof(*disk));
	memcpy(disk->magic, DST_DISK_MAGIC, sizeof(disk->magic));
	disk->version = cpu_to_le32(DST_DISK_VERSION);
	disk->bytes = cpu_to_le32(bytes);
	disk->flags = cpu_to_le32(super->flags);
	disk->sequence = cpu_to_le64(super->sequence);
	disk->compat = cpu_to_le64(super->compat);
	disk->ro_compat = cpu_to_le64(super->ro_compat);
	disk->incompat = cpu_to_le64(super->incompat);
	memcpy(disk->volume, super->volume, sizeof(disk->volume));
	memcpy(disk->node, super->node, sizeof(disk->node));
	put_name(disk->name, super->name, sizeof(disk->name));
	disk->index = cpu_to_le32(super->index);
	disk->layout_version = cpu_to_le32(super->layout_version);
	disk->nr_nodes = cpu_to_le32(super->nr_nodes);
	disk->nr_params = cpu_to_le32(super->nr_params);
	disk->block_size = cpu_to_le32(super->block_size);
	disk->copies = cpu_to_le32(super->copies);
	disk->capacity = cpu_to_le64(super->capacity);
	disk->region_shift = cpu_to_le32(super->region_shift);
	put_name(disk->policy, super->policy, sizeof(disk->policy));
	disk->age = put_age(&super->age);
	for (i = 0; i < DST_DISK_HISTORY; i++)
		disk->history[i] = put_age(&super->history[i]);
	for (i = 0; i < super->nr_params; i++) {
		put_name(disk->params[i].name, super->params[i].name, sizeof(disk->params[i].name));
		disk->params[i].value = cpu_to_le64(super->params[i].value);
	}
	for (i = 0; i < DST_DISK_SAMPLES; i++)
		disk->fingerprint[i] = cpu_to_le32(super->fingerprint[i]);
	for (i = 0; i < super->nr_nodes; i++)
		put_node(&disk->nodes[i], &super->nodes[i]);
	disk->crc = cpu_to_le32(crc_of(disk, bytes));
	return bytes;
}

/* Is it a whole superblock of a kind that is understood? */
static const char *check_frame(const struct dst_disk_super *disk, u32 len)
{
	u32 bytes, nr_nodes;

	if (len < sizeof(*disk))
		return "cut short";
	if (memcmp(disk->magic, DST_DISK_MAGIC, sizeof(disk->magic)))
		return "bad magic";
	bytes = le32_to_cpu(disk->bytes);
	if (bytes < sizeof(*disk) || bytes > len)
		return "length out of bounds";
	if (le32_to_cpu(disk->crc) != crc_of(disk, bytes))
		return "bad crc";
	if (le32_to_cpu(disk->version) > DST_DISK_VERSION || disk->incompat)
		return needs_newer;
	if (le32_to_cpu(disk->version) != DST_DISK_VERSION)
		return "written by an older DST: it must be made anew";
	nr_nodes = le32_to_cpu(disk->nr_nodes);
	if (!nr_nodes || nr_nodes > DST_DISK_MAX_NODES)
		return "number of nodes out of bounds";
	if (bytes != dstb_disk_bytes(nr_nodes))
		return "length does not fit the number of nodes";
	if (le32_to_cpu(disk->nr_params) > DST_DISK_MAX_PARAMS)
		return "number of parameters out of bounds";
	return NULL;
}

/* What is of no use yet must be zero: a later version may give it a meaning. */
static const char *check_unused(const struct dst_disk_super *disk)
{
	u32 nr_nodes = le32_to_cpu(disk->nr_nodes), nr_params = le32_to_cpu(disk->nr_params), i;

	if (le32_to_cpu(disk->flags) & ~(DST_DISK_CLEAN | DST_DISK_EARLY))
		return "unknown flag";
	if (disk->reserved || !is_zero(disk->reserved2, sizeof(disk->reserved2)))
		return "reserved field not zero";
	if (!is_zero(&disk->params[nr_params],
		     (DST_DISK_MAX_PARAMS - nr_params) * sizeof(disk->params[0])))
		return "unused parameter not zero";
	for (i = 0; i < nr_nodes; i++) {
		const struct dst_disk_node *node = &disk->nodes[i];

		if (le32_to_cpu(node->flags) & ~(DST_DISK_NODE_IN_SYNC | DST_DISK_NODE_WITNESS))
			return "unknown flag of a node";
		if (node->reserved || !is_zero(node->reserved2, sizeof(node->reserved2)))
			return "reserved field of a node not zero";
	}
	return NULL;
}

static void get_node(struct dstb_super_node *node, const struct dst_disk_node *disk)
{
	memcpy(node->uuid, disk->uuid, sizeof(node->uuid));
	node->size = le64_to_cpu(disk->size);
	node->weight = le32_to_cpu(disk->weight);
	node->zone = le32_to_cpu(disk->zone);
	node->flags = le32_to_cpu(disk->flags);
	node->age = get_age(&disk->age);
}

static void get_super(struct dstb_super *super, const struct dst_disk_super *disk)
{
	u32 i;

	memset(super, 0, sizeof(*super));
	super->flags = le32_to_cpu(disk->flags);
	super->sequence = le64_to_cpu(disk->sequence);
	super->compat = le64_to_cpu(disk->compat);
	super->ro_compat = le64_to_cpu(disk->ro_compat);
	super->incompat = le64_to_cpu(disk->incompat);
	memcpy(super->volume, disk->volume, sizeof(super->volume));
	memcpy(super->node, disk->node, sizeof(super->node));
	memcpy(super->name, disk->name, sizeof(super->name));
	super->index = le32_to_cpu(disk->index);
	super->layout_version = le32_to_cpu(disk->layout_version);
	super->nr_nodes = le32_to_cpu(disk->nr_nodes);
	super->nr_params = le32_to_cpu(disk->nr_params);
	super->block_size = le32_to_cpu(disk->block_size);
	super->copies = le32_to_cpu(disk->copies);
	super->capacity = le64_to_cpu(disk->capacity);
	super->region_shift = le32_to_cpu(disk->region_shift);
	memcpy(super->policy, disk->policy, sizeof(super->policy));
	super->age = get_age(&disk->age);
	for (i = 0; i < DST_DISK_HISTORY; i++)
		super->history[i] = get_age(&disk->history[i]);
	for (i = 0; i < super->nr_params; i++) {
		memcpy(super->params[i].name, disk->params[i].name, sizeof(super->params[i].name));
		super->params[i].value = le64_to_cpu(disk->params[i].value);
	}
	for (i = 0; i < DST_DISK_SAMPLES; i++)
		super->fingerprint[i] = le32_to_cpu(disk->fingerprint[i]);
	for (i = 0; i < super->nr_nodes; i++)
		get_node(&super->nodes[i], &disk->nodes[i]);
}

/* As netlink has it, and zeros from its end on. */
static bool is_name(const char *s, size_t size)
{
	size_t len = dstb_name_len(s, size);

	return len && is_zero(s + len, size - len) && strcmp(s, ".") && strcmp(s, "..");
}

static const char *check_names(const struct dstb_super *super)
{
	u32 i, k;

	if (!is_name(super->name, sizeof(super->name)))
		return "the volume's name is none";
	if (!is_name(super->policy, sizeof(super->policy)))
		return "the policy's name is none";
	for (i = 0; i < super->nr_params; i++) {
		if (!is_name(super->params[i].name, sizeof(super->params[i].name)))
			return "a parameter's name is none";
		for (k = 0; k < i; k++)
			if (!strcmp(super->params[i].name, super->params[k].name))
				return "two parameters of one name";
	}
	return NULL;
}

static const char *check_geometry(const struct dstb_super *super)
{
	if (!super->layout_version)
		return "no layout version";
	if (!is_pow2(super->block_size) || super->block_size < 512 || super->block_size > 65536)
		return "block size out of bounds";
	if (!super->capacity || super->capacity > MAX_SECTORS)
		return "capacity out of bounds";
	if (super->capacity & ((super->block_size >> 9) - 1))
		return "capacity is no multiple of the block size";
	if (super->region_shift < DST_DISK_MIN_REGION || super->region_shift > MAX_REGION)
		return "region size out of bounds";
	if (super->region_shift < dstb_disk_region_shift(super->capacity))
		return "more regions than the bitmap has bits";
	return NULL;
}

static bool age_ok(const struct dstb_age *age)
{
	return !age->seq == !age->nonce;
}

static const char *check_ages(const struct dstb_super *super)
{
	const struct dstb_age *younger = &super->age, *age = super->history;
	u32 i;

	if (dstb_age_none(&super->age))
		return "no age";
	if (!age_ok(&super->age))
		return "malformed age";
	for (i = 0; i < DST_DISK_HISTORY; i++, younger = age++)
		if (!age_ok(age) || (!dstb_age_none(age) && age->seq >= younger->seq))
			return "malformed history";
	for (i = 0; i < super->nr_nodes; i++) {
		age = &super->nodes[i].age;
		if (!age_ok(age))
			return "malformed age of a node";
		if (age->seq > super->age.seq)
			return "age of a node from the future";
	}
	return NULL;
}

static const char *check_nodes(const struct dstb_super *super)
{
	u32 data = 0, i, k;
	bool witness;

	for (i = 0; i < super->nr_nodes; i++) {
		const struct dstb_super_node *node = &super->nodes[i];

		if (is_zero(node->uuid, sizeof(node->uuid)))
			return "a node without uuid";
		for (k = 0; k < i; k++)
			if (!memcmp(node->uuid, super->nodes[k].uuid, sizeof(node->uuid)))
				return "two nodes of one uuid";
		if (!node->weight || node->weight > MAX_WEIGHT)
			return "weight of a node out of bounds";
		witness = node->flags & DST_DISK_NODE_WITNESS;
		if (!witness && data != i)
			return "a witness before a node with data";
		if (node->size > MAX_SECTORS || (!node->size && !witness))
			return "size of a node out of bounds";
		data += !witness;
	}
	if (!super->copies || super->copies > MAX_COPIES || super->copies > data)
		return "number of copies out of bounds";
	if (super->index >= super->nr_nodes)
		return "index out of bounds";
	if (memcmp(super->node, super->nodes[super->index].uuid, sizeof(super->node)))
		return "its own uuid is not that of the node with its index";
	return NULL;
}

/**
 * dstb_disk_decode() - take a superblock apart and check everything that can be checked without
 * knowing the volume
 * @buf:	what is on the medium, aligned to 8
 * @len:	bytes of it; may be more than the superblock has
 * @super:	where to; undefined when refused
 *
 * What is let through encodes to the same bytes again. Unknown bits of compat and ro_compat are
 * let through: the caller decides what to do with the medium.
 *
 * Context: any.
 * Return: NULL, or what is wrong in a few words.
 */
const char *dstb_disk_decode(const void *buf, u32 len, struct dstb_super *super)
{
	const struct dst_disk_super *disk = buf;
	const char *why;

	why = check_frame(disk, len);
	if (!why)
		why = check_unused(disk);
	if (why)
		return why;
	get_super(super, disk);
	if (is_zero(super->volume, sizeof(super->volume)))
		return "no uuid of the volume";
	why = check_names(super);
	if (!why)
		why = check_geometry(super);
	if (!why)
		why = check_ages(super);
	if (!why)
		why = check_nodes(super);
	return why;
}

static const struct dst_disk_super *copy_of(const void *area, u32 n)
{
	return (const void *)((const u8 *)area + n * COPY_BYTES);
}

static bool has_magic(const struct dst_disk_super *disk)
{
	return !memcmp(disk->magic, DST_DISK_MAGIC, sizeof(disk->magic));
}

static const char *decode_copy(const void *area, u32 n, struct dstb_super *super)
{
	const char *why = dstb_disk_decode(copy_of(area, n), COPY_BYTES, super);

	/* The writer alternates: what is elsewhere was moved there by somebody else. */
	if (!why && super->sequence % DST_DISK_COPIES != n)
		return "sequence number of the other copy";
	return why;
}

/**
 * dstb_disk_pick() - look at both copies and decode the one that counts
 * @area:	the copies, DST_DISK_SUPER_SECTORS each, one after the other; aligned to 8
 * @super:	gets the valid one with the higher sequence number; undefined without one
 * @why:	gets NULL, or with DSTB_DISK_CORRUPT what is wrong with the copy that would have
 *		counted, in a few words
 *
 * A copy that needs a newer DST is not damaged: when it is the latest, what the one before says of
 * the medium is no longer true. That counts as DSTB_DISK_CORRUPT.
 *
 * Context: any.
 * Return: what the medium holds.
 */
enum dstb_disk_state dstb_disk_pick(const void *area, struct dstb_super *super, const char **why)
{
	const struct dst_disk_super *copies[DST_DISK_COPIES] = {
		copy_of(area, 0), copy_of(area, 1)
	};
	const char *first, *second;
	u32 n;

	*why = NULL;
	if (!has_magic(copies[0]) && !has_magic(copies[1]))
		return is_zero(area, DST_DISK_COPIES * COPY_BYTES) ? DSTB_DISK_BLANK :
								     DSTB_DISK_FOREIGN;
	/* A torn copy may say any number: that decides only which one is tried first. */
	n = !has_magic(copies[0]) ||
	    (has_magic(copies[1]) &&
	     le64_to_cpu(copies[1]->sequence) > le64_to_cpu(copies[0]->sequence));
	first = decode_copy(area, n, super);
	if (!first)
		return DSTB_DISK_VALID;
	*why = first;
	if (first == needs_newer)
		return DSTB_DISK_CORRUPT;
	second = decode_copy(area, !n, super);
	if (second == needs_newer)
		*why = second;
	if (second)
		return DSTB_DISK_CORRUPT;
	*why = NULL;
	return DSTB_DISK_VALID;
}

/**
 * dstb_age_equal() - compare two ages
 * @a:		one
 * @b:		the other
 *
 * Context: any.
 * Return: whether they are the same.
 */
bool dstb_age_equal(const struct dstb_age *a, const struct dstb_age *b)
{
	return a->seq == b->seq && a->nonce == b->nonce;
}

/**
 * dstb_age_none() - is there an age?
 * @age:	the age
 *
 * Context: any.
 * Return: true if not.
 */
bool dstb_age_none(const struct dstb_age *age)
{
	return !age->seq && !age->nonce;
}

static bool in_history(const struct dstb_super *super, const struct dstb_age *age)
{
	u32 i;

	/* The unused end of a history holds no ages. */
	if (dstb_age_none(age))
		return false;
	for (i = 0; i < DST_DISK_HISTORY; i++)
		if (dstb_age_equal(age, &super->history[i]))
			return true;
	return false;
}

/**
 * dstb_age_known() - has a superblock seen an age?
 * @super:	the superblock
 * @age:	the age
 *
 * Context: any.
 * Return: whether @age is its age or in its history. One that is more than DST_DISK_HISTORY ages
 * back is forgotten.
 */
bool dstb_age_known(const struct dstb_super *super, const struct dstb_age *age)
{
	return in_history(super, age) ||
	       (!dstb_age_none(age) && dstb_age_equal(age, &super->age));
}

/**
 * dstb_age_relate() - how the history of one superblock relates to that of another
 * @a:		one
 * @b:		the other
 *
 * Context: any.
 * Return: what @a is, seen from @b. DSTB_AGE_DIVERGED also when the common past is more than
 * DST_DISK_HISTORY ages back: nobody can tell any more.
 */
enum dstb_age_relation dstb_age_relate(const struct dstb_super *a, const struct dstb_super *b)
{
	if (dstb_age_equal(&a->age, &b->age))
		return DSTB_AGE_EQUAL;
	if (in_history(b, &a->age))
		return DSTB_AGE_OLDER;
	if (in_history(a, &b->age))
		return DSTB_AGE_YOUNGER;
	return DSTB_AGE_DIVERGED;
}

/**
 * dstb_age_bump() - begin a new age
 * @super:	gets it; the old one, if there was one, becomes its latest ancestor
 * @nonce:	random, not 0
 *
 * Context: any.
 */
void dstb_age_bump(struct dstb_super *super, u64 nonce)
{
	if (!dstb_age_none(&super->age)) {
		memmove(super->history + 1, super->history,
			(DST_DISK_HISTORY - 1) * sizeof(super->history[0]));
		super->history[0] = super->age;
	}
	super->age.seq++;
	super->age.nonce = nonce;
}

/**
 * dstb_disk_region_shift() - choose the size of regions
 * @capacity:	of the volume in sectors
 *
 * Context: any.
 * Return: log2 of the sectors of the smallest region that lets the volume fit the bitmap.
 */
u32 dstb_disk_region_shift(u64 capacity)
{
	u32 shift = DST_DISK_MIN_REGION;

	/* The last region may be a short one. */
	while (capacity && (capacity - 1) >> shift >= DST_DISK_MAX_REGIONS)
		shift++;
	return shift;
}

/**
 * dstb_disk_regions() - how many regions a volume has
 * @capacity:	of the volume in sectors
 * @region_shift: log2 of the sectors of a region, no less than dstb_disk_region_shift() says
 *
 * Context: any.
 * Return: regions, the last of which may be a short one.
 */
u32 dstb_disk_regions(u64 capacity, u32 region_shift)
{
	return capacity ? ((capacity - 1) >> region_shift) + 1 : 0;
}

static u32 crc_of_bits(const struct dst_disk_bits *disk)
{
	return ~crc32c(~0U, disk, offsetof(struct dst_disk_bits, crc));
}

/**
 * dstb_disk_bits_encode() - make a sector of the bitmap
 * @disk:	where to
 * @index:	which
 * @words:	DST_DISK_BITS_WORDS of bits
 *
 * Context: any.
 */
void dstb_disk_bits_encode(struct dst_disk_bits *disk, u32 index, const u64 *words)
{
	u32 i;

	for (i = 0; i < DST_DISK_BITS_WORDS; i++)
		disk->words[i] = cpu_to_le64(words[i]);
	disk->index = cpu_to_le32(index);
	disk->crc = cpu_to_le32(crc_of_bits(disk));
}

/**
 * dstb_disk_bits_decode() - take a sector of the bitmap apart
 * @disk:	what is on the medium
 * @index:	which it is to be
 * @words:	where to, DST_DISK_BITS_WORDS of bits
 *
 * Context: any.
 * Return: false when it is damaged.
 */
bool dstb_disk_bits_decode(const struct dst_disk_bits *disk, u32 index, u64 *words)
{
	u32 i;

	if (le32_to_cpu(disk->crc) != crc_of_bits(disk) || le32_to_cpu(disk->index) != index)
		return false;
	for (i = 0; i < DST_DISK_BITS_WORDS; i++)
		words[i] = le64_to_cpu(disk->words[i]);
	return true;
}
