/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reverse map: which spaces map a frame, at which addresses, with which rights. It is
 * made by one pass, a level at a time, in which each distinct table is read once:
 *
 *	space -> root ---edge---> table ---edge---> table ---> leaf -> frames
 *
 * A large page, which each process may map by an entry of its own, is a table of one leaf.
 *
 * A table is reached by ways: an address, rights, and the set of spaces that it is so in.
 * Thousands of spaces that share a kernel table are one way with one set. So the cost is
 * distinct tables and their entries, and a loop of tables ends, as walks do, with the levels.
 */
#ifndef WS_AUDIT_RMAP_H
#define WS_AUDIT_RMAP_H

#include "audit/rule.h"
#include "audit/space_sets.h"
#include "paging/format.h"

/* Neighbouring entries of one table that map neighbouring memory with the same rights. */
struct ws_rmap_leaf {
	uint64_t pa;    /* of the first */
	uint64_t entry; /* the first, as it is */
	uint32_t table; /* in ws_frame_map.tables */
	uint16_t index;
	uint16_t more; /* entries behind the first */
};

struct ws_rmap_way {
	uint64_t va; /* that the table's first entry rules */
	uint32_t set;
	uint8_t access; /* that those above it grant */
};

struct ws_rmap_table {
	uint64_t pa;
	uint64_t more; /* ways beyond those that are kept */
	uint32_t first_way;
	uint16_t nways;
	uint8_t level;
	bool is_page; /* a large page, and no table */
	bool is_read; /* the target has it, or a part of it */
};

struct ws_frame_map {
	struct ws_system *system;
	WS_VEC(struct ws_rmap_table) tables; /* by level, and in each by pa */
	WS_VEC(struct ws_rmap_way) ways;
	WS_VEC(struct ws_rmap_leaf) leaves; /* by pa */
	struct ws_space_sets sets;
	uint64_t *reach; /* of each leaf, the last byte that it or one before it maps */
	uint64_t nabsent,
		absent_pa; /* parts of tables that the target lacks; the first */
	uint64_t work;     /* entries and ways that were looked at */
	bool limited;      /* a bound was reached: there is more */
	WS_VEC(struct ws_frame_conflict) conflicts; /* once conflicts_done */
	bool conflicts_done;
};

/* One past the last byte that a leaf maps, less 1. */
uint64_t ws_rmap_last(const struct ws_frame_map *map, const struct ws_rmap_leaf *leaf);
/* What the leaf maps by one of its table's ways. */
void ws_rmap_mapping(const struct ws_frame_map *map, const struct ws_rmap_leaf *leaf,
		     const struct ws_rmap_way *way, struct ws_mapping *mapping);

#endif
