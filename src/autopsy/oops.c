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

#include "util/number.h"

/*
 * What its first line has. Warnings, which the kernel survives, have none of these, and what
 * user mode did ("traps: sh[9] general protection fault ip:...") has no number of an oops.
 */
static const struct {
	const char *words;
	bool numbered; /* the line has the oops's number too: "Oops: 0002 [#1] SMP" */
	bool unread;   /* it is of a death that stands elsewhere: a double fault */
} beginnings[] = {
	{ "BUG: unable to handle ", false, false },
	{ "BUG: kernel NULL pointer dereference", false, false },
	{ "Unable to handle kernel ", false, false },
	{ "kernel BUG at ", false, false },
	{ "Oops: ", true, false },
	{ "invalid opcode: ", true, false },
	{ "general protection fault", true, false },
	{ "PANIC: double fault", false, true },
	{ "stack guard page was hit", false, true },
	{ "", true, true },
};

/* No oops is longer, up to its call trace; what is further on may be of another. */
#define LINES_MAX 48
/* Between its end and the panic are the registers once more, at most. */
#define PANIC_LINES_MAX 24

struct reading {
	struct ws_autopsy *autopsy;
	struct ws_oops *oops;
	bool is_numbered; /* its number was met: the next one is of another oops */
	bool at_own_ip;   /* the last instruction pointer was where the kernel faulted */
	bool had_code;    /* the line of its code was met, with bytes or without */
	size_t end;       /* the record of its "end trace"; 0: not met */
};

static bool is_numbered(const char *text)
{
	const char *at = strstr(text, " [#");

	return at && at[3] >= '0' && at[3] <= '9';
}

/* The row of beginnings[] that a line has, or their number. */
static size_t beginning_of(const char *text)
{
	bool numbered = is_numbered(text);
	size_t i = 0;

	while (i < WS_ARRAY_SIZE(beginnings) && ((beginnings[i].numbered && !numbered) ||
						 !strstr(text, beginnings[i].words)))
		i++;
	return i;
}

static bool begins_here(const struct ws_log_record *record)
{
	size_t i = beginning_of(record->text);

	return ws_is_kernels(record) && i < WS_ARRAY_SIZE(beginnings) &&
	       !beginnings[i].unread;
}

/* Its own first line is followed by one with its number, and that by no other. */
static bool begins_another(struct reading *reading, const char *text)
{
	size_t i = beginning_of(text);

	if (i == WS_ARRAY_SIZE(beginnings))
		return false;
	if (!beginnings[i].numbered || reading->is_numbered)
		return true;
	reading->is_numbered = true;
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
	oops->undefined |= strstr(text, "invalid opcode: ") != NULL;
}

/* "CPU: 0 PID: 71 Comm: waiter", before 3.10 "Pid: 71, comm: waiter" */
static void take_pid(struct ws_oops *oops, const char *text)
{
	static const struct {
		const char *pid, *comm;
	} words[] = { { "PID: ", " Comm: " }, { "Pid: ", ", comm: " } };

	for (size_t i = 0; i < WS_ARRAY_SIZE(words) && !oops->has_pid; i++) {
		const char *at = strstr(text, words[i].pid);

		if (!at || !strstr(at, words[i].comm))
			continue;
		oops->pid = (uint32_t)strtoul(at + strlen(words[i].pid), NULL, 10);
		oops->has_pid = true;
	}
}

/* "Oops: 0002 [#3] SMP" */
static void take_number(struct ws_oops *oops, const char *text)
{
	const char *at = strstr(text, " [#");

	oops->later |= at && strtoul(at + strlen(" [#"), NULL, 10) > 1;
}

/* "lab_read+0x1f/0x40 [whosees_lab]" */
static bool resolve(struct ws_autopsy *autopsy, const char *text, uint64_t *ip)
{
	char name[128], module[64], whole[200];
	struct ws_symbol symbol;
	uintmax_t offset;
	int n = sscanf(text, "%127[^+ ]+%jx/%*x [%63[^] ]", name, &offset, module);

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

static bool read_ip(struct ws_autopsy *autopsy, const char *at, uint64_t *ip)
{
	if (!strncmp(at, "[<", 2) || !strncmp(at, "0x", 2))
		return number_behind(at, *at == '[' ? "[<" : "0x", ip);
	return resolve(autopsy, at, ip);
}

/* Where no selector says so: by the address, or the kernel's fetch there was what failed. */
static bool is_kernels(const struct reading *reading, uint64_t ip)
{
	const struct ws_autopsy *autopsy = reading->autopsy;
	const struct ws_oops *oops = reading->oops;

	return ip >= autopsy->system->layout.kernel_first ||
	       (oops->has_va && oops->has_error && ip == oops->va &&
		autopsy->arch->right_lacked(oops->error) == WS_KERNEL_EXECUTE);
}

/*
 * "RIP: 0010:lab_read+0x1f/0x40", "EIP: lab_read+0x1f/0x40", "EIP: 0060:[<c1234567>]". Further
 * on come those of user mode, "RIP: 0033:0x47b7a0" and, where none has a selector, by their
 * place: that of i386 since 4.15.
 */
static void take_ip(struct reading *reading, const char *text)
{
	struct ws_oops *oops = reading->oops;
	const struct ws_arch_autopsy *arch = reading->autopsy->arch;
	const char *at = NULL;
	unsigned selector = 0;
	uint64_t ip;
	int len = 0;
	bool kernel;

	for (const char *const *word = arch->ip_words; *word && !at; word++)
		if ((at = strstr(text, *word)))
			at += strlen(*word);
	if (!at)
		return;
	reading->at_own_ip = false;
	if (sscanf(at, "%4x:%n", &selector, &len) == 1 && len)
		at += len;
	if (!read_ip(reading->autopsy, at, &ip))
		return;
	kernel = len ? !(selector & 3) : is_kernels(reading, ip);
	if (kernel && !oops->has_ip) {
		oops->has_ip = true;
		oops->ip = ip;
	}
	reading->at_own_ip = kernel && oops->ip == ip;
}

/* Two digits; a line that is cut may have one. */
static bool is_byte(const char *at, uint8_t *byte)
{
	unsigned high = ws_digit(at[0]), low = high < 16 ? ws_digit(at[1]) : 16;

	*byte = (uint8_t)(high << 4 | low);
	return low < 16;
}

/* "Code: 55 89 e5 <0f> 0b 5d"; in place of bytes it may say why it has none. */
static void take_code(struct reading *reading, const char *text)
{
	struct ws_oops *oops = reading->oops;
	const char *at = strstr(text, "Code: ");
	bool marked = false;
	uint8_t byte;

	if (!at || reading->had_code || !reading->at_own_ip)
		return;
	reading->had_code = true;
	for (at += strlen("Code: "); oops->ncode < WS_OOPS_CODE; at += *at == ' ') {
		bool here = *at == '<';

		at += here;
		if (!is_byte(at, &byte))
			break;
		if (here)
			oops->below = oops->ncode;
		marked |= here;
		oops->code[oops->ncode++] = byte;
		at += 2;
		at += *at == '>';
	}
	if (marked)
		return;
	/* Bytes without a mark may be cut: they, and that there are some, decide nothing. */
	oops->undefined = oops->undefined && !oops->ncode;
	oops->ncode = 0;
}

static void take_line(struct reading *reading, const char *text)
{
	take_address(reading->oops, text);
	take_error(reading->oops, text);
	take_pid(reading->oops, text);
	take_number(reading->oops, text);
	take_ip(reading, text);
	take_code(reading, text);
}

/* ---- its end ------------------------------------------------------------------------ */

#define PANIC "Kernel panic - not syncing: "

/* oops_end() gives up, or the task that is killed is one that the kernel needs. */
static bool is_own_panic(const struct reading *reading, size_t record, const char *panic)
{
	static const char *const of_task[] = {
		"Aiee, killing interrupt handler",
		"Attempted to kill the idle task",
		"Attempted to kill init",
	};

	if (strstr(panic, "Fatal exception"))
		return true;
	if (!reading->end || record - reading->end > PANIC_LINES_MAX)
		return false;
	for (size_t i = 0; i < WS_ARRAY_SIZE(of_task); i++)
		if (strstr(panic, of_task[i]))
			return true;
	return false;
}

/* By another task or processor, whose lines may stand between those of the oops. */
static bool is_others(const struct ws_log_record *record,
		      const struct ws_log_record *first)
{
	return !ws_is_kernels(record) || (record->has_caller && first->has_caller &&
					  record->caller != first->caller);
}

/* False: the oops is over, and what follows is not of it. */
static bool read_record(struct reading *reading, const struct ws_log *log, size_t record)
{
	struct ws_oops *oops = reading->oops;
	const char *text = log->records[record].text, *panic = strstr(text, PANIC);
	bool others = is_others(&log->records[record], &log->records[oops->record]);

	if (panic && ws_is_kernels(&log->records[record])) {
		oops->panicked = !others && is_own_panic(reading, record, panic);
		return false;
	}
	if (others)
		return true;
	if (record == oops->record)
		reading->is_numbered = is_numbered(text);
	else if (begins_another(reading, text))
		return false;
	if (!reading->end && strstr(text, "---[ end trace"))
		reading->end = record;
	if (!reading->end && record - oops->record < LINES_MAX)
		take_line(reading, text);
	return true;
}

/* The one that begins there; the record behind it. */
static size_t read_one(struct ws_autopsy *autopsy, const struct ws_log *log,
		       size_t record, struct ws_oops *oops)
{
	struct reading reading = { .autopsy = autopsy, .oops = oops };

	*oops = (struct ws_oops){ .record = record };
	while (record < log->nrecords && read_record(&reading, log, record))
		record++;
	return record;
}

/*
 * Whether the kernel gave up later, because of something else: another oops, unless it was the
 * same once more, or none.
 */
static bool was_survived(struct ws_autopsy *autopsy, const struct ws_log *log,
			 const struct ws_oops *oops, size_t record)
{
	struct ws_oops last = { 0 };

	while (record < log->nrecords && !last.panicked) {
		const struct ws_log_record *line = &log->records[record];

		if (ws_is_kernels(line) && strstr(line->text, PANIC))
			last.panicked = true;
		else if (begins_here(line) && record != oops->record)
			record = read_one(autopsy, log, record, &last);
		else
			record++;
	}
	return last.panicked && !(last.has_ip && oops->has_ip && last.ip == oops->ip);
}

bool ws_oops_read(struct ws_autopsy *autopsy, const struct ws_log *log,
		  struct ws_oops *oops)
{
	size_t record = 0, behind;

	*oops = (struct ws_oops){ 0 };
	if (!log)
		return false;
	while (record < log->nrecords && !begins_here(&log->records[record]))
		record++;
	behind = read_one(autopsy, log, record, oops);
	oops->survived = !oops->panicked && was_survived(autopsy, log, oops, behind);
	return record < log->nrecords;
}
