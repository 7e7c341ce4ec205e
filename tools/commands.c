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
	{ "if-needed", NULL, "unless a policy of its name is registered already", false },
	{ "verbose", NULL, "when it is refused, print all that the verifier said", false },
	{ 0 },
};

static const struct option_def volume_create_options[] = {
	{ "policy", "NAME", "policy that maps sectors to nodes (needed)", false },
	{ "param", "KEY=VALUE",
	  "parameter of the policy, a number with a suffix k, M, G, T or P at most", true },
	{ "read-only", NULL, "take no writes, open exports as a reader", false },
	{ "shared", NULL, "share the exports with other writers", false },
	{ "connections", "NUMBER",
	  "connections to a remote node, at most (1 to 8; unless given one a CPU, up to 8)",
	  false },
	{ "io-timeout", "SECONDS",
	  "without an answer for so long a remote node's connection is given up (1 to 3600; 30 unless given)",
	  false },
	{ "adopt", NULL, "take nodes that are not blank: what is on them is lost", false },
	{ "witness", "NODE", "a node that votes and holds no data; comes after the others", true },
	{ "no-wait", NULL, "requests that would wait for a node or a quorum fail at once", false },
	{ "grace", "SECONDS",
	  "how long a lost node is waited for, before it is done without (0 to 3600; 30 unless given)",
	  false },
	{ "checksum", NULL,
	  "a node that is resynchronized is sent only what differs from what it has", false },
	{ 0 },
};

static const struct option_def volume_assemble_options[] = {
	{ "scan", NULL, "look for its nodes among all block devices of this machine", false },
	{ "degraded", NULL,
	  "without a quorum, or without nodes that are needed to be safe: the latest writes may be lost",
	  false },
	{ "takeover", NULL, "although another machine has its nodes: that one is fenced", false },
	{ "connections", "NUMBER",
	  "connections to a remote node, at most (1 to 8; unless given one a CPU, up to 8)",
	  false },
	{ "io-timeout", "SECONDS",
	  "without an answer for so long a remote node's connection is given up (1 to 3600; 30 unless given)",
	  false },
	{ "no-wait", NULL, "requests that would wait for a node or a quorum fail at once", false },
	{ "grace", "SECONDS",
	  "how long a lost node is waited for, before it is done without (0 to 3600; 30 unless given)",
	  false },
	{ "checksum", NULL,
	  "a node that is resynchronized is sent only what differs from what it has", false },
	{ 0 },
};

static const struct option_def volume_wait_options[] = {
	{ "until", "STATE",
	  "up (takes I/O), in-sync (every node with data is up) or active (every node is up) (needed)",
	  false },
	{ "timeout", "SECONDS", "give up after that time, with status 1", false },
	{ 0 },
};

static const struct option_def volume_scrub_options[] = {
	{ "repair", NULL, "make copies that differ the same as the first one", false },
	{ "wait", NULL, "wait for its end; status 1 if copies differ and are not repaired", false },
	{ "stop", NULL, "end the one that runs", false },
	{ 0 },
};

static const struct option_def node_replace_options[] = {
	{ "adopt", NULL, "take a medium that is not blank: what is on it is lost", false },
	{ 0 },
};

static const struct option_def node_add_options[] = {
	{ "adopt", NULL, "take a medium that is not blank: what is on it is lost", false },
	{ "witness", NULL, "it votes, and holds no data", false },
	{ 0 },
};

static const struct option_def node_resolve_options[] = {
	{ "discard", NULL, "what only this node has is lost (needed)", false },
	{ 0 },
};

static const struct option_def status_options[] = {
	{ "watch", NULL, "go on, with every change and every second, until interrupted", false },
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
	{ "shared", NULL,
	  "more than one writer at a time, and whatever else uses the device: nobody keeps them apart",
	  false },
	{ "max-sessions", "NUMBER", "sessions at a time, at most (1 to 1024; 64 unless given)",
	  false },
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
	{ "volume", "assemble", "VOL [NODE...]", 1, -1,
	  "bring back a volume that the superblocks of its nodes describe",
	  volume_assemble_options, volume_assemble },
	{ "volume", "list", "", 0, 0, "list the volumes", no_options, volume_list },
	{ "volume", "show", "VOL", 1, 1, "show a volume and its nodes", no_options, volume_show },
	{ "volume", "stop", "VOL", 1, 1, "stop a volume", volume_stop_options, volume_stop },
	{ "volume", "suspend", "VOL", 1, 1,
	  "let what is under way end, and have new requests wait", no_options, volume_suspend },
	{ "volume", "resume", "VOL", 1, 1, "go on after a suspend", no_options, volume_resume },
	{ "volume", "wait", "VOL", 1, 1, "wait for a state", volume_wait_options, volume_wait },
	{ "volume", "scrub", "VOL", 1, 1, "compare the copies in the background",
	  volume_scrub_options, volume_scrub },
	{ "node", "show", "VOL", 1, 1, "show the nodes of a volume", no_options, node_show },
	{ "node", "suspend", "VOL INDEX", 2, 2,
	  "do without a node for a while; what it misses is copied when it is resumed", no_options,
	  node_suspend },
	{ "node", "resume", "VOL INDEX", 2, 2,
	  "go on with a node that was suspended, or has failed", no_options, node_resume },
	{ "node", "replace", "VOL INDEX NODE", 3, 3,
	  "put another medium in the place of a node; it gets everything by resynchronization",
	  node_replace_options, node_replace },
	{ "node", "add", "VOL NODE", 2, 2,
	  "give a volume a copy more, or a witness, while it runs", node_add_options, node_add },
	{ "node", "remove", "VOL INDEX", 2, 2,
	  "take a copy, or a witness, from a volume while it runs", no_options, node_remove },
	{ "node", "resolve", "VOL INDEX", 2, 2,
	  "throw away what a diverged node has, and resynchronize it", node_resolve_options,
	  node_resolve },
	{ "node", "probe", "DEV", 1, 1, "say of which volume a block device is a node", no_options,
	  node_probe },
	{ "node", "wipe", "DEV", 1, 1,
	  "have a block device that nobody uses be a node no more: its superblock goes", no_options,
	  node_wipe },
	{ "export", "add", "NAME DEV", 2, 2, "offer a block device to other machines",
	  export_add_options, export_add },
	{ "export", "list", "", 0, 0, "list the exports", no_options, export_list },
	{ "export", "show", "NAME", 1, 1, "show an export and its sessions", no_options,
	  export_show },
	{ "export", "remove", "NAME", 1, 1, "take an export back; its sessions are closed",
	  no_options, export_remove },
	{ "export", "suspend", "NAME", 1, 1,
	  "ask the initiators to do without an export, and wait until its device is idle",
	  no_options, export_suspend },
	{ "export", "resume", "NAME", 1, 1, "go on after a suspend", no_options, export_resume },
	{ "status", NULL, "[VOL]", 0, 1, "say in a line a volume how it is", status_options,
	  status },
	{ "events", NULL, "", 0, 0, "print changes of state as they happen", events_options,
	  events },
	{ "map", NULL, "VOL SECTOR", 2, 2, "say which nodes hold a sector (of 512 bytes)",
	  no_options, volume_map },
	{ "tree", NULL, "", 0, 0, "show volumes, their nodes, and the exports over them",
	  no_options, tree },
	{ "save", NULL, "[FILE]", 0, 1,
	  "write down the policies, exports and volumes that are there (/etc/dst/config.json)",
	  no_options, save },
	{ "restore", NULL, "[FILE]", 0, 1,
	  "load the policies, add the exports and assemble the volumes that were saved", no_options,
	  restore },
	{ "help", NULL, "[COMMAND...]", 0, 2, "show all commands, or explain one", no_options,
	  help },
	{ 0 },
};
