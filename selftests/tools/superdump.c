// SPDX-License-Identifier: GPL-2.0
/*
 * superdump: what DST keeps at the end of a medium, as JSON: both copies of the superblock, and
 * which one counts; or the regions that the bitmap marks. Reads devices past the page cache, so
 * that it sees what the module wrote just now.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

#define AREA_BYTES	(DST_DISK_META_SECTORS * 512)
#define COPY_BYTES	(DST_DISK_SUPER_SECTORS * 512)
#define ALIGNMENT	4096 /* enough for O_DIRECT anywhere */

static const char usage[] =
	"usage: superdump DEVICE            both copies, as JSON\n"
	"       superdump --copy N DEVICE   copy 0 or 1, as JSON\n"
	"       superdump --bitmap DEVICE   marked regions, a range FIRST-LAST a line\n"
	"DEVICE may be a file. Status 0 whatever the medium holds, 1 when marks are damaged,\n"
	"2 when it can't be read.\n";

static __noreturn void fail(const char *path, const char *what, int err)
{
	fprintf(stderr, "superdump: %s: %s%s%s\n", path, what, err ? ": " : "",
		err ? strerror(err) : "");
	exit(2);
}

static u64 size_of(const char *path, int fd)
{
	struct stat st;
	u64 size;

	if (fstat(fd, &st))
		fail(path, "stat", errno);
	if (!S_ISBLK(st.st_mode))
		return st.st_size;
	if (ioctl(fd, BLKGETSIZE64, &size))
		fail(path, "its size", errno);
	return size;
}

/* All of the metadata area; @offset gets where it begins, in bytes. */
static u8 *read_area(const char *path, u64 *offset)
{
	size_t done = 0;
	ssize_t got;
	u64 size;
	u8 *area;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path, "open", errno);
	size = size_of(path, fd) / AREA_BYTES * AREA_BYTES;
	if (size < 2 * AREA_BYTES)
		fail(path, "no room for data and metadata: less than 2 MiB", 0);
	*offset = size - AREA_BYTES;
	area = aligned_alloc(ALIGNMENT, AREA_BYTES);
	if (!area)
		fail(path, "memory", ENOMEM);
	for (; done < AREA_BYTES; done += got) {
		got = pread(fd, area + done, AREA_BYTES - done, *offset + done);
		if (got <= 0)
			fail(path, "read", got ? errno : EIO);
	}
	close(fd);
	return area;
}

static json_t *hex(const u8 *bytes, size_t len, bool dashes)
{
	char text[40], *p = text;
	size_t i;

	for (i = 0; i < len; i++)
		p += sprintf(p, "%s%02x",
			     dashes && (i == 4 || i == 6 || i == 8 || i == 10) ? "-" : "",
			     bytes[i]);
	return json_string(text);
}

static json_t *uuid(const u8 *bytes)
{
	return hex(bytes, 16, true);
}

/* Too long for a number in JSON. */
static json_t *hex_number(u64 value)
{
	char text[20];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)value);
	return json_string(text);
}

static json_t *number(u64 value)
{
	return value > INT64_MAX ? hex_number(value) : json_integer((json_int_t)value);
}

static json_t *age_json(const struct dstb_age *age)
{
	if (dstb_age_none(age))
		return json_null();
	return json_pack("{s:o, s:o}", "seq", number(age->seq), "nonce", hex_number(age->nonce));
}

static json_t *node_json(const struct dstb_super_node *node)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:b, s:o}", "uuid", uuid(node->uuid), "size",
			 number(node->size), "weight", number(node->weight), "zone",
			 number(node->zone), "in_sync", !!(node->flags & DST_DISK_NODE_IN_SYNC),
			 "witness", !!(node->flags & DST_DISK_NODE_WITNESS), "age",
			 age_json(&node->age));
}

static void add_lists(json_t *json, const struct dstb_super *super)
{
	json_t *history = json_array(), *params = json_object(), *nodes = json_array();
	json_t *fingerprint = json_array();
	u32 i;

	for (i = 0; i < DST_DISK_HISTORY && !dstb_age_none(&super->history[i]); i++)
		json_array_append_new(history, age_json(&super->history[i]));
	for (i = 0; i < super->nr_params; i++)
		json_object_set_new(params, super->params[i].name, number(super->params[i].value));
	for (i = 0; i < DST_DISK_SAMPLES; i++)
		json_array_append_new(fingerprint, number(super->fingerprint[i]));
	for (i = 0; i < super->nr_nodes; i++)
		json_array_append_new(nodes, node_json(&super->nodes[i]));
	json_object_set_new(json, "history", history);
	json_object_set_new(json, "params", params);
	json_object_set_new(json, "fingerprint", fingerprint);
	json_object_set_new(json, "nodes", nodes);
}

static json_t *super_json(const struct dstb_super *super)
{
	json_t *json;

	json = json_pack("{s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "sequence",
			 number(super->sequence), "clean", !!(super->flags & DST_DISK_CLEAN),
			 "early", !!(super->flags & DST_DISK_EARLY), "compat",
			 hex_number(super->compat), "ro_compat", hex_number(super->ro_compat),
			 "incompat", hex_number(super->incompat), "volume", uuid(super->volume),
			 "node", uuid(super->node));
	json_object_set_new(json, "name", json_string(super->name));
	json_object_set_new(json, "index", number(super->index));
	json_object_set_new(json, "layout_version", number(super->layout_version));
	json_object_set_new(json, "block_size", number(super->block_size));
	json_object_set_new(json, "copies", number(super->copies));
	json_object_set_new(json, "capacity", number(super->capacity));
	json_object_set_new(json, "region_shift", number(super->region_shift));
	json_object_set_new(json, "regions",
			    number(dstb_disk_regions(super->capacity, super->region_shift)));
	json_object_set_new(json, "policy", json_string(super->policy));
	json_object_set_new(json, "age", age_json(&super->age));
	add_lists(json, super);
	return json;
}

static json_t *copy_json(const u8 *area, u32 n)
{
	static struct dstb_super super;
	const char *why = dstb_disk_decode(area + n * COPY_BYTES, COPY_BYTES, &super);
	json_t *json;

	json = json_pack("{s:i, s:b, s:s?, s:o}", "copy", (int)n, "valid", !why, "why", why,
			 "super", why ? json_null() : super_json(&super));
	/* Valid by itself, but pick() does not take it from there. */
	if (!why && super.sequence % DST_DISK_COPIES != n) {
		json_object_set_new(json, "valid", json_false());
		json_object_set_new(json, "why", json_string("sequence number of the other copy"));
	}
	return json;
}

static json_t *all_json(const u8 *area, u64 offset)
{
	static const char *const states[] = {
		[DSTB_DISK_VALID] = "valid",
		[DSTB_DISK_BLANK] = "blank",
		[DSTB_DISK_CORRUPT] = "corrupt",
		[DSTB_DISK_FOREIGN] = "foreign",
	};
	static struct dstb_super super;
	json_t *copies = json_array();
	enum dstb_disk_state state;
	const char *why;
	u32 n;

	for (n = 0; n < DST_DISK_COPIES; n++)
		json_array_append_new(copies, copy_json(area, n));
	state = dstb_disk_pick(area, &super, &why);
	return json_pack("{s:o, s:s, s:s?, s:o, s:o, s:o}", "offset", number(offset), "state",
			 states[state], "why", why, "counts",
			 state == DSTB_DISK_VALID ? number(super.sequence % DST_DISK_COPIES) :
						    json_null(),
			 "super",
			 state == DSTB_DISK_VALID ? super_json(&super) : json_null(),
			 "copies", copies);
}

static bool bit_set(const struct dst_disk_bits *bitmap, u32 n)
{
	u32 in = n % DST_DISK_BITS;

	return n < DST_DISK_MAX_REGIONS &&
	       le64_to_cpu(bitmap[n / DST_DISK_BITS].words[in / 64]) >> in % 64 & 1;
}

/* Sectors that no volume has used are all zeros; volumes use the first ones. */
static bool never_used(const struct dst_disk_bits *sector)
{
	static const struct dst_disk_bits zeros;

	return !memcmp(sector, &zeros, sizeof(zeros));
}

static bool print_bitmap(const char *path, u8 *area)
{
	struct dst_disk_bits *bitmap = (void *)(area + DST_DISK_BITMAP_SECTOR * 512);
	u64 words[DST_DISK_BITS_WORDS];
	bool damaged = false;
	u32 n, first = 0;

	for (n = 0; n < DST_DISK_BITMAP_SECTORS; n++) {
		if (never_used(&bitmap[n]) || dstb_disk_bits_decode(&bitmap[n], n, words))
			continue;
		fprintf(stderr, "superdump: %s: sector %u of the bitmap is damaged\n", path, n);
		memset(&bitmap[n], 0, sizeof(bitmap[n]));
		damaged = true;
	}
	for (n = 0; n < DST_DISK_MAX_REGIONS; n++) {
		if (!bit_set(bitmap, n))
			continue;
		if (!n || !bit_set(bitmap, n - 1))
			first = n;
		if (!bit_set(bitmap, n + 1))
			printf("%u-%u\n", first, n);
	}
	return !damaged;
}

static void print(json_t *json)
{
	if (!json)
		fail("JSON", "memory", ENOMEM);
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "copy", required_argument, NULL, 'c' },
		{ "bitmap", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	bool bitmap = false;
	int o, copy = -1;
	bool ok = true;
	u8 *area;
	u64 offset;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'b') {
			bitmap = true;
		} else if (o == 'c' && (!strcmp(optarg, "0") || !strcmp(optarg, "1"))) {
			copy = *optarg - '0';
		} else {
			fputs(usage, o == 'h' ? stdout : stderr);
			return o == 'h' ? 0 : 2;
		}
	}
	if (argc - optind != 1 || (bitmap && copy >= 0)) {
		fputs(usage, stderr);
		return 2;
	}
	area = read_area(argv[optind], &offset);
	if (bitmap)
		ok = print_bitmap(argv[optind], area);
	else
		print(copy >= 0 ? copy_json(area, copy) : all_json(area, offset));
	free(area);
	return fflush(stdout) ? 2 : !ok;
}
