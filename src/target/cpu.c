/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A processor's registers by name, and which paging format the kernel says it uses. */
#include <limits.h>
#include <string.h>

#include "target/target.h"

const struct ws_format *ws_format_of_vmcoreinfo(const char *text)
{
	const struct ws_format *format = NULL;
	const struct ws_arch *arch;

	for (unsigned i = 0; !format && (arch = ws_arch_at(i)); i++)
		if (arch->format_of_vmcoreinfo)
			format = arch->format_of_vmcoreinfo(text);
	return format;
}

/* ---- registers by name ---- */

/* What follows a segment's name. */
static const char *const parts[WS_SEGMENT_PARTS] = {
	[WS_SEGMENT_SELECTOR] = "",
	[WS_SEGMENT_LIMIT] = ".limit",
	[WS_SEGMENT_FLAGS] = ".flags",
	[WS_SEGMENT_BASE] = ".base",
};

const struct ws_cpu *ws_target_cpu(const struct ws_target *target, size_t i)
{
	return i < target->cpus.n ? &target->cpus.v[i] : NULL;
}

const char *ws_cpu_register_at(const struct ws_cpu *cpu, unsigned i,
			       enum ws_register_group *group)
{
	unsigned n;
	const struct ws_register *row = cpu->arch->registers(cpu->word, &n);

	for (unsigned number = 0; number < n; number++)
		if (row[number].name && !i--) {
			*group = row[number].group;
			return row[number].name;
		}
	return NULL;
}

/* Whether name is that of the row's register, or of a part of it: which one. */
static bool is_called(const struct ws_register *row, const char *name, unsigned *part)
{
	size_t len = row->name ? strlen(row->name) : 0;
	unsigned nparts = row->group == WS_REGISTER_SEGMENT ? WS_SEGMENT_PARTS : 1;

	if (!len || strncmp(row->name, name, len) != 0)
		return false;
	for (*part = 0; *part < nparts; ++*part)
		if (!strcmp(name + len, parts[*part]))
			return true;
	return false;
}

/* The number of the register with that name; UINT_MAX: there is none. */
static unsigned number_of(const struct ws_cpu *cpu, const char *name)
{
	unsigned n, part;
	const struct ws_register *row = cpu->arch->registers(cpu->word, &n);

	for (unsigned number = 0; number < n; number++)
		if (is_called(&row[number], name, &part))
			return number + part;
	return UINT_MAX;
}

bool ws_cpu_register(const struct ws_cpu *cpu, const char *name, uint64_t *value)
{
	unsigned number = number_of(cpu, name);

	if (number == UINT_MAX)
		return false;
	*value = cpu->reg[number];
	return ws_cpu_knows(cpu, number);
}

bool ws_cpu_set_register(struct ws_cpu *cpu, const char *name, uint64_t value)
{
	unsigned number = number_of(cpu, name);

	if (number != UINT_MAX)
		ws_cpu_set(cpu, number, value);
	return number != UINT_MAX;
}

/* The row of a monitor's name for one, whole; NULL: there is none. */
static const struct ws_monitor_register *monitor_row(const struct ws_cpu *cpu,
						     const char *name)
{
	const struct ws_monitor_register *row = cpu->arch->monitor_registers;

	while (row && row->name && (row->index >= 0 || strcmp(row->name, name) != 0))
		row++;
	return row && row->name ? row : NULL;
}

bool ws_cpu_find_register(const struct ws_cpu *cpu, const char *name, unsigned *number)
{
	const struct ws_monitor_register *row = monitor_row(cpu, name);

	*number = row ? row->number : number_of(cpu, name);
	return *number != UINT_MAX;
}

bool ws_cpu_is_segment(const struct ws_cpu *cpu, unsigned number)
{
	unsigned n;
	const struct ws_register *row = cpu->arch->registers(cpu->word, &n);

	return number < n && row[number].name && row[number].group == WS_REGISTER_SEGMENT;
}

const char *ws_cpu_root_register(const struct ws_cpu *cpu)
{
	return cpu->arch->root_register;
}
