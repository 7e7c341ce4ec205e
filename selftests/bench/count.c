// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's that counts the instructions of each block of code: between one run of
 * guest/mark.S and the next, it adds lines "ADDRESS INSTRUCTIONS" and a line "end" to the file
 * out=FILE. Used by `run -p`.
 *
 * QEMU's header is not packaged: what is used of it is declared here. VERSION is that of the
 * interface.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT	__attribute__((visibility("default")))
#define MARK	0x13370000UL	/* where guest/mark.S is linked to */

struct qemu_plugin_tb;
typedef struct qemu_info_t qemu_info_t;
typedef void (*trans_fn)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*exec_fn)(unsigned int cpu, void *arg);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, trans_fn fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_fn fn, int flags,
					  void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

EXPORT int qemu_plugin_version = VERSION;
EXPORT int qemu_plugin_install(uint64_t id, const qemu_info_t *info, int argc, char **argv);

/* As many as there were translations; never freed. One CPU: nobody else is in here. */
struct block {
	struct block *next;
	uint64_t addr;
	uint64_t insns;
	uint64_t runs;
};

static struct block *blocks;
static const char *out = "/dev/null";
static int counting;

static void block_runs(unsigned int cpu, void *arg)
{
	struct block *b = arg;

	b->runs++;
}

static void mark_runs(unsigned int cpu, void *arg)
{
	FILE *file = counting ? fopen(out, "a") : NULL;
	struct block *b;

	for (b = blocks; b; b = b->next) {
		if (file && b->runs)
			fprintf(file, "%016lx %lu\n", b->addr, b->insns * b->runs);
		b->runs = 0;
	}
	if (file) {
		fputs("end\n", file);
		fclose(file);
	}
	counting = !counting;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	struct block *b;

	if (qemu_plugin_tb_vaddr(tb) == MARK) {
		qemu_plugin_register_vcpu_tb_exec_cb(tb, mark_runs, 0, NULL);
		return;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return;
	b->addr = qemu_plugin_tb_vaddr(tb);
	b->insns = qemu_plugin_tb_n_insns(tb);
	b->next = blocks;
	blocks = b;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs, 0, b);
}

int qemu_plugin_install(uint64_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (argc == 1 && !strncmp(argv[0], "out=", 4))
		out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
