// SPDX-License-Identifier: GPL-2.0
/*
 * The table of commands.
 */
#include "dstctl.h"

const struct option_def common_options[] = {
	{ "json", NULL, "print JSON", false },
	{ "help", NULL, "show this", false },
	{ 0 },
};

static const struct option_def no_options[] = { { 0 } };

static const struct option_def policy_load_options[] = {
	{ "verbose", NULL, "when it is refused, print all that the verifier said", false },
	{ 0 },
};

static const struct option_def volume_create_options[] = {
	{ "policy", "NAME", "policy that maps sectors to nodes (needed)", false },
	{ "param", "KEY=VALUE",
	  "parameter of the policy, a number with a suffix k, M, G, T or P at most", true },
	{ "read-only", NULL, "take no writes, open exports as a reader", false },
	{ "shared", NULL, "share the exports with other writers", false },
	{ "connections", "NUMBER", "connections to a remote node, at most (1 to 64)", false },
	{ "io-timeout", "SECONDS", "a remote request that takes longer fails its node (1 to 3600)",
	  false },
	{ 0 },
};

static const struct option_def volume_stop_options[] = {
	{ "force", NULL, "stop although it is open: what is under way fails", false },
	{ 0 },
};

static const struct option_def export_add_options[] = {
	{ "listen", "URI",
	  "address to listen on: dst://HOST[:PORT], dst+unix:///?socket=PATH, dst+vsock://any (needed)",
	  true },
	{ "read-only", NULL, "refuse writers", false },
	{ "shared", NULL, "more than one writer at a time", false },
	{ "max-sessions", "NUMBER", "sessions at a time, at most (1 to 1024)", false },
	{ 0 },
};

static const struct option_def events_options[] = {
	{ "count", "NUMBER", "end after so many events", false },
	{ "timeout", "SECONDS", "end after that time; status 1 if --count has not been reached",
	  false },
	{ 0 },
};

const struct command commands[] = {
	{ "policy", "load", "FILE|NAME", 1, 1,
	  "register and pin a policy: an object file, or one that ships with DST",
	  policy_load_options, policy_load },
	{ "policy", "list", "", 0, 0, "list the registered policies", no_options, policy_list },
	{ "policy", "show", "NAME", 1, 1, "show a policy", no_options, policy_show },
	{ "policy", "unload", "NAME", 1, 1,
	  "remove the pin of a policy: it goes when no volume uses it", no_options, policy_unload },
	{ "volume", "create", "VOL NODE...", 2, -1,
	  "make a volume of nodes: paths of block devices, or addresses of exports",
	  volume_create_options, volume_create },
	{ "volume", "list", "", 0, 0, "list the volumes", no_options, volume_list },
	{ "volume", "show", "VOL", 1, 1, "show a volume and its nodes", no_options, volume_show },
	{ "volume", "stop", "VOL", 1, 1, "stop a volume", volume_stop_options, volume_stop },
	{ "node", "show", "VOL", 1, 1, "show the nodes of a volume", no_options, node_show },
	{ "export", "add", "NAME DEV", 2, 2, "offer a block device to other machines",
	  export_add_options, export_add },
	{ "export", "list", "", 0, 0, "list the exports", no_options, export_list },
	{ "export", "show", "NAME", 1, 1, "show an export and its sessions", no_options,
	  export_show },
	{ "export", "remove", "NAME", 1, 1, "take an export back; its sessions are closed",
	  no_options, export_remove },
	{ "status", NULL, "[VOL]", 0, 1, "say in a line a volume how it is", no_options, status },
	{ "events", NULL, "", 0, 0, "print changes of state as they happen", events_options,
	  events },
	{ "map", NULL, "VOL SECTOR", 2, 2, "say which nodes hold a sector (of 512 bytes)",
	  no_options, volume_map },
	{ "tree", NULL, "", 0, 0, "show volumes, their nodes, and the exports over them",
	  no_options, tree },
	{ "help", NULL, "[COMMAND...]", 0, 2, "show all commands, or explain one", no_options,
	  help },
	{ 0 },
};
