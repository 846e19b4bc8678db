/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DWARF of an ELF kernel, for nothing but the members that the inference has found:
 * what one compilation unit says suffices, so this stops at the first that says it all
 * (libdw reads the units one by one; all of a kernel's take seconds).
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "linux/members.h"
#include "util/cleanup.h"

/* Some hundred units: what none of them says (no CONFIG_MODULES), none will. */
#define ENTRIES_MAX 2000000
#define DEPTH_MAX 8 /* anonymous structs within each other */

WS_DEFINE_CLEANUP(dwarf_endp, Dwarf *, dwarf_end)

struct taking {
	struct ws_members *members;
	const char *type;
	unsigned left; /* entries that may still be looked at */
};

static bool first_child(struct taking *taking, Dwarf_Die *parent, Dwarf_Die *child)
{
	return taking->left && dwarf_child(parent, child) == 0;
}

static bool next_sibling(struct taking *taking, Dwarf_Die *child)
{
	return --taking->left && dwarf_siblingof(child, child) == 0;
}

static void take_members(struct taking *taking, Dwarf_Die *type, uint64_t base,
			 unsigned depth);

static void take_member(struct taking *taking, Dwarf_Die *member, uint64_t base,
			unsigned depth)
{
	const char *name = dwarf_diename(member);
	Dwarf_Attribute attribute;
	Dwarf_Word offset = 0; /* a union's members have none */
	Dwarf_Die type;

	if (dwarf_attr(member, DW_AT_data_member_location, &attribute) &&
	    dwarf_formudata(&attribute, &offset))
		return;
	if (name)
		ws_members_take(taking->members, taking->type, name, (base + offset) * 8);
	else if (depth < DEPTH_MAX && dwarf_attr(member, DW_AT_type, &attribute) &&
		 dwarf_formref_die(&attribute, &type))
		take_members(taking, &type, base + offset, depth + 1);
}

static void take_members(struct taking *taking, Dwarf_Die *type, uint64_t base,
			 unsigned depth)
{
	Dwarf_Die member;

	if (!first_child(taking, type, &member))
		return;
	do {
		if (dwarf_tag(&member) == DW_TAG_member)
			take_member(taking, &member, base, depth);
	} while (next_sibling(taking, &member));
}

static void take_unit(struct taking *taking, Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (!first_child(taking, unit, &die))
		return;
	do {
		if (dwarf_tag(&die) != DW_TAG_structure_type ||
		    dwarf_hasattr(&die, DW_AT_declaration))
			continue;
		taking->type = dwarf_diename(&die);
		if (!taking->type || !ws_members_want(taking->type))
			continue;
		take_members(taking, &die, 0, 0);
		taking->members->source = "DWARF";
	} while (next_sibling(taking, &die));
}

enum ws_status ws_dwarf_members(struct ws_context *ctx, const char *path,
				struct ws_members *members)
{
	ws_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ws_cleanup(dwarf_endp) Dwarf *dwarf = NULL;
	struct taking taking = { .members = members, .left = ENTRIES_MAX };
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	if (fd < 0)
		return ws_fail(ctx, WS_ERR_UNREADABLE, "%s: %s", path, strerror(errno));
	dwarf = dwarf_begin(fd, DWARF_C_READ);
	if (!dwarf) /* it has symbols only */
		return WS_OK;
	while (taking.left && !ws_members_complete(members) &&
	       dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
		take_unit(&taking, &unit);
	return WS_OK;
}
