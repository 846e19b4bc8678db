/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/hints.h"

#include <string.h>

#include "linux/map_evidence.h"

/* Keeps the map if it is of this kernel; WS_ERR_NOT_FOUND: it is not, or no map. */
static enum ws_status take(struct ws_system *system, const char *path,
			   ws_map_read_fn *read)
{
	struct ws_map_evidence evidence;
	struct ws_symtab *map;
	enum ws_status status;

	if (!path)
		return WS_ERR_NOT_FOUND;
	status = ws_map_load(system->ctx, path, read, &map);
	if (status)
		return status;
	status = ws_map_weigh(system, map, &evidence);
	if (!status && !ws_map_is_shown(&evidence))
		status = WS_ERR_NOT_FOUND;
	if (status) {
		ws_symtab_destroy(map);
		return status;
	}
	system->hints = map;
	system->hints_shift = evidence.shift;
	return WS_OK;
}

enum ws_status ws_hints_load(struct ws_system *system)
{
	enum ws_status status =
		take(system, system->options.system_map, ws_system_map_read);

	if (status != WS_OK && status != WS_ERR_SYSTEM) {
		ws_error_clear(system->ctx);
		status = take(system, system->options.vmlinux, ws_vmlinux_read);
	}
	if (status == WS_ERR_SYSTEM)
		return status;
	ws_error_clear(system->ctx);
	return WS_OK;
}

bool ws_hint(const struct ws_system *system, const char *name, uint64_t *va)
{
	uint32_t entry = system->hints
				 ? ws_symtab_first(system->hints, name, strlen(name))
				 : WS_NO_ENTRY;

	if (entry == WS_NO_ENTRY)
		return false;
	*va = ws_map_moved(system, system->hints_shift,
			   system->hints->entries.v[entry].va);
	return true;
}
