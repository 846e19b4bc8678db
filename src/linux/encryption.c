/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where memory is encrypted, one bit of each entry and of the register that holds a root
 * may say whose key it has, and be no part of the address. A format is data, so what is
 * walked is a copy of it without that bit.
 */
#include "linux/linux.h"

static void leave_bit(struct ws_format *format, struct ws_attribute aside)
{
	uint64_t bit = aside.bit;

	format->aside = aside;
	format->root_mask &= ~bit;
	for (unsigned l = 0; l < format->nlevels; l++)
		for (struct ws_row *row = format->level[l].row; row->kind != WS_ROW_NONE;
		     row++)
			for (unsigned i = 0; i < WS_ARRAY_SIZE(row->address); i++)
				row->address[i].mask &= ~bit;
}

static struct ws_attribute find_bit(const struct ws_system *system)
{
	const struct ws_arch_linux *on_linux = ws_on_linux(system);

	return on_linux && on_linux->encryption ? on_linux->encryption(system)
						: (struct ws_attribute){ 0 };
}

void ws_set_format(struct ws_system *system, const struct ws_format *format)
{
	system->format = system->paging.format = format;
	system->paging.no_execute = format && format->no_execute;
	system->paging.emulated = true;
	system->encryption = format ? find_bit(system) : (struct ws_attribute){ 0 };
	if (!system->encryption.bit)
		return;
	system->encrypted = *format;
	leave_bit(&system->encrypted, system->encryption);
	system->paging.format = &system->encrypted;
}
