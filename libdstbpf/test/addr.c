// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Addresses, sizes, names and options: what needs no kernel module.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dst/dst.h"

static struct dst_handle *handle;
static int failed;

#define CHECK(condition, ...) do {						\
	if (!(condition)) {							\
		printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);		\
		printf(__VA_ARGS__);						\
		printf(" (%s)\n", dst_handle__error(handle));			\
		failed = 1;							\
	}									\
} while (0)

static void good(const char *text, unsigned int flags, enum dst_transport transport,
		 const char *again)
{
	struct dst_addr *addr, *copy;
	size_t len;
	int err = dst_addr__parse(handle, text, flags, &addr);
	const struct sockaddr *sa;

	CHECK(!err, "%s", text);
	if (err)
		return;
	CHECK(dst_addr__transport(addr) == transport, "%s", text);
	CHECK(!strcmp(dst_addr__text(addr), again), "%s became %s", text, dst_addr__text(addr));
	sa = dst_addr__sockaddr(addr, &len);
	err = dst_addr__from_sockaddr(handle, sa, len, dst_addr__export(addr), &copy);
	CHECK(!err, "%s", text);
	if (!err) {
		CHECK(!strcmp(dst_addr__text(copy), again), "%s became %s", text,
		      dst_addr__text(copy));
		dst_addr__free(copy);
	}
	dst_addr__free(addr);
}

static void bad(const char *text, unsigned int flags, const char *why)
{
	struct dst_addr *addr = NULL;
	int err = dst_addr__parse(handle, text, flags, &addr);

	CHECK(err < 0, "%s was taken", text);
	CHECK(strstr(dst_handle__error(handle), why), "%s: wanted '%s'", text, why);
	if (!err)
		dst_addr__free(addr);
}

static void addresses(void)
{
	char text[400];

	good("dst://127.0.0.1/x", DST_ADDR_REMOTE, DST_TRANSPORT_TCP, "dst://127.0.0.1:7700/x");
	good("dst://127.0.0.1:1/a.b-c_D", DST_ADDR_REMOTE, DST_TRANSPORT_TCP,
	     "dst://127.0.0.1:1/a.b-c_D");
	good("dst://[::1]/x", DST_ADDR_REMOTE, DST_TRANSPORT_TCP, "dst://[::1]:7700/x");
	good("dst://[fd00::1]:65535/x", DST_ADDR_REMOTE, DST_TRANSPORT_TCP,
	     "dst://[fd00::1]:65535/x");
	good("dst://[fe80::1%lo]/x", DST_ADDR_REMOTE, DST_TRANSPORT_TCP,
	     "dst://[fe80::1%lo]:7700/x");
	good("dst://[fe80::1%1]/x", DST_ADDR_REMOTE, DST_TRANSPORT_TCP,
	     "dst://[fe80::1%lo]:7700/x");
	good("dst://[fe80::1%987654321]/x", DST_ADDR_REMOTE, DST_TRANSPORT_TCP,
	     "dst://[fe80::1%987654321]:7700/x");
	good("dst://0.0.0.0:7700", DST_ADDR_LISTEN, DST_TRANSPORT_TCP, "dst://0.0.0.0:7700");
	good("dst://[::]", DST_ADDR_LISTEN, DST_TRANSPORT_TCP, "dst://[::]:7700");
	good("dst://[::]/", DST_ADDR_LISTEN, DST_TRANSPORT_TCP, "dst://[::]:7700");
	good("dst+unix:///x?socket=/run/s", DST_ADDR_REMOTE, DST_TRANSPORT_UNIX,
	     "dst+unix:///x?socket=/run/s");
	good("dst+unix:///?socket=/run/s", DST_ADDR_LISTEN, DST_TRANSPORT_UNIX,
	     "dst+unix:///?socket=/run/s");
	good("dst+vsock://1/x", DST_ADDR_REMOTE, DST_TRANSPORT_VSOCK, "dst+vsock://1:7700/x");
	good("dst+vsock://any:7700", DST_ADDR_LISTEN, DST_TRANSPORT_VSOCK, "dst+vsock://any:7700");
	good("dst+vsock://-1", DST_ADDR_LISTEN, DST_TRANSPORT_VSOCK, "dst+vsock://any:7700");

	bad("", 0, "does not begin with");
	bad("127.0.0.1/x", 0, "does not begin with");
	bad("nbd://127.0.0.1/x", 0, "does not begin with");
	bad("dsts://127.0.0.1/x", 0, "dsts:// is not supported yet");
	bad("dst+mptcp://127.0.0.1/x", 0, "dst+mptcp:// is not supported yet");
	bad("dst://127.0.0.1", 0, "export is missing");
	bad("dst://127.0.0.1/", 0, "export is missing");
	bad("dst:///x", 0, "host is missing");
	bad("dst://", DST_ADDR_LISTEN, "host is missing");
	bad("dst://127.0.0.1:0/x", 0, "port");
	bad("dst://127.0.0.1:65536/x", 0, "port");
	bad("dst://127.0.0.1:/x", 0, "port");
	bad("dst://127.0.0.1:7x/x", 0, "port");
	bad("dst://127.0.0.1:-1/x", 0, "port");
	bad("dst://::1/x", 0, "brackets");
	bad("dst://[::1/x", 0, "']' is missing");
	bad("dst://[::1]7700/x", 0, "may follow ']'");
	bad("dst://127.0.0.1/a/b", 0, "may consist of");
	bad("dst://127.0.0.1/..", 0, "can't be");
	bad("dst://127.0.0.1/x?y=1", 0, "may follow '?'");
	bad("dst://127.0.0.1/x", DST_ADDR_LISTEN, "names no export");
	bad("dst://256.0.0.1.invalid/x", 0, "host");
	bad("dst+unix:///x", 0, "is missing");
	bad("dst+unix:///x?socket=", 0, "must start with '/'");
	bad("dst+unix:///x?socket=run", 0, "must start with '/'");
	bad("dst+unix:///x?socket=/a&b=c", 0, "only word");
	bad("dst+unix://host/x?socket=/a", 0, "no host");
	bad("dst+vsock://any/x", 0, "to listen on");
	bad("dst+vsock://x/x", 0, "CID");
	bad("dst+vsock://4294967296/x", 0, "CID");
	snprintf(text, sizeof(text), "dst+unix:///x?socket=/%0107d", 0);
	bad(text, 0, "longer than 107");
	snprintf(text, sizeof(text), "dst://127.0.0.1/%064d", 0);
	bad(text, 0, "longer than 63");
	bad("dst://127.0.0.1/x", 8, "flags");
}

static void size(const char *text, int want, uint64_t bytes)
{
	uint64_t value = 0;
	int err = dst_size__parse(text, &value);

	CHECK(err == want && value == bytes, "%s is %d, %llu", text, err,
	      (unsigned long long)value);
}

static void sizes(void)
{
	size("0", 0, 0);
	size("512", 0, 512);
	size("1k", 0, 1024);
	size("1K", 0, 1024);
	size("128M", 0, 128ULL << 20);
	size("3G", 0, 3ULL << 30);
	size("4T", 0, 4ULL << 40);
	size("8191P", 0, 8191ULL << 50);
	size("18446744073709551615", 0, UINT64_MAX);
	size("18446744073709551616", -ERANGE, 0);
	size("16384P", -ERANGE, 0);
	size("", -EINVAL, 0);
	size("k", -EINVAL, 0);
	size("-1", -EINVAL, 0);
	size("+1", -EINVAL, 0);
	size(" 1", -EINVAL, 0);
	size("1 ", -EINVAL, 0);
	size("1kB", -EINVAL, 0);
	size("1.5G", -EINVAL, 0);
	size("0x10", -EINVAL, 0);
	size("1m", -EINVAL, 0);
}

/* Padding would not be zero, and a new member could hide there from an older library. */
#define ENDS_WITH(type, last, size) \
	CHECK(offsetof(struct type, last) + (size) == sizeof(struct type), #type)

static void check_padding(void)
{
	ENDS_WITH(dst_policy_load_opts, policy_dir, sizeof(char *));
	ENDS_WITH(dst_policy_unload_opts, pin_dir, sizeof(char *));
	ENDS_WITH(dst_volume_opts, reserved, sizeof(size_t) - 1);
	ENDS_WITH(dst_node_opts, reserved, sizeof(size_t) - 2);
	ENDS_WITH(dst_volume_assemble_opts, reserved, sizeof(size_t) - 2);
	ENDS_WITH(dst_volume_scrub_opts, reserved, sizeof(size_t) - 2);
	ENDS_WITH(dst_volume_stop_opts, reserved, sizeof(size_t) - 1);
	ENDS_WITH(dst_node_replace_opts, reserved, sizeof(size_t) - 1);
	ENDS_WITH(dst_node_add_opts, reserved, sizeof(size_t) - 2);
	ENDS_WITH(dst_export_opts, max_sessions, sizeof(uint32_t));
}

struct newer_opts {
	struct dst_volume_opts known;
	uint64_t future;
};

static void check_opts(void)
{
	struct newer_opts newer = { .known.sz = sizeof(newer) };
	struct dst_volume_spec *spec = NULL;
	struct dst_volume_opts opts = { .sz = 0 };
	unsigned int i;

	CHECK(!dst_volume_spec__new(handle, "v", "p", &newer.known, &spec),
	      "zero bytes of a newer program");
	for (i = 0; i < 16; i++) {
		char name[8];

		snprintf(name, sizeof(name), "p%u", i);
		CHECK(!dst_volume_spec__add_param(spec, name, i), "%s", name);
	}
	CHECK(dst_volume_spec__add_param(spec, "more", 1) == -E2BIG, "17 parameters");
	for (i = 0; i < 256; i++)
		CHECK(!dst_volume_spec__add_node(spec, "/dev/null", NULL), "node %u", i);
	CHECK(dst_volume_spec__add_node(spec, "/dev/null", NULL) == -E2BIG, "257 nodes");
	dst_volume_spec__free(spec);
	newer.future = 1;
	CHECK(dst_volume_spec__new(handle, "v", "p", &newer.known, &spec) == -E2BIG,
	      "an unknown option");
	newer.future = 0;
	newer.known.reserved[0] = true;
	CHECK(dst_volume_spec__new(handle, "v", "p", &newer.known, &spec) == -E2BIG,
	      "an unknown option that fits behind the known ones");
	CHECK(dst_volume_spec__new(handle, "v", "p", &opts, &spec) == -EINVAL,
	      "options without a size");
	CHECK(dst_volume_spec__new(handle, "v/w", "p", NULL, &spec) == -EINVAL, "a slash");
	CHECK(dst_volume_spec__new(handle, "v", "1234567890123456", NULL, &spec) == -ENAMETOOLONG,
	      "a long name");
}

/* Refused before the kernel is asked, with @why. */
static void refused(int err, const char *why)
{
	CHECK(err < 0, "%s", why);
	CHECK(strstr(dst_handle__error(handle), why), "wanted '%s'", why);
}

static void check_nodes(void)
{
	DST_OPTS(dst_node_opts, witness, .witness = true);
	DST_OPTS(dst_volume_opts, adopt, .adopt = true);
	DST_OPTS(dst_volume_scrub_opts, scrub, .repair = true, .end = true);
	struct dst_volume_spec *spec = NULL;

	CHECK(!dst_volume_spec__new(handle, "v", NULL, NULL, &spec), "no policy");
	refused(dst_volume_spec__add_node(spec, "export:", NULL), "is empty");
	refused(dst_volume_spec__add_node(spec, "export:a/b", NULL), "may consist of");
	CHECK(!dst_volume_spec__add_node(spec, "export:a", NULL), "a local export");
	refused(dst_volume__create(handle, spec), "takes a policy");
	CHECK(!dst_volume_spec__add_node(spec, "export:b", &witness), "a witness");
	refused(dst_volume_spec__add_node(spec, "export:c", NULL), "comes after a witness");
	refused(dst_volume__assemble(handle, spec, NULL), "witnesses are in the superblocks");
	dst_volume_spec__free(spec);
	CHECK(!dst_volume_spec__new(handle, "v", "p", NULL, &spec), "a policy");
	refused(dst_volume__assemble(handle, spec, NULL), "its policy and parameters are in");
	dst_volume_spec__free(spec);
	CHECK(!dst_volume_spec__new(handle, "v", NULL, &adopt, &spec), "adopt");
	refused(dst_volume__assemble(handle, spec, NULL), "for a new volume");
	dst_volume_spec__free(spec);
	refused(dst_volume__scrub(handle, "v", &scrub), "do not go together");
	refused(dst_node__replace(handle, "v", 0, "/nonexistent", NULL), "No such file");
}

int main(void)
{
	handle = dst_handle__new();
	if (!handle)
		return 1;
	addresses();
	sizes();
	check_padding();
	check_opts();
	check_nodes();
	dst_handle__free(handle);
	if (!failed)
		printf("libdstbpf: addresses, sizes and options passed\n");
	return failed;
}
