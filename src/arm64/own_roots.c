/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * idmap_pg_dir, tramp_pg_dir and reserved_pg_dir are pages right below swapper_pg_dir, in
 * that order (arch/arm64/kernel/vmlinux.lds.S; entry.S goes from one to the other by the
 * distance, TRAMP_SWAPPER_OFFSET in asm/memory.h). A kernel without
 * CONFIG_UNMAP_KERNEL_AT_EL0 has no tramp_pg_dir.
 */
#include "arm64/own_roots.h"

#include "linux/symtab.h"

static const struct {
	const char *symbol;
	unsigned pages; /* below swapper_pg_dir */
} places[] = {
	[ARM64_IDMAP] = { "idmap_pg_dir", 3 },
	[ARM64_TRAMP] = { "tramp_pg_dir", 2 },
	[ARM64_RESERVED] = { "reserved_pg_dir", 1 },
};

uint64_t arm64_page_size(const struct ws_system *system)
{
	const struct ws_format *format = system->paging.format;

	return WS_BIT(format->level[format->nlevels - 1].shift);
}

bool arm64_own_root(struct ws_system *system, enum arm64_own_root which,
		    struct arm64_root *root)
{
	uint64_t distance = places[which].pages * arm64_page_size(system);
	struct ws_symbol symbol;

	root->named = ws_symbol_lookup(system, places[which].symbol, &symbol) == WS_OK;
	if (root->named)
		return ws_kernel_translate(system, symbol.va, &root->pa) == WS_READ;
	ws_error_clear(system->ctx);
	/* of a kernel that has symbols of data and not this one, it is not there */
	if (ws_symbol_lookup(system, "swapper_pg_dir", &symbol) == WS_OK)
		return false;
	ws_error_clear(system->ctx);
	root->pa = system->layout.reference - distance;
	return !system->layout.consensus && system->layout.reference > distance;
}
