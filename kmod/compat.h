/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels that DST supports (6.12 and newer), and nothing else.
 */
#ifndef _DSTB_COMPAT_H
#define _DSTB_COMPAT_H

#include <crypto/blake2s.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/btf.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/namei.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <net/netlink.h>

/*
 * Debian's kernels zero what is on the stack: not what is large, written before it is read, and
 * made for each request.
 */
#if __has_attribute(__uninitialized__)
#define DSTB_UNINITIALIZED __attribute__((__uninitialized__))
#else
#define DSTB_UNINITIALIZED
#endif

/* Trusted arguments are every kfunc's default since 7.0. */
#ifndef KF_TRUSTED_ARGS
#define KF_TRUSTED_ARGS 0
#endif

#ifndef NLA_POLICY_MAX_LEN
#define NLA_POLICY_MAX_LEN(_len) NLA_POLICY_MAX(NLA_BINARY, _len)
#endif

/* Addresses of no fixed size got a type of their own in 6.19. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
typedef struct sockaddr_unsized dstb_sockaddr;
#else
typedef struct sockaddr dstb_sockaddr;
#endif

/* What a BLAKE2s digest is made in got another name in 6.19. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
typedef struct blake2s_ctx dstb_blake2s;
#else
typedef struct blake2s_state dstb_blake2s;
#endif

/*
 * A separate limit for zeroes that unmap came with 6.17; where it is set it must equal the other
 * one.
 */
static inline void dstb_limits_plain_zeroes(struct queue_limits *lim)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	lim->max_hw_wzeroes_unmap_sectors = 0;
#endif
}

/**
 * dstb_bio_split() - bio_split(), NULL on failure on every kernel
 * @bio:	to split
 * @sectors:	length of the front
 * @bs:		where the front comes from
 *
 * Return: the front, or NULL.
 */
static inline struct bio *dstb_bio_split(struct bio *bio, int sectors, struct bio_set *bs)
{
	struct bio *front = bio_split(bio, sectors, GFP_NOIO, bs);

	return IS_ERR(front) ? NULL : front;
}

/**
 * dstb_paths_begin() - from here on, paths mean to a kernel thread what they mean to init
 *
 * On 7.x it has an empty root folder. Others look from their own, as ever.
 * Return: for dstb_paths_end().
 */
static inline struct fs_struct *dstb_paths_begin(void)
{
#ifdef scoped_with_init_fs
	return current->flags & PF_KTHREAD ? __override_init_fs() : NULL;
#else
	return NULL;
#endif
}

/**
 * dstb_paths_end() - the reverse of dstb_paths_begin()
 * @own:	what it returned
 */
static inline void dstb_paths_end(struct fs_struct *own)
{
#ifdef scoped_with_init_fs
	if (own)
		__revert_init_fs(own);
#endif
}

/**
 * dstb_start_removing() - what start_removing_dentry() is since 6.19
 * @parent:	the folder; locked on success
 * @child:	what is to be removed from it
 *
 * Return: @child with one more reference, or an ERR_PTR: it is there no more.
 */
static inline struct dentry *dstb_start_removing(struct dentry *parent, struct dentry *child)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	return start_removing_dentry(parent, child);
#else
	inode_lock_nested(d_inode(parent), I_MUTEX_PARENT);
	if (child->d_parent == parent && !d_unhashed(child))
		return dget(child);
	inode_unlock(d_inode(parent));
	return ERR_PTR(-EINVAL);
#endif
}

/**
 * dstb_end_removing() - the reverse of dstb_start_removing()
 * @parent:	the folder
 * @child:	what it returned
 */
static inline void dstb_end_removing(struct dentry *parent, struct dentry *child)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	end_removing(child);
#else
	inode_unlock(d_inode(parent));
	dput(child);
#endif
}

#endif /* _DSTB_COMPAT_H */
