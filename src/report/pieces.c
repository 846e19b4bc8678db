/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/pieces.h"

#include <stdlib.h>
#include <string.h>

/* A map of more is no picture; a machine has some ten regions and a hundred modules. */
#define MODULES_MAX 1024
#define GROUPS_MAX 256

/* ---- cuts: the first bytes of pieces ---------------------------------------------- */

struct cuts {
	WS_VEC(uint64_t) v;
	uint64_t first, last; /* of the kernel's half */
	bool short_of_memory;
};

static void cut_at(struct cuts *cuts, uint64_t va)
{
	uint64_t *cut;

	if (va < cuts->first || va > cuts->last)
		return;
	cut = ws_vec_push(&cuts->v);
	if (cut)
		*cut = va;
	else
		cuts->short_of_memory = true;
}

static void cut_out(struct cuts *cuts, uint64_t first, uint64_t last)
{
	cut_at(cuts, first);
	if (last < cuts->last)
		cut_at(cuts, last + 1);
}

/* Whole frames: what a module shares with nobody. */
static void cut_out_frames(struct cuts *cuts, uint64_t first, uint64_t last)
{
	cut_out(cuts, first & ~(uint64_t)(WS_FRAME_SIZE - 1), last | (WS_FRAME_SIZE - 1));
}

struct modules {
	const struct ws_module *v;
	size_t n;
};

/* A map without them is poorer, and still a map. */
static struct modules find_modules(struct ws_system *system)
{
	struct modules modules = { 0 };

	if (ws_system_modules(system, &modules.v, &modules.n) != WS_OK)
		modules.n = 0;
	if (modules.n > MODULES_MAX)
		modules.n = MODULES_MAX;
	return modules;
}

static void cut_modules(struct cuts *cuts, const struct modules *modules)
{
	for (size_t i = 0; i < modules->n; i++)
		for (unsigned r = 0; r < modules->v[i].nregions; r++) {
			const struct ws_region *region = &modules->v[i].region[r];

			if (region->len)
				cut_out_frames(cuts, region->va,
					       region->va + (region->len - 1));
		}
}

/*
 * What the fault path needs lies in a mapping that is there or not as a whole: to cut
 * each of its functions out would only be noise.
 */
static bool is_cut_out(const struct digest *digest, size_t group)
{
	return group < GROUPS_MAX &&
	       strcmp(digest->groups.v[group].first->rule->family, "fault-path") != 0;
}

static void cut_findings(struct cuts *cuts, const struct digest *digest)
{
	for (size_t g = 0; g < digest->groups.n; g++) {
		const struct ws_finding *finding = digest->groups.v[g].first;

		if (is_cut_out(digest, g))
			cut_out_frames(cuts, finding->va, finding->last);
	}
}

static void cut_regions(struct cuts *cuts, const struct digest *digest)
{
	size_t n;
	const struct ws_kernel_region *regions = ws_audit_regions(digest->audit, &n);

	for (size_t i = 0; i < n; i++)
		cut_out(cuts, regions[i].first, regions[i].last);
}

static int by_address(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* ---- what a piece is -------------------------------------------------------------- */

/* The smallest region that holds va names it, as in findings. */
static const char *region_of(const struct ws_audit *audit, uint64_t va)
{
	size_t n;
	const struct ws_kernel_region *regions = ws_audit_regions(audit, &n),
				      *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct ws_kernel_region *r = &regions[i];

		if (va >= r->first && va <= r->last &&
		    (!best || r->last - r->first < best->last - best->first))
			best = r;
	}
	return best ? best->name : "kernel";
}

static bool holds(const struct ws_region *region, uint64_t first, uint64_t last)
{
	return region->len && region->va <= last &&
	       region->va + (region->len - 1) >= first;
}

static const struct ws_module *module_of(const struct modules *modules,
					 const struct piece *piece)
{
	for (size_t i = 0; i < modules->n; i++)
		for (unsigned r = 0; r < modules->v[i].nregions; r++)
			if (holds(&modules->v[i].region[r], piece->va, piece->last))
				return &modules->v[i];
	return NULL;
}

static bool is_found(const struct digest *digest, const struct piece *piece)
{
	for (size_t g = 0; g < digest->groups.n && g < GROUPS_MAX; g++) {
		const struct ws_finding *finding = digest->groups.v[g].first;

		if (finding->va <= piece->last && finding->last >= piece->va)
			return true;
	}
	return false;
}

static bool make_pieces(struct pieces *pieces, const struct cuts *cuts,
			const struct digest *digest, const struct modules *modules)
{
	for (size_t i = 0; i < cuts->v.n; i++) {
		bool is_last = i + 1 == cuts->v.n;
		struct piece *piece;

		if (!is_last && cuts->v.v[i] == cuts->v.v[i + 1])
			continue;
		piece = ws_vec_push(&pieces->v);
		if (!piece)
			return false;
		piece->va = cuts->v.v[i];
		piece->last = is_last ? cuts->last : cuts->v.v[i + 1] - 1;
		piece->region = region_of(digest->audit, piece->va);
		piece->module = module_of(modules, piece);
		piece->found = is_found(digest, piece);
	}
	return true;
}

/* ---- what init_mm maps there ------------------------------------------------------ */

struct measure {
	struct pieces *pieces;
	size_t at;
	bool user;
};

static void add_run(struct piece *piece, const struct ws_run *run, bool user)
{
	uint64_t first = run->va > piece->va ? run->va : piece->va;
	uint64_t last = run->last < piece->last ? run->last : piece->last;

	if (first > last)
		return;
	if (user)
		piece->user_mapped += last - first + 1;
	else
		piece->mapped += last - first + 1;
}

/* Runs come in order of address, as pieces do. */
static bool measure_run(void *arg, const struct ws_run *run)
{
	struct measure *m = arg;
	const struct pieces *pieces = m->pieces;

	while (m->at < pieces->v.n && pieces->v.v[m->at].last < run->va)
		m->at++;
	for (size_t i = m->at; i < pieces->v.n && pieces->v.v[i].va <= run->last; i++)
		add_run(&pieces->v.v[i], run, m->user);
	return true;
}

static void measure(struct pieces *pieces, const struct ws_system *system, uint64_t root,
		    bool user)
{
	struct measure m = { .pieces = pieces, .user = user };

	(void)!ws_range(ws_system_paging(system), root, pieces->v.v[0].va, UINT64_MAX, 0,
			0, measure_run, &m);
}

static void measure_all(struct pieces *pieces, const struct ws_system *system)
{
	const struct ws_layout *layout = ws_system_layout(system);

	measure(pieces, system, layout->reference, false);
	if (layout->pti && !layout->consensus)
		measure(pieces, system, layout->reference + WS_FRAME_SIZE, true);
}

/* ---- all of it -------------------------------------------------------------------- */

static bool is_void(const struct piece *piece)
{
	return !piece->mapped && !piece->user_mapped && !piece->found && !piece->module;
}

/* Nothing beside nothing is one nothing. */
static void merge_voids(struct pieces *pieces)
{
	size_t n = 0;

	for (size_t i = 0; i < pieces->v.n; i++) {
		struct piece *piece = &pieces->v.v[i];
		struct piece *before = n ? &pieces->v.v[n - 1] : NULL;

		if (before && is_void(before) && is_void(piece) &&
		    !strcmp(before->region, piece->region))
			before->last = piece->last;
		else
			pieces->v.v[n++] = *piece;
	}
	pieces->v.n = n;
}

bool pieces_make(struct pieces *pieces, const struct digest *digest)
{
	unsigned bits = ws_format_va_bits(ws_system_paging(digest->system)->format);
	struct cuts cuts = { .first = ws_system_layout(digest->system)->kernel_first,
			     .last = bits > 32 ? UINT64_MAX : UINT32_MAX };
	struct modules modules = find_modules(digest->system);
	bool made;

	*pieces = (struct pieces){ 0 };
	cut_at(&cuts, cuts.first);
	cut_regions(&cuts, digest);
	cut_modules(&cuts, &modules);
	cut_findings(&cuts, digest);
	qsort(cuts.v.v, cuts.v.n, sizeof(*cuts.v.v), by_address);
	made = cuts.v.n && !cuts.short_of_memory &&
	       make_pieces(pieces, &cuts, digest, &modules);
	ws_vec_release(&cuts.v);
	if (!made)
		return false;
	measure_all(pieces, digest->system);
	merge_voids(pieces);
	return true;
}

void pieces_release(struct pieces *pieces)
{
	ws_vec_release(&pieces->v);
}
