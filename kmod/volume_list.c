// SPDX-License-Identifier: GPL-2.0
/*
 * The list of volumes: names taken, volumes found.
 */
#include <linux/netlink.h>
#include <net/net_namespace.h>

#include "chain.h"
#include "node.h"
#include "volume.h"

#define MAX_VOLUMES	1024

static LIST_HEAD(volumes);
/* Protects the list, and the nodes of all that is in it from being destroyed. */
static DEFINE_MUTEX(volumes_lock);
static u32 nr_volumes;
static u64 last_serial;
static u32 generation = 1; /* one more with each volume, or node of one, that comes or goes */

/**
 * dstb_volume_lock() - keep volumes from being taken apart, while they are looked at
 *
 * Context: process, may sleep. Not while a reference to a volume is all that is needed.
 */
void dstb_volume_lock(void)
{
	mutex_lock(&volumes_lock);
}

/**
 * dstb_volume_unlock() - the reverse of dstb_volume_lock()
 */
void dstb_volume_unlock(void)
{
	mutex_unlock(&volumes_lock);
}

static struct dstb_volume *find(const char *name)
{
	struct dstb_volume *vol;

	lockdep_assert_held(&volumes_lock);
	list_for_each_entry(vol, &volumes, list)
		if (!strcmp(vol->name, name))
			return vol;
	return NULL;
}

static bool find_uuid(const uuid_t *uuid)
{
	struct dstb_volume *vol;

	lockdep_assert_held(&volumes_lock);
	list_for_each_entry(vol, &volumes, list)
		if (uuid_equal(&vol->uuid, uuid))
			return true;
	return false;
}

/**
 * dstb_volume_get() - a volume by its name
 * @net:	network namespace
 * @name:	its name
 *
 * Context: process, may sleep.
 * Return: the volume with a reference, or NULL.
 */
struct dstb_volume *dstb_volume_get(struct net *net, const char *name)
{
	struct dstb_volume *vol;

	mutex_lock(&volumes_lock);
	vol = find(name);
	if (vol && (!vol->added || !net_eq(vol->net, net)))
		vol = NULL;
	if (vol)
		kref_get(&vol->kref);
	mutex_unlock(&volumes_lock);
	return vol;
}

/**
 * dstb_volume_next() - the volumes of a network namespace, one after the other
 * @net:	the namespace
 * @serial:	of the one before, whether it is still there or not; 0 to begin
 *
 * Context: process, may sleep.
 * Return: the next with a reference, or NULL.
 */
struct dstb_volume *dstb_volume_next(struct net *net, u64 serial)
{
	struct dstb_volume *vol, *next = NULL;

	mutex_lock(&volumes_lock);
	list_for_each_entry(vol, &volumes, list) {
		if (vol->serial > serial && vol->added && net_eq(vol->net, net)) {
			kref_get(&vol->kref);
			next = vol;
			break;
		}
	}
	mutex_unlock(&volumes_lock);
	return next;
}

/**
 * dstb_volume_generation() - what has changed since, if a volume has come or gone
 *
 * Context: any.
 * Return: not 0.
 */
u32 dstb_volume_generation(void)
{
	return READ_ONCE(generation) ?: 1;
}

void dstb_volume_for_each(struct seq_file *m,
			  void (*show)(struct seq_file *m, struct dstb_volume *vol))
{
	struct dstb_volume *vol;

	lockdep_assert_held(&volumes_lock);
	list_for_each_entry(vol, &volumes, list)
		if (vol->added)
			show(m, vol);
}

/**
 * dstb_volume_changed() - nodes of a volume have come or gone
 *
 * Context: process, may sleep.
 */
void dstb_volume_changed(void)
{
	mutex_lock(&volumes_lock);
	WRITE_ONCE(generation, generation + 1);
	mutex_unlock(&volumes_lock);
}

static bool has_disk(const struct dstb_volume *vol, const struct gendisk *disk)
{
	struct dstb_node *node;
	bool found = false;
	u32 i;

	/* A block_device is freed after a grace period. */
	rcu_read_lock();
	for (i = 0; !found && (node = dstb_volume_node(vol, i)); i++) {
		const struct block_device *bdev = READ_ONCE(node->bdev);

		found = bdev && bdev->bd_disk == disk;
	}
	rcu_read_unlock();
	return found;
}

/**
 * dstb_volume_above() - add the volumes that have one of a chain as a local node
 * @chain:	the chain
 * @len:	its length
 * @i:		which one
 *
 * Context: process; dstb_volume_lock() held.
 * Return: its length now.
 */
u32 dstb_volume_above(u8 chain[][16], u32 len, u32 i)
{
	const struct dstb_volume *vol, *below = NULL;

	lockdep_assert_held(&volumes_lock);
	list_for_each_entry(vol, &volumes, list)
		if (vol->added && !memcmp(chain[i], &vol->uuid, sizeof(vol->uuid)))
			below = vol;
	if (!below)
		return len;
	list_for_each_entry(vol, &volumes, list)
		if (vol->added && has_disk(vol, below->disk))
			len = dstb_chain_add(chain, len, (const u8 *)&vol->uuid);
	return len;
}

/**
 * dstb_volume_reserve() - take the name: slow work can follow without a lock
 * @vol:	the volume
 * @extack:	gets the sentence
 *
 * Context: process, may sleep.
 * Return: 0, -EEXIST, or -EUSERS.
 */
int dstb_volume_reserve(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	struct dstb_volume *other;
	int err = 0;

	mutex_lock(&volumes_lock);
	other = find(vol->name);
	if (other) {
		NL_SET_ERR_MSG_FMT(extack, "volume name '%s' is taken%s", vol->name,
				   net_eq(other->net, vol->net) ? "" :
								  " in another network namespace");
		err = -EEXIST;
	} else if (find_uuid(&vol->uuid)) {
		NL_SET_ERR_MSG_FMT(extack, "there is a volume with uuid %pUb", &vol->uuid);
		err = -EEXIST;
	} else if (nr_volumes == MAX_VOLUMES) {
		NL_SET_ERR_MSG_FMT(extack, "there are %u volumes, no more are possible",
				   MAX_VOLUMES);
		err = -EUSERS;
	} else {
		vol->serial = ++last_serial;
		list_add_tail(&vol->list, &volumes);
		nr_volumes++;
	}
	mutex_unlock(&volumes_lock);
	return err;
}

/**
 * dstb_volume_take_uuid() - a volume that is being assembled learns who it is
 * @vol:	the volume
 * @uuid:	what its superblocks say
 * @extack:	gets the sentence
 *
 * Context: process, may sleep.
 * Return: 0, or -EEXIST when it is there already.
 */
int dstb_volume_take_uuid(struct dstb_volume *vol, const u8 *uuid, struct netlink_ext_ack *extack)
{
	uuid_t id;
	int err = 0;

	import_uuid(&id, uuid);
	mutex_lock(&volumes_lock);
	if (find_uuid(&id)) {
		NL_SET_ERR_MSG_FMT(extack, "there is a volume with uuid %pUb", &id);
		err = -EEXIST;
	} else {
		vol->uuid = id;
	}
	mutex_unlock(&volumes_lock);
	return err;
}

/**
 * dstb_volume_show() - a volume is all there: others may find it
 * @vol:	the volume
 *
 * Context: process, may sleep.
 */
void dstb_volume_show(struct dstb_volume *vol)
{
	mutex_lock(&volumes_lock);
	spin_lock_irq(&vol->lock);
	vol->added = true;
	spin_unlock_irq(&vol->lock);
	WRITE_ONCE(generation, generation + 1);
	mutex_unlock(&volumes_lock);
}

/**
 * dstb_volume_unlist() - the reverse of dstb_volume_reserve()
 * @vol:	the volume
 *
 * Context: process, may sleep.
 */
void dstb_volume_unlist(struct dstb_volume *vol)
{
	mutex_lock(&volumes_lock);
	list_del(&vol->list);
	WRITE_ONCE(generation, generation + 1);
	nr_volumes--;
	mutex_unlock(&volumes_lock);
}
