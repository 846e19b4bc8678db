/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/rmap.h"

#include <stdlib.h>
#include <string.h>

#include "audit/tour.h"
#include "util/cleanup.h"
#include "util/sorted.h"

/* An espfix page is mapped 65,536 times: of a table's ways so many are kept. */
#define WAYS_MAX 64
/* Hostile tables lead to one another in every way that there is. */
#define WORK_MAX (UINT64_C(1) << 30)
#define EDGES_MAX (UINT32_C(1) << 24) /* of one level: 400 MB */
#define LEAVES_MAX (UINT32_C(1) << 25)

/* An entry that leads to a table. */
struct edge {
	uint64_t child, entry;
	uint32_t parent, index;
};
typedef WS_VEC(struct edge) edge_vec;

/* The ways of one table, while the entries that lead to it are gone through. */
struct gathering {
	struct ws_rmap_way way[WAYS_MAX];
	bool is_mixed[WAYS_MAX]; /* of several sets: of what its bits say */
	uint64_t *bits;          /* `words` for each way */
	size_t words;
	unsigned n;
	uint64_t more;
};

struct making {
	struct ws_frame_map *map;
	const struct ws_format *format;
	struct gathering gathering;
	edge_vec edges; /* that lead from this level to the next */
	edge_vec pages; /* and entries of this level that map a large page */
	uint64_t same;  /* bits that entries alike have alike, of this level */
	bool short_of_memory;
};

/* ---- ways --------------------------------------------------------------------------- */

static uint64_t *bits_of(const struct gathering *g, unsigned i)
{
	return g->bits + i * g->words;
}

static void mix(const struct ws_space_sets *sets, struct gathering *g, unsigned i,
		uint32_t set)
{
	if (g->way[i].set == set && !g->is_mixed[i])
		return;
	if (!g->is_mixed[i]) {
		memset(bits_of(g, i), 0, g->words * sizeof(*g->bits));
		ws_space_sets_add_to(sets, g->way[i].set, bits_of(g, i));
	}
	g->is_mixed[i] = true;
	ws_space_sets_add_to(sets, set, bits_of(g, i));
}

static void gather(struct making *making, const struct ws_rmap_way *way)
{
	struct gathering *g = &making->gathering;

	making->map->work++;
	for (unsigned i = g->n; i-- > 0;)
		if (g->way[i].va == way->va && g->way[i].access == way->access) {
			mix(&making->map->sets, g, i, way->set);
			return;
		}
	if (g->n < WAYS_MAX && making->map->work < WORK_MAX) {
		g->is_mixed[g->n] = false;
		g->way[g->n++] = *way;
	} else {
		g->more++;
	}
}

/* What was gathered are the ways of a new table, or of a large page. */
static void finish_table(struct making *making, uint64_t pa, unsigned level, bool is_page)
{
	struct ws_frame_map *map = making->map;
	struct gathering *g = &making->gathering;
	struct ws_rmap_table *table =
		map->tables.n < WS_TOUR_TABLES ? ws_vec_push(&map->tables) : NULL;

	map->limited |= map->tables.n == WS_TOUR_TABLES;
	making->short_of_memory |= !table && !map->limited;
	if (table)
		*table = (struct ws_rmap_table){ .pa = pa,
						 .more = g->more,
						 .first_way = (uint32_t)map->ways.n,
						 .nways = (uint16_t)g->n,
						 .level = (uint8_t)level,
						 .is_page = is_page };
	for (unsigned i = 0; table && i < g->n; i++) {
		struct ws_rmap_way *way = ws_vec_push(&map->ways);

		if (g->is_mixed[i])
			g->way[i].set =
				ws_space_sets_of(&map->sets, bits_of(g, i), g->words);
		if (way)
			*way = g->way[i];
		making->short_of_memory |= !way || way->set == UINT32_MAX;
	}
	g->n = 0;
	g->more = 0;
}

/* ---- one table's entries ------------------------------------------------------------ */

/* Of a page that several entries map, each has its part. */
static uint64_t leaf_pa(const struct ws_level *level, const struct ws_row *row,
			uint64_t entry, uint32_t index)
{
	return ws_row_address(row, entry) +
	       (((uint64_t)index << level->shift) & (WS_BIT(row->page_shift) - 1));
}

static bool goes_on(const struct making *making, const struct ws_rmap_leaf *leaf,
		    const struct ws_rmap_leaf *next, uint64_t size)
{
	return leaf->table == next->table &&
	       leaf->index + leaf->more + 1u == next->index &&
	       leaf->pa + (leaf->more + 1) * size == next->pa &&
	       !((leaf->entry ^ next->entry) & making->same);
}

static void add_leaf(struct making *making, const struct ws_level *level,
		     const struct ws_row *row, uint32_t table, uint32_t index,
		     uint64_t entry)
{
	struct ws_frame_map *map = making->map;
	struct ws_rmap_leaf leaf = { .pa = leaf_pa(level, row, entry, index),
				     .entry = entry,
				     .table = table,
				     .index = (uint16_t)index };
	struct ws_rmap_leaf *last =
		map->leaves.n ? &map->leaves.v[map->leaves.n - 1] : NULL;

	if (last && goes_on(making, last, &leaf, WS_BIT(level->shift))) {
		last->more++;
		return;
	}
	if (map->leaves.n == LEAVES_MAX) {
		map->limited = true;
		return;
	}
	last = ws_vec_push(&map->leaves);
	if (last)
		*last = leaf;
	making->short_of_memory |= !last;
}

static void add_edge(struct making *making, edge_vec *to, const struct edge *edge)
{
	struct edge *added;

	if (to->n == EDGES_MAX) {
		making->map->limited = true;
		return;
	}
	added = ws_vec_push(to);
	if (added)
		*added = *edge;
	making->short_of_memory |= !added;
}

static void read_part(struct making *making, uint32_t table,
		      const struct ws_table_part *part, const uint8_t *bytes)
{
	const struct ws_format *format = making->format;
	const struct ws_level *level = &format->level[making->map->tables.v[table].level];

	for (uint32_t i = 0; i < part->count; i++) {
		uint64_t entry = ws_load_entry(bytes + ((size_t)i << format->entry_log2),
					       0, format->entry_log2);
		const struct ws_row *row =
			entry & format->present ? ws_row_of(level, entry) : NULL;

		struct edge edge = { .entry = entry & ~format->touched,
				     .parent = table,
				     .index = part->first + i };

		if (!row)
			continue;
		if (row->kind == WS_ROW_TABLE) {
			edge.child = ws_row_address(row, entry);
			add_edge(making, &making->edges, &edge);
		} else if (level == &format->level[format->nlevels - 1]) {
			add_leaf(making, level, row, table, edge.index, entry);
		} else {
			edge.child = leaf_pa(level, row, entry, edge.index);
			add_edge(making, &making->pages, &edge);
		}
	}
	making->map->work += part->count;
}

static void read_table(struct making *making, uint32_t table)
{
	struct ws_frame_map *map = making->map;
	struct ws_table_part part = { .pa = map->tables.v[table].pa };
	unsigned level = map->tables.v[table].level;
	uint8_t scratch[WS_FRAME_SIZE];
	const uint8_t *frame;

	while (ws_table_next(making->format, level, &part)) {
		if (ws_peek_table(map->system, part.pa, scratch, &frame) == WS_READ) {
			map->tables.v[table].is_read = true;
			read_part(making, table, &part, frame + part.pa % WS_FRAME_SIZE);
		} else if (!map->nabsent++) {
			map->absent_pa = part.pa;
		}
	}
}

/* ---- level by level ----------------------------------------------------------------- */

static int by_child(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;

	if (a->child != b->child)
		return a->child < b->child ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return (a->parent > b->parent) - (a->parent < b->parent);
}

/* The ways of an entry's table, each one step on. */
static void gather_edge(struct making *making, const struct edge *edge)
{
	const struct ws_frame_map *map = making->map;
	const struct ws_rmap_table *parent = &map->tables.v[edge->parent];
	const struct ws_level *level = &making->format->level[parent->level];
	const struct ws_row *row = ws_row_of(level, edge->entry);

	making->gathering.more += parent->more;
	for (unsigned i = 0; i < parent->nways; i++) {
		struct ws_rmap_way way = map->ways.v[parent->first_way + i];

		way.va = ws_canonical(making->format,
				      way.va + ((uint64_t)edge->index << level->shift));
		way.access &= (uint8_t)~ws_row_denied(row, edge->entry, way.access);
		gather(making, &way);
	}
}

static void make_tables(struct making *making, unsigned level)
{
	edge_vec *edges = &making->edges;

	if (edges->n)
		qsort(edges->v, edges->n, sizeof(*edges->v), by_child);
	for (size_t i = 0; i < edges->n && !making->short_of_memory; i++) {
		gather_edge(making, &edges->v[i]);
		if (i + 1 == edges->n || edges->v[i + 1].child != edges->v[i].child)
			finish_table(making, edges->v[i].child, level, false);
	}
	edges->n = 0;
}

static int by_page(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;

	if (a->child == b->child && a->entry != b->entry)
		return a->entry < b->entry ? -1 : 1;
	return by_child(left, right);
}

/* Entries alike that map the same are one page, whosever they are. */
static void make_pages(struct making *making, unsigned number)
{
	const struct ws_level *level = &making->format->level[number];
	edge_vec *pages = &making->pages;

	if (pages->n)
		qsort(pages->v, pages->n, sizeof(*pages->v), by_page);
	for (size_t i = 0; i < pages->n && !making->short_of_memory; i++) {
		const struct edge *edge = &pages->v[i];

		gather_edge(making, edge);
		if (i + 1 < pages->n && edge[1].child == edge->child &&
		    edge[1].entry == edge->entry)
			continue;
		finish_table(making, edge->child, number, true);
		if (!making->short_of_memory && !making->map->limited)
			add_leaf(making, level, ws_row_of(level, edge->entry),
				 (uint32_t)making->map->tables.n - 1, edge->index,
				 edge->entry);
	}
	pages->n = 0;
}

static void read_level(struct making *making, unsigned number, uint32_t first)
{
	const struct ws_level *level = &making->format->level[number];

	making->same = ~(ws_address_bits(level) | making->format->touched);
	for (uint32_t t = first; t < making->map->tables.n && !making->short_of_memory;
	     t++)
		if (!making->map->tables.v[t].is_page)
			read_table(making, t);
}

/* As an edge that leads to each root, whose parent is the space. */
static void add_roots(struct making *making)
{
	const struct ws_system *system = making->map->system;

	for (uint32_t i = 0; i < system->spaces.n; i++) {
		const struct ws_space *space = &system->spaces.v[i];
		uint64_t root = space->root & making->format->root_mask;

		if (space->kind != WS_SPACE_FREED && !space->looks_damaged)
			add_edge(making, &making->edges,
				 &(struct edge){ .child = root, .parent = i });
	}
}

static void make_roots(struct making *making)
{
	const struct ws_system *system = making->map->system;
	edge_vec *edges = &making->edges;

	add_roots(making);
	if (edges->n)
		qsort(edges->v, edges->n, sizeof(*edges->v), by_child);
	for (size_t i = 0; i < edges->n && !making->short_of_memory; i++) {
		uint32_t space = edges->v[i].parent;
		struct ws_rmap_way way = { .va = ws_tour_base(system,
							      &system->spaces.v[space]),
					   .set = space,
					   .access = WS_ACCESS_ALL };

		gather(making, &way);
		if (i + 1 == edges->n || edges->v[i + 1].child != edges->v[i].child)
			finish_table(making, edges->v[i].child, 0, false);
	}
	edges->n = 0;
}

static void make_levels(struct making *making)
{
	uint32_t first = 0, next;

	make_roots(making);
	for (unsigned level = 0; level < making->format->nlevels; level++) {
		next = (uint32_t)making->map->tables.n;
		read_level(making, level, first);
		make_pages(making, level);
		make_tables(making, level + 1);
		first = next;
	}
}

/* ---- leaves ------------------------------------------------------------------------- */

static int by_pa(const void *left, const void *right)
{
	const struct ws_rmap_leaf *a = left, *b = right;

	if (a->pa != b->pa)
		return a->pa < b->pa ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* From what its table's ways rule to the leaf. */
static uint64_t offset_of(const struct ws_frame_map *map, const struct ws_rmap_leaf *leaf,
			  const struct ws_level *level)
{
	return map->tables.v[leaf->table].is_page ? 0
						  : (uint64_t)leaf->index << level->shift;
}

static const struct ws_level *level_of(const struct ws_frame_map *map,
				       const struct ws_rmap_leaf *leaf)
{
	return &map->system->paging.format->level[map->tables.v[leaf->table].level];
}

uint64_t ws_rmap_last(const struct ws_frame_map *map, const struct ws_rmap_leaf *leaf)
{
	return leaf->pa + ((leaf->more + UINT64_C(1)) << level_of(map, leaf)->shift) - 1;
}

static bool sort_leaves(struct ws_frame_map *map)
{
	uint64_t reach = 0;

	map->reach = calloc(map->leaves.n + 1, sizeof(*map->reach));
	if (!map->reach)
		return false;
	if (map->leaves.n)
		qsort(map->leaves.v, map->leaves.n, sizeof(*map->leaves.v), by_pa);
	for (size_t i = 0; i < map->leaves.n; i++) {
		uint64_t last = ws_rmap_last(map, &map->leaves.v[i]);

		map->reach[i] = reach = last > reach ? last : reach;
	}
	return true;
}

/* ---- all of it ---------------------------------------------------------------------- */

static enum ws_status make(struct ws_frame_map *map)
{
	struct ws_system *system = map->system;
	size_t words = ws_space_words(system->spaces.n);
	ws_autofree uint64_t *bits = calloc(WAYS_MAX * words, sizeof(*bits));
	struct making making = { .map = map,
				 .format = system->paging.format,
				 .gathering = { .bits = bits, .words = words } };

	if (!bits || !ws_space_sets_begin(&map->sets, (uint32_t)system->spaces.n))
		return ws_fail_memory(system->ctx);
	make_levels(&making);
	ws_vec_release(&making.edges);
	ws_vec_release(&making.pages);
	if (making.short_of_memory || !sort_leaves(map))
		return ws_fail_memory(system->ctx);
	return ws_target_looked(system->target, WS_OK);
}

enum ws_status ws_frame_map_create(struct ws_system *system, struct ws_frame_map **map)
{
	struct ws_frame_map *made = calloc(1, sizeof(*made));
	enum ws_status status;

	*map = NULL;
	if (!made)
		return ws_fail_memory(system->ctx);
	made->system = system;
	status = make(made);
	if (status == WS_OK)
		*map = made;
	else
		ws_frame_map_destroy(made);
	return status;
}

void ws_frame_map_destroy(struct ws_frame_map *map)
{
	if (!map)
		return;
	ws_vec_release(&map->tables);
	ws_vec_release(&map->ways);
	ws_vec_release(&map->leaves);
	ws_space_sets_release(&map->sets);
	ws_vec_release(&map->conflicts);
	free(map->reach);
	free(map);
}

/* ---- questions ---------------------------------------------------------------------- */

void ws_rmap_mapping(const struct ws_frame_map *map, const struct ws_rmap_leaf *leaf,
		     const struct ws_rmap_way *way, struct ws_mapping *mapping)
{
	const struct ws_format *format = map->system->paging.format;
	const struct ws_level *level = level_of(map, leaf);
	const struct ws_row *row = ws_row_of(level, leaf->entry);

	*mapping = (struct ws_mapping){
		.pa = leaf->pa,
		.last = ws_rmap_last(map, leaf),
		.va = ws_canonical(format, way->va + offset_of(map, leaf, level)),
		.set = way->set,
		.nspaces = map->sets.sets.v[way->set].nspaces,
		.page_shift = row->page_shift,
		.access = way->access &
			  (uint8_t)~ws_row_denied(row, leaf->entry, way->access),
	};
}

static bool tell(const struct ws_frame_map *map, const struct ws_rmap_leaf *leaf,
		 uint64_t pa, uint64_t last, ws_mapping_fn *fn, void *arg)
{
	const struct ws_rmap_table *table = &map->tables.v[leaf->table];

	for (unsigned i = 0; i < table->nways; i++) {
		struct ws_mapping mapping;

		ws_rmap_mapping(map, leaf, &map->ways.v[table->first_way + i], &mapping);
		if (mapping.pa < pa) {
			mapping.va += pa - mapping.pa;
			mapping.pa = pa;
		}
		if (mapping.last > last)
			mapping.last = last;
		mapping.more = i + 1u == table->nways ? table->more : 0;
		if (!fn(arg, &mapping))
			return false;
	}
	return true;
}

void ws_frame_map_each(const struct ws_frame_map *map, uint64_t pa, uint64_t last,
		       ws_mapping_fn *fn, void *arg)
{
	size_t i = ws_lower_bound(map->reach, map->leaves.n, at, *at < pa);

	for (; i < map->leaves.n && map->leaves.v[i].pa <= last; i++)
		if (ws_rmap_last(map, &map->leaves.v[i]) >= pa &&
		    !tell(map, &map->leaves.v[i], pa, last, fn, arg))
			return;
}

const struct ws_space_span *ws_frame_map_set(const struct ws_frame_map *map, uint32_t set,
					     size_t *n)
{
	*n = 0;
	if (set >= map->sets.sets.n)
		return NULL;
	*n = map->sets.sets.v[set].n;
	return &map->sets.spans.v[map->sets.sets.v[set].first];
}

uint64_t ws_frame_map_lacks(const struct ws_frame_map *map, uint64_t *pa)
{
	*pa = map->absent_pa;
	return map->nabsent;
}

bool ws_frame_map_is_whole(const struct ws_frame_map *map)
{
	return !map->limited;
}
