/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An oops has kept its form for twenty years (arch/x86/kernel/dumpstack.c, lib/dump_stack.c,
 * arch/x86/mm/fault.c, of other architectures alike): a line that says what went wrong, and
 * behind it, in an order that has changed, a line each for the error code, the process, the
 * instruction pointer, and the bytes there, of which the one it points to is in brackets.
 */
#include "autopsy/oops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What its first line has. Warnings, which the kernel survives, have none of these. */
static const char *const beginnings[] = {
	"unable to handle",         "Unable to handle", "invalid opcode:",
	"general protection fault", "kernel BUG at",
};

/* No oops is longer, up to its call trace; what is further on may be of another. */
#define LINES_MAX 48

static bool begins_here(const char *text)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(beginnings); i++)
		if (strstr(text, beginnings[i]))
			return true;
	return false;
}

/* The hexadecimal number right behind the words. */
static bool number_behind(const char *text, const char *words, uint64_t *number)
{
	const char *at = strstr(text, words);
	char *end;

	if (!at)
		return false;
	at += strlen(words);
	*number = strtoull(at, &end, 16);
	return end != at;
}

/* ---- its lines ---------------------------------------------------------------------- */

/* "page fault for address: c1234567"; before 5.1 "paging request at c1234567". */
static void take_address(struct ws_oops *oops, const char *text)
{
	oops->has_va = oops->has_va || number_behind(text, " for address: ", &oops->va) ||
		       number_behind(text, "paging request at ", &oops->va);
}

/* "#PF: error_code(0x0002) - ..." since 5.1; "Oops: 0002 [#1] SMP" always. */
static void take_error(struct ws_oops *oops, const char *text)
{
	oops->has_error = oops->has_error ||
			  number_behind(text, "error_code(", &oops->error) ||
			  number_behind(text, "Oops: ", &oops->error) ||
			  number_behind(text, "invalid opcode: ", &oops->error);
}

/* "CPU: 0 PID: 71 Comm: waiter" */
static void take_pid(struct ws_oops *oops, const char *text)
{
	const char *at = strstr(text, "PID: ");

	if (oops->has_pid || !at || !strstr(text, " Comm: "))
		return;
	oops->pid = (uint32_t)strtoul(at + strlen("PID: "), NULL, 10);
	oops->has_pid = true;
}

/* "lab_read+0x1f/0x40 [whosees_lab]" */
static bool resolve(struct ws_autopsy *autopsy, const char *text, uint64_t *ip)
{
	char name[128], module[64], whole[200];
	struct ws_symbol symbol;
	unsigned long offset;
	int n = sscanf(text, "%127[^+ ]+%lx/%*x [%63[^] ]", name, &offset, module);

	if (n < 2)
		return false;
	snprintf(whole, sizeof(whole), "%s%s%s", n == 3 ? module : "", n == 3 ? ":" : "",
		 name);
	if (ws_symbol_find(autopsy->system, whole, &symbol) != WS_OK) {
		ws_error_clear(autopsy->system->ctx);
		return false;
	}
	*ip = symbol.va + offset;
	return true;
}

/* "RIP: 0010:lab_read+0x1f/0x40", "EIP: lab_read+0x1f/0x40", "EIP: 0060:[<c1234567>]" */
static void take_ip(struct ws_autopsy *autopsy, struct ws_oops *oops, const char *text)
{
	const char *at = NULL;
	unsigned selector;
	int len = 0;

	for (const char *const *word = autopsy->arch->ip_words; *word && !at; word++)
		if ((at = strstr(text, *word)))
			at += strlen(*word);
	if (!at || oops->has_ip)
		return;
	if (sscanf(at, "%4x:%n", &selector, &len) == 1 && len)
		at += len;
	if (!strncmp(at, "[<", 2) || !strncmp(at, "0x", 2))
		oops->has_ip = number_behind(at, *at == '[' ? "[<" : "0x", &oops->ip);
	else
		oops->has_ip = resolve(autopsy, at, &oops->ip);
}

/* "Code: 55 89 e5 <0f> 0b 5d"; in place of bytes it may say why it has none. */
static void take_code(struct ws_oops *oops, const char *text)
{
	const char *at = strstr(text, "Code: ");
	bool marked = false;
	unsigned byte;

	if (!at || oops->ncode)
		return;
	for (at += strlen("Code: "); oops->ncode < WS_OOPS_CODE; at += 3) {
		if (*at == '<') {
			oops->below = oops->ncode;
			marked = true;
			at++;
		}
		if (sscanf(at, "%2x", &byte) != 1)
			break;
		oops->code[oops->ncode++] = (uint8_t)byte;
		at += at[2] == '>';
		if (!at[2])
			break;
	}
	if (!marked)
		oops->ncode = 0;
}

static void take_line(struct ws_autopsy *autopsy, struct ws_oops *oops, const char *text)
{
	take_address(oops, text);
	take_error(oops, text);
	take_pid(oops, text);
	take_ip(autopsy, oops, text);
	take_code(oops, text);
	oops->panicked |= strstr(text, "Kernel panic - not syncing") != NULL;
}

bool ws_oops_read(struct ws_autopsy *autopsy, const struct ws_log *log,
		  struct ws_oops *oops)
{
	*oops = (struct ws_oops){ 0 };
	if (!log)
		return false;
	while (oops->record < log->nrecords &&
	       !begins_here(log->records[oops->record].text))
		oops->record++;
	for (size_t i = oops->record; i < log->nrecords; i++) {
		if (i - oops->record < LINES_MAX)
			take_line(autopsy, oops, log->records[i].text);
		oops->panicked |= strstr(log->records[i].text,
					 "Kernel panic - not syncing") != NULL;
	}
	return oops->record < log->nrecords;
}
