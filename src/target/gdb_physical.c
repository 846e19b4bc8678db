/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What QEMU's gdbstub has and others have not: a mode in which addresses are physical. In it
 * QEMU writes to its memory by its own way, so that a migration that is under way has it too.
 */
#include "target/gdb_packets.h"

#include <stdio.h>
#include <string.h>

enum ws_status ws_gdb_memory_mode(struct ws_context *ctx, struct ws_gdb *gdb,
				  bool physical)
{
	enum ws_status status =
		ws_gdb_ask(ctx, gdb, physical ? WS_GDB_PHYSICAL : WS_GDB_VIRTUAL);

	if (status || ws_gdb_said(gdb, "OK"))
		return status;
	return ws_fail(ctx, WS_ERR_UNSUPPORTED,
		       "%s: the stub has no physical memory mode (Qqemu.PhyMemMode), as "
		       "QEMU's has",
		       gdb->peer.name);
}

enum ws_status ws_gdb_read(struct ws_context *ctx, struct ws_gdb *gdb, uint64_t pa,
			   void *bytes, size_t n)
{
	char question[64];
	enum ws_status status;

	snprintf(question, sizeof(question), "m%jx,%zx", (uintmax_t)pa, n);
	status = ws_gdb_ask(ctx, gdb, question);
	if (status || ws_gdb_bytes(gdb, bytes, n))
		return status;
	return ws_fail(ctx, WS_ERR_UNREADABLE,
		       "%s: the stub does not give the %zu bytes at physical %#jx: %.60s",
		       gdb->peer.name, n, (uintmax_t)pa,
		       gdb->n ? gdb->packet : "it knows no such question");
}

enum ws_status ws_gdb_write(struct ws_context *ctx, struct ws_gdb *gdb, uint64_t pa,
			    const void *bytes, size_t n)
{
	char question[64 + 2 * WS_GDB_WRITE_MAX];
	const uint8_t *from = bytes;
	int at = snprintf(question, sizeof(question), "M%jx,%zx:", (uintmax_t)pa, n);
	enum ws_status status;

	for (size_t i = 0; i < n && i < WS_GDB_WRITE_MAX; i++)
		at += snprintf(question + at, sizeof(question) - (size_t)at, "%02x",
			       from[i]);
	status = ws_gdb_ask(ctx, gdb, question);
	if (status || ws_gdb_said(gdb, "OK"))
		return status;
	return ws_fail(ctx, WS_ERR_UNSUPPORTED,
		       "%s: the stub does not write to physical %#jx: %.60s",
		       gdb->peer.name, (uintmax_t)pa,
		       gdb->n ? gdb->packet : "it knows no such question");
}

/*
 * There is no question for it. But where a watchpoint lies on two pages QEMU's emulation
 * drops all translations of every processor (cpu_watchpoint_insert()), since each page may
 * have become a slow one; a KVM refuses it.
 */
#define WATCH "2,fff,2"

enum ws_status ws_gdb_flush(struct ws_context *ctx, struct ws_gdb *gdb)
{
	enum ws_status status = ws_gdb_ask(ctx, gdb, "Z" WATCH);

	if (status)
		return status;
	if (!ws_gdb_said(gdb, "OK"))
		return ws_fail(ctx, WS_ERR_UNSUPPORTED,
			       "%s: what processors remember of page tables cannot be "
			       "dropped by this stub (it refuses a watchpoint on two "
			       "pages, as under KVM)",
			       gdb->peer.name);
	status = ws_gdb_ask(ctx, gdb, "z" WATCH);
	if (status || ws_gdb_said(gdb, "OK"))
		return status;
	return ws_fail(ctx, WS_ERR_SYSTEM, "%s: the stub keeps a watchpoint (z" WATCH ")",
		       gdb->peer.name);
}
