/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What wire.c needs of the kernel, for userspace.
 */
#ifndef _DSTB_WIRE_USER_H
#define _DSTB_WIRE_USER_H

#include <endian.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define cpu_to_le16(x)	((__le16)htole16(x))
#define cpu_to_le32(x)	((__le32)htole32(x))
#define cpu_to_le64(x)	((__le64)htole64(x))
#define le16_to_cpu(x)	le16toh((uint16_t)(x))
#define le32_to_cpu(x)	le32toh((uint32_t)(x))
#define le64_to_cpu(x)	le64toh((uint64_t)(x))

/* crc32c, Castagnoli, reflected, four bits at a time: small, and fast enough for fuzzing. */
static inline u32 crc32c(u32 crc, const void *data, size_t len)
{
	static const u32 four[] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const u8 *p = data;

	while (len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ four[crc & 15];
		crc = crc >> 4 ^ four[crc & 15];
	}
	return crc;
}

#endif /* _DSTB_WIRE_USER_H */
