/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/gdb_packets.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/number.h"
#include "util/text.h"

#define PACKET_MAX (1u << 20) /* QEMU's are of 4 KiB */
#define TEXT_MAX (32u << 20)  /* what a monitor prints, a document */
#define PASSED_MAX (1u << 20) /* bytes, and packets, that are no answer */
#define DOCUMENT_PART 0x7f0   /* that is asked for at once */
#define PARTS_MAX 4096u       /* of a document: a stub may give less than was asked for */

/* ---- sending ---------------------------------------------------------------------- */

static unsigned sum_of(const char *text)
{
	unsigned sum = 0;

	while (*text)
		sum += (unsigned char)*text++;
	return sum & 0xff;
}

enum ws_status ws_gdb_send(struct ws_context *ctx, struct ws_gdb *gdb,
			   const char *question)
{
	ws_autofree char *packet = ws_text_of("$%s#%02x", question, sum_of(question));

	if (!packet)
		return ws_fail_memory(ctx);
	return ws_peer_send(&gdb->peer, packet, strlen(packet), -1)
		       ? WS_OK
		       : ws_peer_fail(ctx, &gdb->peer, "asking the stub");
}

/* ---- receiving -------------------------------------------------------------------- */

enum ws_status ws_gdb_refuse(struct ws_context *ctx, const struct ws_gdb *gdb,
			     const char *what)
{
	return ws_fail(
		ctx, WS_ERR_MALFORMED,
		"%s: %s: it is no gdbstub (QEMU's -gdb unix:PATH,server=on or -s), or "
		"the connection is damaged",
		gdb->peer.name, what);
}

/* What may be wrong with a packet, where it is not the stub's fault. */
static const char lost[] = "the connection", no_memory[] = "memory";

/* What is wrong; NULL: nothing. */
static const char *put(struct ws_gdb *gdb, char c, size_t times)
{
	size_t room = gdb->room ? gdb->room : 4096;
	char *grown;

	if (times > PACKET_MAX - gdb->n)
		return "a packet that does not end";
	while (room <= gdb->n + times)
		room *= 2;
	grown = room > gdb->room ? realloc(gdb->packet, room) : gdb->packet;
	if (!grown)
		return no_memory;
	gdb->packet = grown;
	gdb->room = room;
	memset(grown + gdb->n, c, times);
	gdb->n += times;
	grown[gdb->n] = '\0';
	return NULL;
}

/* Up to the next packet's beginning; acknowledgements are passed over. -1: none comes. */
static int next_start(struct ws_gdb *gdb)
{
	int c;

	for (size_t passed = 0; passed < PASSED_MAX; passed++) {
		c = ws_peer_byte(&gdb->peer);
		if (c < 0 || c == '$' || c == '%')
			return c;
	}
	return 0;
}

/*
 * What follows '$', up to its sum. '}' goes before a byte whose bit 5 is flipped, '*' before
 * how often the last one comes again, less 29. What is wrong with it; NULL: nothing.
 */
static const char *body_read(struct ws_gdb *gdb)
{
	const char *wrong = NULL;
	unsigned sum = 0;
	char sums[2];
	uint64_t said;
	int c;

	gdb->n = 0;
	while ((c = ws_peer_byte(&gdb->peer)) >= 0 && c != '#') {
		size_t times = 1;

		sum += (unsigned)c;
		if (c == '}' || c == '*') {
			int next = ws_peer_byte(&gdb->peer);

			if (next < 0)
				return lost;
			if (c == '*' && (!gdb->n || next < 32 || next > 126))
				return "a run of no bytes";
			sum += (unsigned)next;
			times = c == '*' ? (size_t)next - 29 : 1;
			c = c == '*' ? gdb->packet[gdb->n - 1] : next ^ 0x20;
		}
		wrong = put(gdb, (char)c, times);
		if (wrong)
			return wrong;
	}
	for (unsigned i = 0; i < 2 && c >= 0; i++)
		sums[i] = (char)(c = ws_peer_byte(&gdb->peer));
	if (c < 0)
		return lost;
	if (!ws_number_in(sums, 2, WS_HEX, UINT8_MAX, &said) || said != (sum & 0xff))
		return "a packet whose checksum is wrong";
	return put(gdb, '\0', 0);
}

/* It has stopped ("T05thread:01;"), which it says whenever that is. */
static bool is_stop_reply(const struct ws_gdb *gdb)
{
	const char *p = gdb->packet;

	return (*p == 'T' || *p == 'S') && isxdigit((unsigned char)p[1]) &&
	       isxdigit((unsigned char)p[2]);
}

enum ws_status ws_gdb_receive(struct ws_context *ctx, struct ws_gdb *gdb,
			      const char *doing)
{
	for (size_t passed = 0; passed < PASSED_MAX; passed++) {
		int start = next_start(gdb);
		const char *wrong = start > 0 ? body_read(gdb) : lost;

		if (gdb->peer.error)
			return ws_peer_fail(ctx, &gdb->peer, doing);
		if (wrong == no_memory)
			return ws_fail_memory(ctx);
		if (start == 0)
			return ws_gdb_refuse(ctx, gdb, "it sends what is no packet");
		if (wrong)
			return ws_gdb_refuse(ctx, gdb, wrong);
		if (start == '$' && !gdb->no_ack && !ws_peer_send(&gdb->peer, "+", 1, -1))
			return ws_peer_fail(ctx, &gdb->peer, doing);
		if (start == '$' && !is_stop_reply(gdb))
			return WS_OK;
		gdb->nstopped += start == '$';
	}
	return ws_gdb_refuse(ctx, gdb, "it sends packets without end, and no answer");
}

enum ws_status ws_gdb_ask(struct ws_context *ctx, struct ws_gdb *gdb,
			  const char *question)
{
	enum ws_status status;

	ws_peer_begin(&gdb->peer);
	status = ws_gdb_send(ctx, gdb, question);
	return status ? status : ws_gdb_receive(ctx, gdb, question);
}

void ws_gdb_close(struct ws_gdb *gdb)
{
	ws_peer_close(&gdb->peer);
	free(gdb->packet);
}

/* ---- answers ---------------------------------------------------------------------- */

bool ws_gdb_said(const struct ws_gdb *gdb, const char *text)
{
	return gdb->n == strlen(text) && !memcmp(gdb->packet, text, gdb->n);
}

bool ws_gdb_bytes(const struct ws_gdb *gdb, uint8_t *to, size_t n)
{
	if (gdb->n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned high = ws_digit(gdb->packet[2 * i]);
		unsigned low = ws_digit(gdb->packet[2 * i + 1]);

		if (high > 15 || low > 15)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

enum ws_status ws_gdb_document(struct ws_context *ctx, struct ws_gdb *gdb,
			       const char *name, char **text)
{
	enum ws_status status = WS_OK;
	struct ws_text out;
	FILE *to = ws_text_open(&out);
	size_t length = 0;
	char more = 'm';

	*text = NULL;
	for (unsigned i = 0; to && more == 'm' && i < PARTS_MAX && length < TEXT_MAX;
	     i++) {
		char question[160];

		snprintf(question, sizeof(question), "qXfer:features:read:%.99s:%zx,%x",
			 name, length, DOCUMENT_PART);
		status = ws_gdb_ask(ctx, gdb, question);
		more = status || !gdb->n ? 'E' : gdb->packet[0];
		if (more != 'm' && more != 'l')
			break;
		fwrite(gdb->packet + 1, gdb->n - 1, 1, to);
		length += gdb->n - 1;
		if (gdb->n == 1)
			more = 'l'; /* it would never end */
	}
	*text = to ? ws_text_close(&out, NULL) : NULL;
	if (!*text && !status)
		return ws_fail_memory(ctx);
	if (status || more != 'l')
		free(ws_steal(*text));
	return status;
}

static enum ws_status monitor_take(struct ws_context *ctx, struct ws_gdb *gdb, FILE *to,
				   size_t *length)
{
	enum ws_status status = WS_OK;

	/* Text in hexadecimal behind an O, until there is OK. */
	while (!status && gdb->n > 1 && gdb->packet[0] == 'O' && gdb->packet[1] != 'K') {
		for (size_t i = 1; i + 1 < gdb->n; i += 2) {
			unsigned high = ws_digit(gdb->packet[i]);
			unsigned low = ws_digit(gdb->packet[i + 1]);

			if (high > 15 || low > 15 || ++*length > TEXT_MAX)
				return ws_gdb_refuse(ctx, gdb, "its monitor's text");
			fputc((int)(high << 4 | low), to);
		}
		status = ws_gdb_receive(ctx, gdb, "reading what its monitor prints");
	}
	return status;
}

enum ws_status ws_gdb_monitor(struct ws_context *ctx, struct ws_gdb *gdb,
			      const char *line, char **text)
{
	char question[256] = "qRcmd,";
	size_t n = strlen(question), length = 0;
	enum ws_status status;
	struct ws_text out;
	FILE *to;

	*text = NULL;
	for (const char *p = line; *p && n + 3 < sizeof(question); p++, n += 2)
		snprintf(question + n, sizeof(question) - n, "%02x", (unsigned char)*p);
	status = ws_gdb_ask(ctx, gdb, question);
	to = status ? NULL : ws_text_open(&out);
	if (status || !to)
		return status ? status : ws_fail_memory(ctx);
	status = monitor_take(ctx, gdb, to, &length);
	*text = ws_text_close(&out, NULL);
	if (!*text && !status)
		return ws_fail_memory(ctx);
	if (status || !ws_gdb_said(gdb, "OK"))
		free(ws_steal(*text));
	return status;
}
