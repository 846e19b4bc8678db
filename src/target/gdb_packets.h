/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gdb's remote protocol (gdb's manual, "Remote Serial Protocol"): packets $TEXT#SUM, of which
 * a question is one and an answer mostly one.
 */
#ifndef WS_TARGET_GDB_PACKETS_H
#define WS_TARGET_GDB_PACKETS_H

#include "target/peer.h"

struct ws_gdb {
	struct ws_peer peer;
	char *packet; /* the last that has arrived, with a NUL behind it; n bytes of room */
	size_t n, room;
	bool no_ack;       /* nothing is acknowledged any more */
	unsigned nstopped; /* stop replies, which come unasked: it ran until then */
};

/* The frame around a text: "$TEXT#SUM". */
#define WS_GDB_FRAME 4

/* Sends questions, one after the other, each with a frame around it. */
enum ws_status ws_gdb_send(struct ws_context *ctx, struct ws_gdb *gdb,
			   const char *question) WS_MUST_CHECK;
/*
 * The next answer, into gdb->packet; stop replies and notifications are passed over. doing:
 * for messages.
 */
enum ws_status ws_gdb_receive(struct ws_context *ctx, struct ws_gdb *gdb,
			      const char *doing) WS_MUST_CHECK;
/* Both, in the time that an answer may take. */
enum ws_status ws_gdb_ask(struct ws_context *ctx, struct ws_gdb *gdb,
			  const char *question) WS_MUST_CHECK;

/* Whether the last packet is that. */
bool ws_gdb_said(const struct ws_gdb *gdb, const char *text);
/* Its bytes, that it has in hexadecimal; false: these are not n bytes so. */
bool ws_gdb_bytes(const struct ws_gdb *gdb, uint8_t *to, size_t n);

/* WS_ERR_MALFORMED: it has answered what no stub does. */
enum ws_status ws_gdb_refuse(struct ws_context *ctx, const struct ws_gdb *gdb,
			     const char *what);

/* A document that the stub has: "target.xml". To be freed. NULL: it has none. */
enum ws_status ws_gdb_document(struct ws_context *ctx, struct ws_gdb *gdb,
			       const char *name, char **text) WS_MUST_CHECK;
/* What a monitor behind the stub prints at a line. To be freed. NULL: there is none. */
enum ws_status ws_gdb_monitor(struct ws_context *ctx, struct ws_gdb *gdb,
			      const char *line, char **text) WS_MUST_CHECK;

void ws_gdb_close(struct ws_gdb *gdb);

/* ---- QEMU's: gdb_physical.c ---- */

#define WS_GDB_PHYSICAL "Qqemu.PhyMemMode:1"
#define WS_GDB_VIRTUAL "Qqemu.PhyMemMode:0"
/* As they are sent: what may be left behind is put back. */
#define WS_GDB_VIRTUAL_PACKET "$" WS_GDB_VIRTUAL "#76"
#define WS_GDB_UNWATCH_PACKET "$z2,fff,2#68"

enum ws_status ws_gdb_memory_mode(struct ws_context *ctx, struct ws_gdb *gdb,
				  bool physical) WS_MUST_CHECK;

#define WS_GDB_WRITE_MAX 8u /* bytes */

/* In physical mode: n bytes at pa; WS_ERR_UNSUPPORTED: it refuses to write them. */
enum ws_status ws_gdb_read(struct ws_context *ctx, struct ws_gdb *gdb, uint64_t pa,
			   void *bytes, size_t n) WS_MUST_CHECK;
enum ws_status ws_gdb_write(struct ws_context *ctx, struct ws_gdb *gdb, uint64_t pa,
			    const void *bytes, size_t n) WS_MUST_CHECK;
/* Every processor forgets its translations. WS_ERR_UNSUPPORTED: it cannot be made to. */
enum ws_status ws_gdb_flush(struct ws_context *ctx, struct ws_gdb *gdb) WS_MUST_CHECK;

#endif
