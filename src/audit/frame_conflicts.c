/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of which two things are said that cannot both be true: page tables say one, struct
 * page or the frame's use the other. What leaves such a frame is a stale entry, or a page
 * that was freed too early.
 *
 * What looks like it and is meant: user mode may read pages of the image (the vDSO, the zero
 * page), and what the kernel needed to start alone becomes anybody's memory, so that only its
 * text is asked; the direct map maps all that is free.
 */
#include "audit/rmap.h"
#include "audit/spans.h"
#include "linux/pages.h"
#include "linux/region.h"
#include "linux/stacks.h"
#include "linux/symtab.h"

enum { FREE_MAPPED, TABLE_READ, KERNEL_WRITTEN, FREED_LOADED, RULES };

/* clang-format off */
static const struct ws_rule rules[RULES] = {
	[FREE_MAPPED] = {
		"frames-free-mapped", "frames", "user mode maps free memory", WS_ERROR,
		"An entry of a user's page leads to a frame that the page allocator has as free: a "
		"user gets at whatever the kernel puts there next.",
		"An entry was left behind when its page was freed: a missing flush or unmap, or a "
		"reference that was not taken. `whosees frame' says who maps it.",
		"CVE-2018-18281 (eb66ae030829, mremap), CVE-2021-22543 (KVM, VM_PFNMAP)",
		WS_LEAKS,
	},
	[TABLE_READ] = {
		"frames-user-table", "frames", "user mode can read a page table", WS_ERROR,
		"A user's page is a page table as well: its entries, and so where the kernel lies in "
		"memory, can be read.",
		"The frame was freed as one of the two while it was in use as the other. "
		"`whosees frame' says who maps it.",
		"CVE-2023-21400: \"dirty page table\" exploits make a user's page of a page table",
		WS_LEAKS,
	},
	[KERNEL_WRITTEN] = {
		"frames-user-kernel", "frames", "user mode can write the kernel's own memory", WS_ERROR,
		"A user's page is the kernel's text, a module's memory or a task's kernel stack as "
		"well: who runs there can make the kernel do anything.",
		"A stale entry, or a driver that maps to users what is not theirs: `whosees frame' "
		"says who maps it.",
		"CVE-2012-6422 (/dev/exynos-mem), CVE-2013-2596 (fb_mmap)",
		WS_LEAKS,
	},
	[FREED_LOADED] = {
		"frames-freed-root", "frames", "a freed page table is still in use", WS_FATAL,
		"A processor has a root loaded whose page has been freed. Whoever is given the page "
		"next writes entries by writing data, and the processor goes where they say.",
		"An mm was dropped while a processor was in it: look for a reference that was not "
		"taken (mmgrab()), or for a root that was loaded by hand.",
		"None known of Linux's own; the lab's death root-freed",
		WS_DIVERGES,
	},
};
/* clang-format on */

/* What other families of rules find, of which a frame is to be told all the same. */
static const struct {
	const char *rule, *what;
} others[] = {
	{ "wellformed-freed", "a page table in use lies in free memory" },
	{ "protection-user-table", "user mode can write a page table" },
	{ "protection-code-alias",
	  "the kernel executes it at another address, where it is read-only, and can write it "
	  "here" },
};
enum { FREE_TABLE, TABLE_WRITTEN, CODE_WRITTEN };

/* What of memory is the kernel's own; sorted. */
struct kernel_memory {
	ws_spans tables, stacks, image, modules;
	ws_spans code; /* what it maps to be executed, and not to be written */
};

struct checking {
	struct ws_frame_map *map;
	struct ws_system *system;
	struct kernel_memory kernel;
	struct ws_page_books books;
	bool has_books;
	bool has_nx;    /* not all that the kernel maps can be executed */
	uint64_t spent; /* see SPENT_MAX */
	bool short_of_memory;
};

/* ---- what is the kernel's ----------------------------------------------------------- */

static void add_span(struct checking *checking, ws_spans *spans, uint64_t pa,
		     uint64_t len)
{
	/* Neighbours become one, whose address nobody asks for. */
	if (len && !ws_spans_add(spans, pa, pa + (len - 1), pa))
		checking->short_of_memory = true;
}

/* Kernel memory by its addresses; no module's or stack's is longer than that. */
#define PIECE_MAX (UINT64_C(256) << 20)

static void add_va(struct checking *checking, ws_spans *spans, uint64_t va, uint64_t len)
{
	uint64_t pa;

	if (!len || len > PIECE_MAX || va + (len - 1) < va)
		return;
	for (uint64_t at = va & ~(uint64_t)(WS_FRAME_SIZE - 1); at <= va + (len - 1);
	     at += WS_FRAME_SIZE)
		if (ws_kernel_translate(checking->system, at, &pa) == WS_READ)
			add_span(checking, spans, pa, WS_FRAME_SIZE);
}

static enum ws_status learn_stacks(struct checking *checking)
{
	ws_stack_vec stacks = { 0 };
	enum ws_status status = ws_find_stacks(checking->system, &stacks);

	ws_vec_each(&stacks, stack)
		if (ws_stack_has_magic(checking->system, stack))
			add_va(checking, &checking->kernel.stacks, stack->va,
			       stack->size);
	ws_vec_release(&stacks);
	return status;
}

static void learn_modules(struct checking *checking)
{
	const struct ws_module *modules;
	size_t n;

	if (ws_system_modules(checking->system, &modules, &n) != WS_OK) {
		ws_error_clear(checking->system->ctx);
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned r = 0; r < modules[i].nregions; r++)
			add_va(checking, &checking->kernel.modules,
			       modules[i].region[r].va, modules[i].region[r].len);
}

static bool find_symbol(struct ws_system *system, const char *name, uint64_t *va)
{
	struct ws_symbol symbol = { .va = 0 };
	bool found = ws_symbol_lookup(system, name, &symbol) == WS_OK;

	ws_error_clear(system->ctx);
	*va = symbol.va;
	return found && ws_in_image(system, symbol.va);
}

/* Its text: what of the image was for its init alone is anybody's once it has started. */
static void learn_image(struct checking *checking)
{
	struct ws_system *system = checking->system;
	uint64_t text, end;

	if (find_symbol(system, "_stext", &text) && find_symbol(system, "_etext", &end) &&
	    end > text)
		add_span(checking, &checking->kernel.image,
			 text - system->layout.image_delta, end - text);
}

/* Whom it concerns: those that count are sorted before those that do not. */
static uint32_t first_space(const struct checking *checking, uint32_t set)
{
	const struct ws_space_sets *sets = &checking->map->sets;

	return sets->spans.v[sets->sets.v[set].first].first;
}

/* Of what no task or processor runs in nobody knows when it was last true. */
static bool counts(const struct checking *checking, uint32_t set)
{
	const struct ws_space *space =
		&checking->system->spaces.v[first_space(checking, set)];

	return space->counts || space->kind == WS_SPACE_USER;
}

/* A task or a processor may come to it, and it is there. */
static bool is_in_use(const struct checking *checking, const struct ws_rmap_table *table)
{
	const struct ws_rmap_way *ways = &checking->map->ways.v[table->first_way];

	for (unsigned i = 0; !table->is_page && table->is_read && i < table->nways; i++)
		if (counts(checking, ways[i].set))
			return true;
	return false;
}

static void learn_tables(struct checking *checking)
{
	const struct ws_format *format = checking->system->paging.format;

	ws_vec_each(&checking->map->tables, table)
		if (is_in_use(checking, table))
			add_span(checking, &checking->kernel.tables, table->pa,
				 WS_BIT(format->level[table->level].bits)
					 << format->entry_log2);
}

/* By the first of its table's ways that counts; false: the kernel does not map it so. */
static bool kernel_mapping(const struct checking *checking,
			   const struct ws_rmap_leaf *leaf, struct ws_mapping *mapping)
{
	const struct ws_frame_map *map = checking->map;
	const struct ws_rmap_table *table = &map->tables.v[leaf->table];

	for (unsigned i = 0; i < table->nways; i++) {
		const struct ws_rmap_way *way = &map->ways.v[table->first_way + i];

		if (!counts(checking, way->set))
			continue;
		ws_rmap_mapping(map, leaf, way, mapping);
		if (mapping->va >= checking->system->layout.kernel_first)
			return true;
	}
	return false;
}

static void learn_code(struct checking *checking)
{
	struct ws_mapping mapping;

	ws_vec_each(&checking->map->leaves, leaf) {
		if (!kernel_mapping(checking, leaf, &mapping))
			continue;
		if (!(mapping.access & WS_KERNEL_EXECUTE))
			checking->has_nx = true;
		else if (!(mapping.access & WS_KERNEL_WRITE))
			add_span(checking, &checking->kernel.code, mapping.pa,
				 mapping.last - mapping.pa + 1);
	}
}

static enum ws_status learn(struct checking *checking)
{
	struct kernel_memory *kernel = &checking->kernel;
	enum ws_status status = ws_regions_find(checking->system);

	if (status == WS_OK)
		status = learn_stacks(checking);
	learn_modules(checking);
	learn_image(checking);
	learn_tables(checking);
	learn_code(checking);
	ws_spans_sort(&kernel->code);
	ws_spans_sort(&kernel->tables);
	ws_spans_sort(&kernel->stacks);
	ws_spans_sort(&kernel->image);
	ws_spans_sort(&kernel->modules);
	return status;
}

/* ---- conflicts ---------------------------------------------------------------------- */

/* As many as findings are kept (found.c). */
#define CONFLICTS_MAX (1u << 17)

static void record(struct checking *checking, const struct ws_frame_conflict *conflict)
{
	struct ws_frame_map *map = checking->map;
	struct ws_frame_conflict *last =
		map->conflicts.n ? &map->conflicts.v[map->conflicts.n - 1] : NULL;

	if (last && last->rule == conflict->rule && last->last + 1 == conflict->pa &&
	    last->space == conflict->space && last->access == conflict->access &&
	    last->use == conflict->use && conflict->access &&
	    last->va_last + 1 == conflict->va) {
		last->last = conflict->last;
		last->va_last = conflict->va_last;
		return;
	}
	if (map->conflicts.n == CONFLICTS_MAX) {
		map->limited = true;
		return;
	}
	last = ws_vec_push(&map->conflicts);
	if (last)
		*last = *conflict;
	checking->short_of_memory |= !last;
}

/*
 * What all leaves together may cost, in frames that were looked at: an entry of a hostile
 * table maps tebibytes, of which struct page has to be asked frame by frame. A step costs
 * nanoseconds; where the next group's struct pages are read it costs as much as eight steps
 * for each of them. Groups of half a tebibyte are read so, of memory that may be shared by
 * a hundred tables.
 */
#define SPENT_MAX (UINT64_C(1) << 30)
#define GROUP_COST (8 * (uint64_t)WS_FREE_GROUP)

/* A page of 1 GiB at a wrong place has thousands: the first ones say it. */
#define OF_ONE_MAX 16

static bool is_enough(struct checking *checking, size_t before)
{
	struct ws_frame_map *map = checking->map;

	map->limited |= map->conflicts.n == CONFLICTS_MAX || checking->spent > SPENT_MAX;
	return map->limited || map->conflicts.n >= before + OF_ONE_MAX;
}

/* Ends *last where the frames begin or cease to have one of the spans in them. */
static void end_at(const ws_spans *spans, uint64_t pa, uint64_t *last)
{
	const struct ws_span *span = ws_spans_meet(spans, pa, *last);

	if (!span)
		return;
	if (span->pa / WS_FRAME_SIZE > pa / WS_FRAME_SIZE)
		*last = span->pa / WS_FRAME_SIZE * WS_FRAME_SIZE - 1;
	else if ((span->last | (WS_FRAME_SIZE - 1)) < *last)
		*last = span->last | (WS_FRAME_SIZE - 1);
}

static void check_table(struct checking *checking, const struct ws_rmap_table *table)
{
	const struct ws_format *format = checking->system->paging.format;
	const struct ws_level *level = &format->level[table->level];
	const struct ws_rmap_way *way = &checking->map->ways.v[table->first_way];
	struct ws_frame_conflict conflict = {
		.rule = others[FREE_TABLE].rule,
		.what = others[FREE_TABLE].what,
		.pa = table->pa & ~(uint64_t)(WS_FRAME_SIZE - 1),
		.last = table->pa | (WS_FRAME_SIZE - 1),
		.use = WS_FRAME_FREE,
	};

	if (!is_in_use(checking, table) || !checking->has_books ||
	    !ws_page_is_free(checking->system, &checking->books, table->pa))
		return;
	conflict.space = first_space(checking, way->set);
	conflict.va = way->va;
	conflict.va_last = way->va + ((WS_BIT(level->bits) << level->shift) - 1);
	if (level->shift + level->bits >= 64)
		conflict.va_last = UINT64_MAX;
	record(checking, &conflict);
}

static void set_rule(struct ws_frame_conflict *conflict, unsigned rule)
{
	conflict->rule = rules[rule].id;
	conflict->what = rules[rule].name;
}

/* The root of a process that is gone, or a page that never was one. */
static void check_loaded(struct checking *checking, const struct ws_cpu *cpu)
{
	struct ws_system *system = checking->system;
	struct ws_frame_conflict conflict = { .use = WS_FRAME_FREE,
					      .space = WS_NO_SPACE,
					      .va_last = ws_last_va(system) };
	uint64_t root;

	if (!ws_system_cpu_root(system, cpu, &root))
		return;
	root &= system->paging.format->root_mask;
	if (ws_page_owned(system, root) != WS_PAGE_NOBODYS)
		return;
	for (uint32_t i = 0; i < system->spaces.n && conflict.space == WS_NO_SPACE; i++)
		if (system->spaces.v[i].root == root)
			conflict.space = i;
	conflict.pa = root & ~(uint64_t)(WS_FRAME_SIZE - 1);
	conflict.last = conflict.pa + (WS_FRAME_SIZE - 1);
	set_rule(&conflict, FREED_LOADED);
	record(checking, &conflict);
}

/* What of the kernel's own lies in a frame that user mode maps so; UNKNOWN: nothing. */
static uint8_t kernel_use(const struct checking *checking, uint64_t pa, uint64_t last,
			  uint8_t access)
{
	const struct kernel_memory *kernel = &checking->kernel;

	if (ws_spans_meet(&kernel->tables, pa, last))
		return WS_FRAME_TABLE;
	if (!(access & WS_USER_WRITE))
		return WS_FRAME_UNKNOWN;
	if (ws_spans_meet(&kernel->stacks, pa, last))
		return WS_FRAME_STACK;
	if (ws_spans_meet(&kernel->image, pa, last))
		return WS_FRAME_IMAGE;
	return ws_spans_meet(&kernel->modules, pa, last) ? WS_FRAME_MODULE
							 : WS_FRAME_UNKNOWN;
}

/* From pa on, as far as kernel_use() is the same for each frame. */
static uint64_t last_alike(struct checking *checking, uint64_t pa, uint64_t last,
			   uint8_t access)
{
	const struct kernel_memory *kernel = &checking->kernel;

	checking->spent += 8;
	end_at(&kernel->tables, pa, &last);
	if (access & WS_USER_WRITE) {
		end_at(&kernel->stacks, pa, &last);
		end_at(&kernel->image, pa, &last);
		end_at(&kernel->modules, pa, &last);
	}
	return last;
}

static void record_frames(struct checking *checking, const struct ws_mapping *mapping,
			  struct ws_frame_conflict conflict)
{
	conflict.va = mapping->va + (conflict.pa - mapping->pa);
	conflict.va_last = mapping->va + (conflict.last - mapping->pa);
	conflict.access = mapping->access;
	conflict.space = first_space(checking, mapping->set);
	record(checking, &conflict);
}

static bool is_free(struct checking *checking, uint64_t pa)
{
	uint64_t group = checking->books.group.first;
	bool free = ws_page_is_free(checking->system, &checking->books, pa);

	checking->spent += group == checking->books.group.first ? 1 : GROUP_COST;
	return free;
}

/* No page of the kernel's making is larger, and so no larger one is looked at in full. */
#define PAGE_MAX (UINT64_C(1) << 30)

static void check_free(struct checking *checking, const struct ws_mapping *mapping,
		       uint64_t pa, uint64_t last, size_t before)
{
	uint64_t end = checking->system->target->memory_end;

	if (!checking->has_books)
		return;
	if (last - pa >= PAGE_MAX && last >= end)
		last = end ? end - 1 : 0;
	for (; pa <= last && !is_enough(checking, before); pa += WS_FRAME_SIZE) {
		struct ws_frame_conflict conflict = {
			.pa = pa,
			.last = pa + (WS_FRAME_SIZE - 1),
			.use = WS_FRAME_FREE,
		};

		if (!is_free(checking, pa))
			continue;
		set_rule(&conflict, FREE_MAPPED);
		record_frames(checking, mapping, conflict);
	}
}

/* Of frames that all have the same use, one that is the kernel's own. */
static void check_kernel(struct checking *checking, const struct ws_mapping *mapping,
			 struct ws_frame_conflict conflict)
{
	bool table = conflict.use == WS_FRAME_TABLE;

	if (table && mapping->access & WS_USER_WRITE) {
		conflict.rule = others[TABLE_WRITTEN].rule;
		conflict.what = others[TABLE_WRITTEN].what;
	} else {
		set_rule(&conflict, table ? TABLE_READ : KERNEL_WRITTEN);
	}
	record_frames(checking, mapping, conflict);
}

static void check_mapping(struct checking *checking, const struct ws_mapping *mapping)
{
	size_t before = checking->map->conflicts.n;
	struct ws_frame_conflict part = { .pa = mapping->pa };

	while (part.pa <= mapping->last && !is_enough(checking, before)) {
		part.last = last_alike(checking, part.pa, mapping->last, mapping->access);
		part.use = kernel_use(checking, part.pa, part.last, mapping->access);
		if (part.use != WS_FRAME_UNKNOWN)
			check_kernel(checking, mapping, part);
		else
			check_free(checking, mapping, part.pa, part.last, before);
		part.pa = part.last + 1;
	}
}

/* By an entry that the processor refuses nobody gets at anything. */
static bool is_refused(const struct checking *checking, const struct ws_rmap_leaf *leaf)
{
	const struct ws_paging *paging = &checking->system->paging;
	unsigned level = checking->map->tables.v[leaf->table].level;
	const struct ws_row *row = ws_row_of(&paging->format->level[level], leaf->entry);

	return ws_reserved_bits(paging, row, leaf->entry);
}

static void check_leaf(struct checking *checking, const struct ws_rmap_leaf *leaf)
{
	const struct ws_frame_map *map = checking->map;
	const struct ws_rmap_table *table = &map->tables.v[leaf->table];

	for (unsigned i = 0; i < table->nways; i++) {
		const struct ws_rmap_way *way = &map->ways.v[table->first_way + i];
		struct ws_mapping mapping;

		ws_rmap_mapping(map, leaf, way, &mapping);
		if (!(mapping.access & WS_USER_READ) || is_refused(checking, leaf) ||
		    mapping.va >= checking->system->layout.kernel_first ||
		    !counts(checking, way->set))
			continue;
		check_mapping(checking, &mapping);
		return; /* once is enough */
	}
}

/* From one span of code to the next, since a leaf may map tebibytes. */
static void check_alias_of(struct checking *checking, const struct ws_mapping *mapping)
{
	const struct kernel_memory *kernel = &checking->kernel;
	size_t before = checking->map->conflicts.n;
	struct ws_frame_conflict part = {
		.rule = others[CODE_WRITTEN].rule,
		.what = others[CODE_WRITTEN].what,
		.pa = mapping->pa,
	};

	while (part.pa <= mapping->last && !is_enough(checking, before)) {
		checking->spent += 8;
		part.last = mapping->last;
		end_at(&kernel->code, part.pa, &part.last);
		end_at(&kernel->modules, part.pa, &part.last);
		end_at(&kernel->image, part.pa, &part.last);
		part.use = ws_spans_meet(&kernel->modules, part.pa, part.last)
				   ? WS_FRAME_MODULE
			   : ws_spans_meet(&kernel->image, part.pa, part.last)
				   ? WS_FRAME_IMAGE
				   : WS_FRAME_UNKNOWN;
		if (ws_spans_meet(&kernel->code, part.pa, part.last))
			record_frames(checking, mapping, part);
		part.pa = part.last + 1;
	}
}

/* Memory that is code at one address and can be written at this one. */
static void check_alias(struct checking *checking, const struct ws_rmap_leaf *leaf)
{
	struct ws_mapping mapping;

	if (checking->has_nx && kernel_mapping(checking, leaf, &mapping) &&
	    mapping.access & WS_KERNEL_WRITE && !(mapping.access & WS_KERNEL_EXECUTE) &&
	    ws_spans_meet(&checking->kernel.code, mapping.pa, mapping.last) &&
	    !ws_why_meant(checking->system, others[CODE_WRITTEN].rule, mapping.va,
			  mapping.last))
		check_alias_of(checking, &mapping);
}

static int by_pa(const void *left, const void *right)
{
	const struct ws_frame_conflict *a = left, *b = right;

	if (a->pa != b->pa)
		return a->pa < b->pa ? -1 : 1;
	return (a->va > b->va) - (a->va < b->va);
}

static void check_all(struct checking *checking)
{
	struct ws_frame_map *map = checking->map;

	checking->has_books = ws_page_books_open(checking->system, &checking->books);
	ws_vec_each(&map->tables, table)
		check_table(checking, table);
	ws_vec_each(&map->leaves, leaf) {
		check_leaf(checking, leaf);
		check_alias(checking, leaf);
	}
	ws_vec_each(&checking->system->target->cpus, cpu)
		check_loaded(checking, cpu);
	if (map->conflicts.n)
		qsort(map->conflicts.v, map->conflicts.n, sizeof(*map->conflicts.v),
		      by_pa);
}

static enum ws_status find_conflicts(struct ws_frame_map *map)
{
	struct checking checking = { .map = map, .system = map->system };
	enum ws_status status;

	if (map->system->layout.tables_only)
		return WS_OK;
	status = learn(&checking);
	if (checking.short_of_memory)
		status = ws_fail_memory(map->system->ctx);
	if (status == WS_OK)
		check_all(&checking);
	ws_vec_release(&checking.kernel.tables);
	ws_vec_release(&checking.kernel.stacks);
	ws_vec_release(&checking.kernel.image);
	ws_vec_release(&checking.kernel.modules);
	ws_vec_release(&checking.kernel.code);
	return checking.short_of_memory ? ws_fail_memory(map->system->ctx) : status;
}

enum ws_status ws_frame_map_conflicts(struct ws_frame_map *map,
				      const struct ws_frame_conflict **conflicts,
				      size_t *n)
{
	enum ws_status status = map->conflicts_done ? WS_OK : find_conflicts(map);

	status = ws_target_looked(map->system->target, status);
	map->conflicts_done = status == WS_OK;
	*conflicts = map->conflicts.v;
	*n = status == WS_OK ? map->conflicts.n : 0;
	return status;
}

/* ---- the family --------------------------------------------------------------------- */

static const struct ws_rule *own_rule(const char *id)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(rules); i++)
		if (rules[i].id == id)
			return &rules[i];
	return NULL;
}

/* Whatever space it was: of a process that is gone there is no verdict. */
static void record_loaded(struct ws_audit *audit,
			  const struct ws_frame_conflict *conflict)
{
	struct ws_finding *finding = ws_found(
		audit, &rules[FREED_LOADED], ws_init_space(audit), 0, 0,
		"a processor has the root at %#jx loaded, which lies in a page that "
		"has been freed",
		conflict->pa);

	if (finding)
		finding->machine = true;
}

static void record_conflict(struct ws_audit *audit,
			    const struct ws_frame_conflict *conflict)
{
	const struct ws_rule *rule = own_rule(conflict->rule);
	uint64_t kib = (conflict->last - conflict->pa) / 1024 + 1;

	if (rule && ws_audited(audit, conflict->space))
		ws_found(audit, rule, conflict->space, conflict->va, conflict->va_last,
			 "user mode can %s %ju KiB of memory that is %s: frame %#jx",
			 conflict->access & WS_USER_WRITE ? "write" : "read", kib,
			 conflict->use == WS_FRAME_FREE ? "free"
			 : conflict->use == WS_FRAME_TABLE
				 ? "a page table"
				 : ws_frame_use_name((enum ws_frame_use)conflict->use),
			 conflict->pa);
}

static enum ws_status run_frames(struct ws_audit *audit)
{
	const struct ws_frame_conflict *conflicts;
	struct ws_frame_map *map;
	enum ws_status status = ws_frame_map_create(audit->system, &map);
	size_t n;

	if (status != WS_OK)
		return status;
	status = ws_frame_map_conflicts(map, &conflicts, &n);
	for (size_t i = 0; status == WS_OK && i < n; i++)
		if (conflicts[i].rule == rules[FREED_LOADED].id)
			record_loaded(audit, &conflicts[i]);
		else
			record_conflict(audit, &conflicts[i]);
	audit->work += map->work;
	ws_frame_map_destroy(map);
	return status;
}

const struct ws_family ws_frame_family = {
	.name = "frames",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.run = run_frames,
};
