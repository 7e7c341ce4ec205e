// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "dst" (docs/netlink/dst.yaml): registration, permission, what the
 * handlers share, and the handlers that are about policies. Volumes are in netlink_volume.c
 * and netlink_node.c, exports in netlink_export.c, events in event.c.
 *
 * Handlers run in parallel: whatever they call does its own locking. Sizes are bytes here and
 * sectors in the core. Every refusal says in a sentence what is wrong and points to the
 * attribute.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "addr.h"
#include "event.h"
#include "name.h"
#include "netlink.h"
#include "policy.h"

static int check_admin(struct sk_buff *request, struct netlink_ext_ack *extack)
{
	/* GENL_ADMIN_PERM has asked for CAP_NET_ADMIN; a block device takes more. */
	if (netlink_capable(request, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "this needs CAP_SYS_ADMIN (root)");
	return -EPERM;
}

/**
 * dstb_nl_do_admin() - may the sender do this? Before each doit
 * @ops:	which operation
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or -EPERM.
 */
int dstb_nl_do_admin(const struct genl_split_ops *ops, struct sk_buff *skb, struct genl_info *info)
{
	return check_admin(skb, info->extack);
}

/**
 * dstb_nl_dump_admin() - may the sender see this? Before each dumpit
 * @cb:		the dump
 *
 * Return: 0 or -EPERM.
 */
int dstb_nl_dump_admin(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct dstb_netlink_dump) > sizeof(cb->ctx));
	return check_admin(cb->skb, cb->extack);
}

/**
 * dstb_netlink_check_name() - may this be a name?
 * @name:	the name
 * @what:	what it names, for the sentence
 * @size:	room for it, with the terminating zero
 * @attr:	where it comes from
 * @extack:	gets the sentence
 *
 * Return: 0 or a negative errno.
 */
int dstb_netlink_check_name(const char *name, const char *what, size_t size,
			    const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	if (strlen(name) >= size) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr, "name of the %s: longer than %zu characters",
					what, size - 1);
		return -ENAMETOOLONG;
	}
	if (!*name) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr, "name of the %s: empty", what);
		return -EINVAL;
	}
	if (!dstb_name_len(name, size)) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr, "name of the %s: only [A-Za-z0-9_.-]", what);
		return -EINVAL;
	}
	if (!strcmp(name, ".") || !strcmp(name, "..")) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr, "name of the %s: not '.' nor '..'", what);
		return -EINVAL;
	}
	return 0;
}

/**
 * dstb_netlink_name() - get a name from an attribute, checked
 * @attr:	the attribute, or NULL
 * @what:	what it names, for the sentence
 * @buf:	where it goes
 * @size:	of @buf
 * @extack:	gets the sentence
 *
 * Return: 0 or a negative errno.
 */
int dstb_netlink_name(const struct nlattr *attr, const char *what, char *buf, size_t size,
		      struct netlink_ext_ack *extack)
{
	if (!attr) {
		NL_SET_ERR_MSG_FMT(extack, "the name of the %s is missing", what);
		return -EINVAL;
	}
	if (nla_strscpy(buf, attr, size) < 0) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr, "name of the %s: longer than %zu characters",
					what, size - 1);
		return -ENAMETOOLONG;
	}
	return dstb_netlink_check_name(buf, what, size, attr, extack);
}

/**
 * dstb_netlink_addr_get() - get an address from an attribute, checked
 * @nest:	the attribute
 * @addr:	where it goes
 * @extack:	gets the sentence
 *
 * Return: 0 or a negative errno.
 */
int dstb_netlink_addr_get(const struct nlattr *nest, struct dstb_addr *addr,
			  struct netlink_ext_ack *extack)
{
	struct nlattr *tb[DST_A_ADDR_MAX + 1];
	int err;

	err = nla_parse_nested(tb, DST_A_ADDR_MAX, nest, dstb_addr_nl_policy, extack);
	if (err)
		return err;
	if (NL_REQ_ATTR_CHECK(extack, nest, tb, DST_A_ADDR_TRANSPORT) ||
	    NL_REQ_ATTR_CHECK(extack, nest, tb, DST_A_ADDR_SOCKADDR)) {
		NL_SET_ERR_MSG(extack, "an address takes a transport and a sockaddr");
		return -EINVAL;
	}
	memset(addr, 0, sizeof(*addr));
	addr->transport = nla_get_u32(tb[DST_A_ADDR_TRANSPORT]);
	addr->len = nla_len(tb[DST_A_ADDR_SOCKADDR]);
	if (addr->len < sizeof(sa_family_t) || addr->len > sizeof(addr->ss)) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, tb[DST_A_ADDR_SOCKADDR],
					"bad address: a sockaddr of %u bytes", addr->len);
		return -EINVAL;
	}
	memcpy(&addr->ss, nla_data(tb[DST_A_ADDR_SOCKADDR]), addr->len);
	err = dstb_addr_check(addr, extack);
	if (err)
		NL_SET_BAD_ATTR(extack, tb[DST_A_ADDR_SOCKADDR]);
	return err;
}

/**
 * dstb_netlink_addr_put() - put an address into a message
 * @skb:	the message
 * @type:	the attribute that holds it
 * @addr:	the address
 *
 * Return: 0 or -EMSGSIZE.
 */
int dstb_netlink_addr_put(struct sk_buff *skb, int type, const struct dstb_addr *addr)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, DST_A_ADDR_TRANSPORT, addr->transport) ||
	    nla_put(skb, DST_A_ADDR_SOCKADDR, addr->len, &addr->ss)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

struct policy_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	unsigned long index;
};

static int put_policy(const struct dstb_policy_info *info, void *arg)
{
	struct policy_dump *dump = arg;
	struct netlink_callback *cb = dump->cb;
	struct dstb_netlink_dump *ctx = (void *)cb->ctx;
	void *head;

	if (dump->index++ < ctx->object)
		return 0;
	head = genlmsg_put(dump->skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &dstb_nl_family, NLM_F_MULTI, DST_CMD_POLICY_GET);
	if (!head)
		return -EMSGSIZE;
	if (nla_put_string(dump->skb, DST_A_POLICY_NAME, info->name) ||
	    nla_put_u32(dump->skb, DST_A_POLICY_LINK_ID, info->link_id) ||
	    nla_put_u32(dump->skb, DST_A_POLICY_CALLBACKS, info->callbacks) ||
	    nla_put_u32(dump->skb, DST_A_POLICY_VOLUMES, info->nr_volumes)) {
		genlmsg_cancel(dump->skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(dump->skb, head);
	ctx->object = dump->index;
	return 0;
}

/**
 * dstb_nl_policy_get_dumpit() - show the registered policies
 * @skb:	gets the messages
 * @cb:		the dump
 *
 * Return: 0 when all was shown, else -EMSGSIZE.
 */
int dstb_nl_policy_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct policy_dump dump = { .skb = skb, .cb = cb };

	return dstb_policy_for_each(put_policy, &dump);
}

/**
 * dstb_netlink_init() - register the family, begin to send events
 *
 * Return: 0 or a negative errno.
 */
int __init dstb_netlink_init(void)
{
	int err = dstb_event_init();

	if (err)
		return err;
	/* Last: from here on there are volumes and exports. */
	err = genl_register_family(&dstb_nl_family);
	if (err)
		dstb_event_exit();
	return err;
}

/**
 * dstb_netlink_exit() - the reverse: no handler runs, nothing has events any more
 */
void dstb_netlink_exit(void)
{
	/* The last events are still the family's. */
	dstb_event_exit();
	genl_unregister_family(&dstb_nl_family);
}

/* Asking for the family loads the module. */
MODULE_ALIAS_GENL_FAMILY(DST_FAMILY_NAME);
