/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one list of architectures, and of the paging formats that they have. */
#include <stdio.h>
#include <string.h>

#include "arch/arch.h"

extern const struct ws_arch ws_arch_x86, ws_arch_arm, ws_arch_arm64, ws_arch_riscv;

static const struct ws_arch *const arches[] = { &ws_arch_x86, &ws_arch_arm,
						&ws_arch_arm64, &ws_arch_riscv };

const struct ws_arch *ws_arch_at(unsigned i)
{
	return i < WS_ARRAY_SIZE(arches) ? arches[i] : NULL;
}

/* i-th machine of all architectures; NULL past the last. */
static const struct ws_machine_type *machine_at(unsigned i, const struct ws_arch **arch)
{
	for (size_t a = 0; a < WS_ARRAY_SIZE(arches); a++)
		for (const struct ws_machine_type *m = arches[a]->machines; m && m->elf;
		     m++)
			if (!i--) {
				*arch = arches[a];
				return m;
			}
	return NULL;
}

const struct ws_machine_type *ws_machine_of_elf(uint16_t elf, const struct ws_arch **arch)
{
	const struct ws_machine_type *machine;

	for (unsigned i = 0; (machine = machine_at(i, arch)); i++)
		if (machine->elf == elf)
			break;
	return machine;
}

bool ws_is_machine_name(const char *name, size_t size)
{
	const struct ws_machine_type *machine;
	const struct ws_arch *arch;

	for (unsigned i = 0; (machine = machine_at(i, &arch)); i++)
		for (const char *const *uts = machine->uts; *uts; uts++)
			if (!strncmp(*uts, name, size))
				return true;
	return false;
}

const char *ws_machine_names(char text[static WS_MACHINE_NAMES])
{
	const struct ws_machine_type *machine;
	const struct ws_arch *arch;
	size_t n = 0;

	for (unsigned i = 0; (machine = machine_at(i, &arch)) && n < WS_MACHINE_NAMES;
	     i++)
		n += (size_t)snprintf(text + n, WS_MACHINE_NAMES - n, "%s%s (%u)",
				      !i                         ? ""
				      : machine_at(i + 1, &arch) ? ", "
								 : " or ",
				      machine->name, machine->elf);
	return text;
}

const struct ws_arch *ws_arch_of(const struct ws_format *format)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(arches); i++)
		for (unsigned k = 0; arches[i]->formats[k]; k++)
			if (arches[i]->formats[k]->name == format->name)
				return arches[i];
	return NULL;
}

const struct ws_linux_layout *ws_linux_layout_of(const struct ws_format *format)
{
	const struct ws_arch *arch = ws_arch_of(format);
	const struct ws_linux_layout *row =
		arch->on_linux ? arch->on_linux->layouts : NULL;

	while (row && row->format && row->format->name != format->name)
		row++;
	return row && row->format ? row : NULL;
}

const char *ws_manual_at(unsigned i)
{
	return i < WS_ARRAY_SIZE(arches) ? arches[i]->manual : NULL;
}

const struct ws_term *ws_term_at(unsigned i, const char *word)
{
	const struct ws_term *term = i < WS_ARRAY_SIZE(arches) ? arches[i]->terms : NULL;

	while (term && term->word && strcmp(term->word, word) != 0)
		term++;
	return term && term->word ? term : NULL;
}

const struct ws_format *ws_format_at(unsigned i)
{
	for (size_t a = 0; a < WS_ARRAY_SIZE(arches); a++)
		for (unsigned k = 0; arches[a]->formats[k]; k++)
			if (!i--)
				return arches[a]->formats[k];
	return NULL;
}

const struct ws_format *ws_format_by_name(const char *name)
{
	const struct ws_format *format;

	for (unsigned i = 0; (format = ws_format_at(i)); i++)
		if (!strcmp(format->name, name))
			return format;
	return NULL;
}
