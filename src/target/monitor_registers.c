/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers as QEMU's human monitor prints them (`info registers -a`; QEMU
 * target/ARCH/cpu*.c, *_cpu_dump_state()): for each processor a line "CPU#N", and then
 *
 *	RAX=0000000000000060 R8 =ffffffffc04036f7	NAME=VALUE
 *	TR =0040 fffffe0000003000 00004087 00008900	a segment: selector, base, limit, flags
 *	GDT=     fffffe0000001000 0000007f		a table of them: base, limit
 *	 satp     8000000000080fff			RISC-V: NAME VALUE, or xN/NAME VALUE
 *
 * in hexadecimal with small letters, among which is much else.
 */
#include "target/monitor.h"

#include <ctype.h>
#include <string.h>

#include "util/number.h"

#define CPUS_MAX 4096u
#define NAME_SIZE 16
#define VALUES 4
#define REGISTERS_MIN 8 /* that a processor of an architecture which is known has */

/* A word of the text, of a line. */
struct word {
	const char *at;
	size_t len;
};

static struct word next_word(const char **at, const char *end)
{
	struct word word;

	while (*at < end && isspace((unsigned char)**at))
		++*at;
	word.at = *at;
	while (*at < end && !isspace((unsigned char)**at) && **at != '=')
		++*at;
	word.len = (size_t)(*at - word.at);
	return word;
}

static bool is_value(const struct word *word, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < word->len; i++) {
		char c = word->at[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		*value = *value << 4 | ws_digit(c);
	}
	return word->len && word->len <= 16;
}

/* In small letters, without what stands before a slash, and zeros before a number. */
static void name_of(const struct word *word, char name[static NAME_SIZE])
{
	const char *slash = memchr(word->at, '/', word->len);
	const char *from = slash ? slash + 1 : word->at, *end = word->at + word->len;
	size_t n = 0;

	for (; from < end && n + 1 < NAME_SIZE; from++)
		if (*from != '0' || (n && isdigit((unsigned char)name[n - 1])) ||
		    from + 1 == end || !isdigit((unsigned char)from[1]))
			name[n++] = (char)tolower((unsigned char)*from);
	name[n] = '\0';
}

static bool set(struct ws_cpu *cpu, const struct word *word, const uint64_t *value,
		unsigned n)
{
	char name[NAME_SIZE];
	unsigned number;

	if (!n || !word->len) /* a line may begin with the sign itself */
		return false;
	name_of(word, name);
	if (!ws_cpu_find_register(cpu, name, &number))
		return false;
	if (ws_cpu_is_segment(cpu, number) && n >= 4) {
		ws_cpu_set(cpu, number + WS_SEGMENT_SELECTOR, value[0]);
		ws_cpu_set(cpu, number + WS_SEGMENT_FLAGS, value[3]);
	}
	if (ws_cpu_is_segment(cpu, number) && n >= 2) {
		ws_cpu_set(cpu, number + WS_SEGMENT_BASE, value[n >= 4]);
		ws_cpu_set(cpu, number + WS_SEGMENT_LIMIT, value[1 + (n >= 4)]);
		return true;
	}
	ws_cpu_set(cpu, number, value[0]);
	return true;
}

/* NAME=VALUE...; how many registers are set. */
static unsigned take_assignments(struct ws_cpu *cpu, const char *at, const char *end)
{
	struct word name = { 0 };
	unsigned nset = 0;

	while (at < end) {
		struct word word = next_word(&at, end);
		uint64_t value[VALUES];
		unsigned n = 0;

		while (at < end && isspace((unsigned char)*at))
			at++;
		if (word.len)
			name = word;
		if (at == end || *at != '=')
			continue;
		for (at++; n < VALUES && at < end; n++) {
			const char *before = at;

			word = next_word(&at, end);
			if ((at < end && *at == '=') || !is_value(&word, &value[n])) {
				at = before;
				break;
			}
		}
		nset += set(cpu, &name, value, n);
	}
	return nset;
}

static unsigned take_pairs(struct ws_cpu *cpu, const char *at, const char *end)
{
	unsigned nset = 0;

	while (at < end) {
		struct word name = next_word(&at, end), word = next_word(&at, end);
		uint64_t value;

		if (!is_value(&word, &value))
			return nset;
		nset += set(cpu, &name, &value, 1);
	}
	return nset;
}

static unsigned take_text(struct ws_cpu *cpu, const char *at, const char *end)
{
	unsigned nset = 0;

	while (at < end) {
		const char *line = at;
		size_t len = strcspn(at, "\n");

		at = line + len < end ? line + len + 1 : end;
		nset += memchr(line, '=', len) ? take_assignments(cpu, line, line + len)
					       : take_pairs(cpu, line, line + len);
	}
	return nset;
}

/* Others have registers of the same names: R0 to R15 are also the S/390's. */
static bool has_mark(const struct ws_arch *arch, const char *at, const char *end)
{
	return arch->monitor_mark && memmem(at, (size_t)(end - at), arch->monitor_mark,
					    strlen(arch->monitor_mark));
}

/* Of the architecture that knows most of its registers. NULL: none knows enough. */
static const struct ws_arch *arch_of(const char *at, const char *end)
{
	const struct ws_arch *arch, *best = NULL;
	unsigned most = REGISTERS_MIN - 1;

	for (unsigned i = 0; (arch = ws_arch_at(i)); i++) {
		struct ws_cpu cpu = { .arch = arch };
		unsigned n = arch->registers && has_mark(arch, at, end)
				     ? take_text(&cpu, at, end)
				     : 0;

		if (n > most) {
			most = n;
			best = arch;
		}
	}
	return best;
}

static const char *next_cpu(const char *text)
{
	const char *at = strstr(text, "CPU#");

	while (at && at > text && at[-1] != '\n')
		at = strstr(at + 1, "CPU#");
	return at;
}

static enum ws_status unknown_registers(struct ws_target *target)
{
	return ws_target_add_note(
		target,
		"the registers that the monitor prints (info registers -a) are of no "
		"processor that is known: they are unknown");
}

enum ws_status ws_read_monitor_registers(struct ws_target *target, const char *text)
{
	const char *at = next_cpu(text), *end;

	for (; at && target->cpus.n < CPUS_MAX; at = *end ? end : NULL) {
		struct ws_cpu *cpu;

		at += strcspn(at, "\n");
		end = next_cpu(at);
		if (!end)
			end = at + strlen(at);
		if (!target->arch)
			target->arch = arch_of(at, end);
		if (!target->arch)
			break;
		cpu = ws_vec_push(&target->cpus);
		if (!cpu)
			return ws_fail_memory(target->ctx);
		*cpu = (struct ws_cpu){ .arch = target->arch };
		take_text(cpu, at, end);
	}
	return target->cpus.n ? WS_OK : unknown_registers(target);
}
