// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Addresses as text, and sizes.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <linux/vm_sockets.h>

#include "internal.h"

/* Parts of an address: point into a copy of its text. */
struct parts {
	const char *text;	/* the whole, for errors */
	char *host;
	char *port;
	char *export_name;
	char *query;
};

static int bad_addr(struct dst_handle *handle, const struct parts *parts, const char *why)
{
	return dsti_error(handle, -EINVAL, "bad address '%s': %s", parts->text, why);
}

/* HOST[:PORT][/EXPORT][?QUERY], the host maybe in brackets. Cuts @rest into pieces. */
static int split(struct dst_handle *handle, char *rest, struct parts *parts)
{
	char *end;

	parts->query = strchr(rest, '?');
	if (parts->query)
		*parts->query++ = '\0';
	parts->export_name = strchr(rest, '/');
	if (parts->export_name)
		*parts->export_name++ = '\0';
	parts->host = rest;
	if (*rest == '[') {
		end = strchr(rest, ']');
		if (!end)
			return bad_addr(handle, parts, "']' is missing");
		*end++ = '\0';
		parts->host++;
		if (*end && *end != ':')
			return bad_addr(handle, parts, "only ':PORT' may follow ']'");
		parts->port = *end ? end + 1 : NULL;
		return 0;
	}
	end = strchr(rest, ':');
	if (end && strchr(end + 1, ':'))
		return bad_addr(handle, parts, "an IPv6 address goes in brackets");
	if (end)
		*end++ = '\0';
	parts->port = end;
	return 0;
}

static int parse_number(const char *text, unsigned long long max, unsigned long long *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	return errno || *value > max ? -ERANGE : 0;
}

static int parse_port(struct dst_handle *handle, const struct parts *parts, unsigned long long max,
		      unsigned int *port)
{
	unsigned long long value = DST_DEFAULT_PORT;

	if (parts->port && (parse_number(parts->port, max, &value) || !value))
		return bad_addr(handle, parts, "the port is not a number from 1 on that fits");
	*port = (unsigned int)value;
	return 0;
}

static int parse_tcp(struct dst_handle *handle, const struct parts *parts, bool listening,
		     struct dst_addr *addr)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found;
	unsigned int port;
	char service[8];
	int err;

	err = parse_port(handle, parts, 65535, &port);
	if (err)
		return err;
	if (parts->query)
		return bad_addr(handle, parts, "nothing may follow '?'");
	if (!*parts->host)
		return bad_addr(handle, parts,
			   listening ? "the host is missing (0.0.0.0 or [::] for any)" :
				       "the host is missing");
	snprintf(service, sizeof(service), "%u", port);
	err = getaddrinfo(parts->host, service, &hints, &found);
	if (err)
		return dsti_error(handle, err == EAI_NONAME ? -ENOENT : -EHOSTUNREACH,
				  "bad address '%s': host '%s': %s", parts->text, parts->host,
				  gai_strerror(err));
	addr->transport = DST_TRANSPORT_TCP;
	addr->len = found->ai_addrlen;
	memcpy(&addr->ss, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static int parse_vsock(struct dst_handle *handle, const struct parts *parts, bool listening,
		       struct dst_addr *addr)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK };
	unsigned long long cid = VMADDR_CID_ANY;
	int err;

	if (parts->query)
		return bad_addr(handle, parts, "nothing may follow '?'");
	if (strcmp(parts->host, "any") && strcmp(parts->host, "-1")) {
		if (parse_number(parts->host, UINT_MAX, &cid))
			return bad_addr(handle, parts, "the CID is not a number");
	} else if (!listening) {
		return bad_addr(handle, parts, "'any' is to listen on, not to connect to");
	}
	err = parse_port(handle, parts, UINT_MAX - 1, &vm.svm_port);
	if (err)
		return err;
	vm.svm_cid = (unsigned int)cid;
	addr->transport = DST_TRANSPORT_VSOCK;
	addr->len = sizeof(vm);
	memcpy(&addr->ss, &vm, sizeof(vm));
	return 0;
}

static int parse_unix(struct dst_handle *handle, const struct parts *parts, struct dst_addr *addr)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path;

	if (*parts->host || parts->port)
		return bad_addr(handle, parts, "no host here: dst+unix:///EXPORT?socket=PATH");
	if (!parts->query || strncmp(parts->query, "socket=", 7))
		return bad_addr(handle, parts, "'?socket=PATH' is missing");
	path = parts->query + 7;
	if (*path != '/')
		return bad_addr(handle, parts, "the socket's path must start with '/'");
	if (strchr(path, '&'))
		return bad_addr(handle, parts, "'socket' is the only word that may follow '?'");
	if (strlen(path) >= sizeof(un.sun_path))
		return bad_addr(handle, parts, "the socket's path is longer than 107 characters");
	strcpy(un.sun_path, path);
	addr->transport = DST_TRANSPORT_UNIX;
	addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	memcpy(&addr->ss, &un, sizeof(un));
	return 0;
}

static int check_export(struct dst_handle *handle, const struct parts *parts, bool listening,
			struct dst_addr *addr)
{
	const char *name = parts->export_name ? parts->export_name : "";
	int err;

	if (listening && !*name)
		return 0;
	if (listening)
		return bad_addr(handle, parts, "an address to listen on names no export");
	if (!*name)
		return bad_addr(handle, parts, "the export is missing: '/EXPORT'");
	err = dsti_check_name(handle, "export", name, DST_EXPORT_NAME_MAX);
	if (!err)
		strcpy(addr->export_name, name);
	return err;
}

/*
 * Puts the scope of a link-local address behind it: the interface by name, for its number may be
 * that of another one after the next boot. A name can have what would not be parsed again.
 */
static void add_scope(const struct sockaddr_in6 *in6, char *host, size_t size)
{
	size_t len = strlen(host);
	char name[IF_NAMESIZE];

	if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && if_indextoname(in6->sin6_scope_id, name) &&
	    !strpbrk(name, "]?"))
		snprintf(host + len, size - len, "%%%s", name);
	else if (in6->sin6_scope_id)
		snprintf(host + len, size - len, "%%%u", in6->sin6_scope_id);
}

static void make_text(struct dst_addr *addr)
{
	const char *slash = addr->export_name[0] ? "/" : "";
	const struct sockaddr_in *in = (const void *)&addr->ss;
	const struct sockaddr_in6 *in6 = (const void *)&addr->ss;
	const struct sockaddr_vm *vm = (const void *)&addr->ss;
	const struct sockaddr_un *un = (const void *)&addr->ss;
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE] = "";

	switch (addr->ss.ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(addr->text, sizeof(addr->text), "dst://%s:%u%s%s", host,
			 ntohs(in->sin_port), slash, addr->export_name);
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, INET6_ADDRSTRLEN);
		add_scope(in6, host, sizeof(host));
		snprintf(addr->text, sizeof(addr->text), "dst://[%s]:%u%s%s", host,
			 ntohs(in6->sin6_port), slash, addr->export_name);
		break;
	case AF_VSOCK:
		snprintf(host, sizeof(host), vm->svm_cid == VMADDR_CID_ANY ? "any" : "%u",
			 vm->svm_cid);
		snprintf(addr->text, sizeof(addr->text), "dst+vsock://%s:%u%s%s", host,
			 vm->svm_port, slash, addr->export_name);
		break;
	default:
		snprintf(addr->text, sizeof(addr->text), "dst+unix:///%s?socket=%.107s",
			 addr->export_name, un->sun_path);
	}
}

static int parse(struct dst_handle *handle, char *copy, struct parts *parts, bool listening,
		 struct dst_addr *addr)
{
	char *rest = strstr(copy, "://");
	int err;

	if (!rest)
		return bad_addr(handle, parts,
			   "it does not begin with 'dst://', 'dst+unix://' or 'dst+vsock://'");
	*rest = '\0';
	if (!strcmp(copy, "dsts") || !strcmp(copy, "dst+mptcp"))
		return dsti_error(handle, -EPROTONOSUPPORT,
				  "bad address '%s': %s:// is not supported yet", parts->text,
				  copy);
	if (strcmp(copy, "dst") && strcmp(copy, "dst+unix") && strcmp(copy, "dst+vsock"))
		return bad_addr(handle, parts,
			   "it does not begin with 'dst://', 'dst+unix://' or 'dst+vsock://'");
	err = split(handle, rest + 3, parts);
	if (!err)
		err = check_export(handle, parts, listening, addr);
	if (err)
		return err;
	if (!strcmp(copy, "dst"))
		return parse_tcp(handle, parts, listening, addr);
	if (!strcmp(copy, "dst+unix"))
		return parse_unix(handle, parts, addr);
	return parse_vsock(handle, parts, listening, addr);
}

int dst_addr__parse(struct dst_handle *handle, const char *text, unsigned int flags,
		    struct dst_addr **addrp)
{
	struct dst_addr *addr = calloc(1, sizeof(*addr));
	struct parts parts = { .text = text };
	char *copy = strdup(text);
	int err;

	if (flags & ~(unsigned int)DST_ADDR_LISTEN)
		err = dsti_error(handle, -EINVAL,
				 "flags of an address that this libdstbpf does not know");
	else if (!addr || !copy)
		err = dsti_error(handle, -ENOMEM, "out of memory");
	else
		err = parse(handle, copy, &parts, flags & DST_ADDR_LISTEN, addr);
	free(copy);
	if (err) {
		free(addr);
		return err;
	}
	make_text(addr);
	*addrp = addr;
	return 0;
}

int dst_addr__from_sockaddr(struct dst_handle *handle, const struct sockaddr *sa, size_t len,
			    const char *export_name, struct dst_addr **addrp)
{
	static const struct {
		sa_family_t family;
		enum dst_transport transport;
		size_t min;
	} known[] = {
		{ AF_INET, DST_TRANSPORT_TCP, sizeof(struct sockaddr_in) },
		{ AF_INET6, DST_TRANSPORT_TCP, sizeof(struct sockaddr_in6) },
		{ AF_UNIX, DST_TRANSPORT_UNIX, offsetof(struct sockaddr_un, sun_path) + 1 },
		{ AF_VSOCK, DST_TRANSPORT_VSOCK, sizeof(struct sockaddr_vm) },
	};
	struct dst_addr *addr;
	size_t i;

	if (export_name && *export_name &&
	    dsti_check_name(handle, "export", export_name, DST_EXPORT_NAME_MAX))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (len >= sizeof(sa->sa_family) && sa->sa_family == known[i].family)
			break;
	if (i == ARRAY_SIZE(known) || len < known[i].min || len > sizeof(addr->ss))
		return dsti_error(handle, -EAFNOSUPPORT,
				  "an address of a family that DST does not know");
	addr = calloc(1, sizeof(*addr));
	if (!addr)
		return dsti_error(handle, -ENOMEM, "out of memory");
	addr->transport = known[i].transport;
	addr->len = (socklen_t)len;
	memcpy(&addr->ss, sa, len);
	if (export_name)
		strcpy(addr->export_name, export_name);
	make_text(addr);
	*addrp = addr;
	return 0;
}

void dst_addr__free(struct dst_addr *addr)
{
	free(addr);
}

enum dst_transport dst_addr__transport(const struct dst_addr *addr)
{
	return addr->transport;
}

const char *dst_addr__export(const struct dst_addr *addr)
{
	return addr->export_name;
}

const struct sockaddr *dst_addr__sockaddr(const struct dst_addr *addr, size_t *len)
{
	*len = addr->len;
	return (const struct sockaddr *)&addr->ss;
}

const char *dst_addr__text(const struct dst_addr *addr)
{
	return addr->text;
}

/* Puts an address into a request. Returns false when there is no room. */
bool dsti_put_addr(struct nlmsghdr *nlh, size_t size, uint16_t type, const struct dst_addr *addr)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, type);

	if (!nest || !mnl_attr_put_u32_check(nlh, size, DST_A_ADDR_TRANSPORT, addr->transport) ||
	    !mnl_attr_put_check(nlh, size, DST_A_ADDR_SOCKADDR, addr->len, &addr->ss))
		return false;
	mnl_attr_nest_end(nlh, nest);
	return true;
}

/* Gets an address out of an answer. */
int dsti_get_addr(struct dst_handle *handle, const struct nlattr *nest, const char *export_name,
		  struct dst_addr **addr)
{
	const struct nlattr *tb[DST_A_ADDR_MAX + 1], *sa;
	struct sockaddr_storage ss = { 0 };
	size_t len;

	dsti_parse_nest(tb, DST_A_ADDR_MAX, nest);
	sa = tb[DST_A_ADDR_SOCKADDR];
	len = sa ? mnl_attr_get_payload_len(sa) : 0;
	if (len > sizeof(ss))
		len = sizeof(ss);
	if (sa)
		memcpy(&ss, mnl_attr_get_payload(sa), len);
	return dst_addr__from_sockaddr(handle, (struct sockaddr *)&ss, len, export_name, addr);
}

int dst_size__parse(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "kMGTP";
	const char *suffix;
	uint64_t value;
	unsigned int shift = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (*end) {
		suffix = strchr(suffixes, *end == 'K' ? 'k' : *end);
		if (!suffix || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	}
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = value << shift;
	return 0;
}
