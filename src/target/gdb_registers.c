/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers by the description that a gdbstub gives of its target (gdb's manual, "Target
 * Descriptions"): documents with elements
 *
 *	<xi:include href="OTHER"/>	<reg name="ttbr0" bitsize="32" regnum="17" .../>
 *
 * in the order of registers' numbers, which go on from the last where none is said. Of
 * processors without their system registers in the monitor's text it is all that has them.
 */
#include "target/gdb.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/target.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/number.h"

#define DOCUMENTS_MAX 64u
#define NUMBER_MAX 65536u
#define NAME_SIZE 32

/* A register that is asked for, and where it belongs. */
struct asked {
	unsigned gdb, ours;
	unsigned bytes;
};

struct description {
	struct ws_target *target;
	struct ws_gdb *gdb;
	const struct ws_cpu *like; /* a processor, whose names these are */
	unsigned number;           /* the next one's */
	WS_VEC(struct asked) asked;
};

/* An attribute's value, of an element from at to end; false: it has none, or it is too long. */
static bool attribute(const char *at, const char *end, const char *name,
		      char value[static NAME_SIZE])
{
	size_t len = strlen(name);
	const char *quote;

	for (; at + len + 2 < end; at++)
		if (isspace((unsigned char)at[0]) && !strncmp(at + 1, name, len) &&
		    at[len + 1] == '=' && (at[len + 2] == '"' || at[len + 2] == '\'')) {
			at += len + 2;
			quote = memchr(at + 1, *at, (size_t)(end - at - 1));
			if (!quote || quote - at > NAME_SIZE)
				return false;
			snprintf(value, NAME_SIZE, "%.*s", (int)(quote - at - 1), at + 1);
			return true;
		}
	return false;
}

static bool number(const char *at, const char *end, const char *name, uint64_t max,
		   uint64_t *value)
{
	char text[NAME_SIZE];

	return attribute(at, end, name, text) && ws_number(text, WS_DECIMAL, max, value);
}

/* False: memory is short. */
static bool take_register(struct description *d, const char *at, const char *end)
{
	uint64_t said, bits = 0;
	struct asked *asked;
	char name[NAME_SIZE];
	unsigned ours;

	if (number(at, end, "regnum", NUMBER_MAX, &said))
		d->number = (unsigned)said;
	said = d->number++;
	if (!attribute(at, end, "name", name) || !number(at, end, "bitsize", 64, &bits) ||
	    !bits || bits % 8 || d->asked.n == WS_REGISTERS_MAX)
		return true;
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!ws_cpu_find_register(d->like, name, &ours) || ws_cpu_knows(d->like, ours))
		return true;
	asked = ws_vec_push(&d->asked);
	if (asked)
		*asked = (struct asked){ (unsigned)said, ours, (unsigned)bits / 8 };
	return asked;
}

/* Registers of one document, and in *others those that it includes, each once. */
static enum ws_status take_document(struct description *d, const char *text, bool top)
{
	struct ws_context *ctx = d->target->ctx;
	enum ws_status status = WS_OK;
	unsigned ndocuments = 0;

	for (const char *at = text; !status && (at = strchr(at, '<'));) {
		const char *end = strchr(at, '>');
		char name[NAME_SIZE];

		if (!end)
			break;
		if (!strncmp(at, "<reg ", 5) && !take_register(d, at, end))
			return ws_fail_memory(ctx);
		if (top && !strncmp(at, "<xi:include ", 12) &&
		    attribute(at, end, "href", name) && ndocuments++ < DOCUMENTS_MAX) {
			ws_autofree char *inner = NULL;

			status = ws_gdb_document(ctx, d->gdb, name, &inner);
			if (!status && inner)
				status = take_document(d, inner, false);
		}
		at = end;
	}
	return status;
}

static enum ws_status read_register(struct description *d, const struct asked *asked,
				    struct ws_cpu *cpu)
{
	uint8_t bytes[8] = { 0 };
	char question[32];
	enum ws_status status;

	snprintf(question, sizeof(question), "p%x", asked->gdb);
	status = ws_gdb_ask(d->target->ctx, d->gdb, question);
	if (!status && ws_gdb_bytes(d->gdb, bytes, asked->bytes))
		ws_cpu_set(cpu, asked->ours, ws_le64(bytes));
	return status;
}

/* QEMU's threads are its processors, numbered from 1. */
static enum ws_status read_processor(struct description *d, size_t i)
{
	char question[32];
	enum ws_status status;

	snprintf(question, sizeof(question), "Hg%zx", i + 1);
	status = ws_gdb_ask(d->target->ctx, d->gdb, question);
	if (status || !ws_gdb_said(d->gdb, "OK"))
		return status;
	ws_vec_each(&d->asked, asked)
		if (!status)
			status = read_register(d, asked, &d->target->cpus.v[i]);
	return status;
}

enum ws_status ws_gdb_read_registers(struct ws_target *target)
{
	struct ws_gdb_target *g = target->priv;
	struct description d = { .target = target, .gdb = &g->gdb };
	ws_autofree char *text = NULL;
	enum ws_status status = WS_OK;
	struct ws_cpu like;

	if (!target->cpus.n)
		return WS_OK;
	like = target->cpus.v[0];
	d.like = &like;
	status = ws_gdb_document(target->ctx, &g->gdb, "target.xml", &text);
	if (!status && text)
		status = take_document(&d, text, true);
	for (size_t i = 0; !status && d.asked.n && i < target->cpus.n; i++)
		status = read_processor(&d, i);
	ws_vec_release(&d.asked);
	return status;
}
