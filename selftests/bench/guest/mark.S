/* SPDX-License-Identifier: GPL-2.0 */
/* Does nothing, at an address that ../count.c knows. */
	.globl	_start
_start:	mov	$60, %eax
	xor	%edi, %edi
	syscall
