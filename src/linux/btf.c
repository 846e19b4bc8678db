/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * BTF as the kernel carries it in its image (include/uapi/linux/btf.h), where
 * CONFIG_DEBUG_INFO_BTF is on: amd64 in Debian, not i386.
 *
 * Not by libbpf: it indexes every type to answer for five structs, and as Debian 12 has
 * it (1.1) it takes member types and names as they come, which is no way to treat bytes
 * of a dump. This walks the types once, each length checked.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/members.h"
#include "util/bits.h"
#include "util/cleanup.h"

#define BTF_MAGIC_AND_VERSION UINT32_C(0x0001eb9f) /* no flags */
#define BTF_HEADER 24
#define SECTION_MIN 1000 /* the kernel's own; a header alone may be anything */
#define SECTION_MAX (UINT32_C(64) << 20)
/* Anonymous structs within each other, and members in all: types may form circles. */
#define DEPTH_MAX 8
#define MEMBERS_MAX 100000

enum btf_kind {
	BTF_INT = 1,
	BTF_ARRAY = 3,
	BTF_STRUCT,
	BTF_UNION,
	BTF_ENUM,
	BTF_FUNC_PROTO = 13,
	BTF_VAR,
	BTF_DATASEC,
	BTF_DECL_TAG = 17,
	BTF_ENUM64 = 19,
	BTF_KINDS
};

/* What follows the 12 bytes of every type: fixed bytes, and so many for each element. */
static const struct {
	uint8_t fixed, each;
} tail[BTF_KINDS] = {
	/* clang-format off */
	[BTF_INT]        = { 4, 0 },
	[BTF_ARRAY]      = { 12, 0 },
	[BTF_STRUCT]     = { 0, 12 },
	[BTF_UNION]      = { 0, 12 },
	[BTF_ENUM]       = { 0, 8 },
	[BTF_FUNC_PROTO] = { 0, 8 },
	[BTF_VAR]        = { 4, 0 },
	[BTF_DATASEC]    = { 0, 12 },
	[BTF_DECL_TAG]   = { 4, 0 },
	[BTF_ENUM64]     = { 0, 12 },
	/* clang-format on */
};

struct btf {
	uint64_t va; /* of the header */
	uint32_t header, type_off, type_len, str_off, str_len;
	const uint8_t *types;
	const char *strings;
	WS_VEC(uint32_t) type; /* type[id - 1]: its offset in types */
	unsigned members_left;
};

/* ---- where it lies ---------------------------------------------------------------- */

struct hunt {
	struct ws_system *system;
	struct btf *btf;
};

static bool section_valid(uint32_t off, uint32_t len)
{
	return len >= SECTION_MIN && len <= SECTION_MAX && off <= SECTION_MAX;
}

static bool header_read(struct ws_system *system, uint64_t va, struct btf *btf)
{
	uint8_t header[BTF_HEADER];

	if (ws_system_read(system, va, header, sizeof(header)) != WS_READ)
		return false;
	btf->va = va;
	btf->header = ws_le32(header + 4);
	btf->type_off = ws_le32(header + 8);
	btf->type_len = ws_le32(header + 12);
	btf->str_off = ws_le32(header + 16);
	btf->str_len = ws_le32(header + 20);
	return btf->header >= BTF_HEADER && btf->header <= WS_FRAME_SIZE &&
	       section_valid(btf->type_off, btf->type_len) &&
	       section_valid(btf->str_off, btf->str_len);
}

static bool hunt_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct hunt *hunt = arg;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += 4)
		if (ws_le32(frame + at) == BTF_MAGIC_AND_VERSION &&
		    header_read(hunt->system, va + at, hunt->btf))
			return false;
	hunt->btf->va = 0;
	return true;
}

/* ---- types ------------------------------------------------------------------------ */

static const char *name_of(const struct btf *btf, uint32_t offset)
{
	return offset < btf->str_len ? btf->strings + offset : "";
}

/* Notes where each type begins, as far as they can be distinguished. */
static bool types_index(struct btf *btf)
{
	uint32_t at = 0;

	while (btf->type_len - at >= 12) {
		uint32_t info = ws_le32(btf->types + at + 4);
		uint32_t kind = info >> 24 & 0x1f, n = info & 0xffff;
		uint32_t *offset, size;

		if (!kind || kind >= BTF_KINDS)
			return true;
		size = 12 + tail[kind].fixed + tail[kind].each * n;
		if (size > btf->type_len - at)
			return true;
		offset = ws_vec_push(&btf->type);
		if (!offset)
			return false;
		*offset = at;
		at += size;
	}
	return true;
}

/* The members of the struct or union at types + at, those of anonymous ones too. */
static void take_members(struct btf *btf, uint32_t at, const char *type, uint64_t base,
			 unsigned depth, struct ws_members *members)
{
	uint32_t info = ws_le32(btf->types + at + 4), kind = info >> 24 & 0x1f;

	if (depth > DEPTH_MAX || (kind != BTF_STRUCT && kind != BTF_UNION))
		return;
	for (uint32_t i = 0; i < (info & 0xffff) && btf->members_left; i++) {
		const uint8_t *member = btf->types + at + 12 + 12 * (size_t)i;
		const char *name = name_of(btf, ws_le32(member));
		uint32_t id = ws_le32(member + 4), bits = ws_le32(member + 8);

		btf->members_left--;
		if (info >> 31) /* kind_flag: the top byte is a bit field's width */
			bits &= 0xffffff;
		if (*name)
			ws_members_take(members, type, name, base + bits);
		else if (id && id <= btf->type.n)
			take_members(btf, btf->type.v[id - 1], type, base + bits,
				     depth + 1, members);
	}
}

static void take_structs(struct btf *btf, struct ws_members *members)
{
	ws_vec_each(&btf->type, at) {
		uint32_t kind = ws_le32(btf->types + *at + 4) >> 24 & 0x1f;
		const char *name = name_of(btf, ws_le32(btf->types + *at));

		if (kind != BTF_STRUCT || !ws_members_want(name))
			continue;
		take_members(btf, *at, name, 0, 0, members);
		members->source = "BTF";
	}
}

/* Both sections into one copy, which the caller frees; NULL: memory is short. */
static enum ws_status sections_copy(struct ws_system *system, struct btf *btf,
				    uint8_t **copy)
{
	uint64_t first = btf->va & -(uint64_t)WS_FRAME_SIZE;
	size_t head = btf->va - first + btf->header;
	size_t types_end = (size_t)btf->type_off + btf->type_len;
	size_t strings_end = (size_t)btf->str_off + btf->str_len;
	size_t len = head + (types_end > strings_end ? types_end : strings_end);

	*copy = calloc(1, len);
	if (!*copy)
		return ws_fail_memory(system->ctx);
	btf->types = *copy + head + btf->type_off;
	btf->strings = (const char *)*copy + head + btf->str_off;
	return ws_search_copy(system, first, *copy, len);
}

enum ws_status ws_btf_members(struct ws_system *system, struct ws_members *members)
{
	ws_autofree uint8_t *copy = NULL;
	struct btf btf = { .members_left = MEMBERS_MAX };
	struct hunt hunt = { system, &btf };
	enum ws_status status;

	status = ws_search(system, system->layout.image_first, system->layout.image_last,
			   WS_SEARCH_CONSTANTS, hunt_frame, &hunt);
	if (status || !btf.va)
		return status;
	status = sections_copy(system, &btf, &copy);
	if (status)
		return status;
	/* every name ends: the last one as well */
	copy[btf.strings - (const char *)copy + btf.str_len - 1] = '\0';
	if (!types_index(&btf))
		status = ws_fail_memory(system->ctx);
	else
		take_structs(&btf, members);
	ws_vec_release(&btf.type);
	return status;
}
