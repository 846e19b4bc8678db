/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a module's memory lies. struct module holds, at an offset that depends on
 * version and configuration, one of
 *
 *	void *base; unsigned size ...	  core_layout, then init_layout (4.5 to 6.3)
 *	void *base; unsigned size ...	  mem[MOD_TEXT], mem[MOD_DATA], ... since
 *					  ac3b43283923 (6.4), at equal distances
 *	void *base; ... unsigned size	  the same with is_rox, and for a time rw_copy,
 *					  between (0c133b1e78cd, 6.13)
 *	void *init, *core; unsigned init_size, core_size	before 4.5
 *
 * One region holds the struct module itself: that gives the offset,
 * and how far the size is from the base. The others lie at multiples of one stride from
 * it: the stride under which most of them make sense is the true one.
 */
#include "linux/modules.h"

#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"

#define SAMPLE_MAX 128
#define REGION_MAX (UINT32_C(512) << 20)
/* struct module_layout, the largest element: 80 bytes, 64-byte aligned at most. */
#define STRIDE_MAX 192u

/* ---- the sample ------------------------------------------------------------------- */

/* Copies as much of the struct as is mapped. */
static void struct_copy(struct ws_system *system, uint64_t va, uint8_t *bytes)
{
	size_t done = 0;

	memset(bytes, 0xff, WS_STRUCT_MODULE_MAX);
	while (done < WS_STRUCT_MODULE_MAX) {
		size_t n = WS_FRAME_SIZE - (va + done) % WS_FRAME_SIZE;

		if (n > WS_STRUCT_MODULE_MAX - done)
			n = WS_STRUCT_MODULE_MAX - done;
		if (ws_system_read(system, va + done, bytes + done, n) != WS_READ)
			return;
		done += n;
	}
}

enum ws_status ws_module_sample_take(struct ws_system *system,
				     struct ws_module_sample *sample)
{
	size_t n = system->modules.n < SAMPLE_MAX ? system->modules.n : SAMPLE_MAX;
	bool any_formed = false;

	*sample = (struct ws_module_sample){ .system = system };
	sample->module = calloc(n + 1, sizeof(*sample->module));
	sample->bytes = malloc((n + 1) * WS_STRUCT_MODULE_MAX);
	if (!sample->module || !sample->bytes)
		return ws_fail_memory(system->ctx);
	ws_vec_each(&system->modules, module)
		any_formed |= module->state != WS_MODULE_UNFORMED;
	ws_vec_each(&system->modules, module) {
		if (sample->n == n || (any_formed && module->state == WS_MODULE_UNFORMED))
			continue;
		struct_copy(system, module->module,
			    sample->bytes + sample->n * WS_STRUCT_MODULE_MAX);
		sample->module[sample->n++] = module;
	}
	return WS_OK;
}

void ws_module_sample_release(struct ws_module_sample *sample)
{
	free(sample->module);
	free(sample->bytes);
}

uint32_t ws_module_sample_32(const struct ws_module_sample *sample, size_t i, uint32_t at)
{
	return ws_le32(sample->bytes + i * WS_STRUCT_MODULE_MAX + at);
}

uint64_t ws_module_sample_word(const struct ws_module_sample *sample, size_t i,
			       uint32_t at)
{
	const uint8_t *bytes = sample->bytes + i * WS_STRUCT_MODULE_MAX + at;

	return ws_le_word(bytes, sample->system->layout.word);
}

/* ---- one region ------------------------------------------------------------------- */

static bool overlap(const struct ws_region *a, const struct ws_region *b)
{
	return a->va < b->va + b->len && b->va < a->va + a->len;
}

/* Or may be: a page table that the target lacks is no evidence against it. */
static bool is_mapped(struct ws_system *system, uint64_t va)
{
	uint64_t pa;
	enum ws_evidence evidence = ws_kernel_translate(system, va, &pa);

	return evidence == WS_ABSENT ||
	       (evidence == WS_READ && va - pa != system->layout.direct_delta);
}

/* Page-aligned kernel memory, mapped at both ends: outside image and direct map. */
static bool region_valid(struct ws_system *system, const struct ws_region *region)
{
	uint64_t last = region->va + region->len - 1;

	return region->len && region->len <= REGION_MAX &&
	       region->va % WS_FRAME_SIZE == 0 && last > region->va &&
	       ws_is_kernel_va(system, region->va) && ws_is_kernel_va(system, last) &&
	       !ws_in_image(system, region->va) && is_mapped(system, region->va) &&
	       is_mapped(system, last);
}

const struct ws_region *ws_module_region(const struct ws_module *module, uint64_t va,
					 uint64_t len)
{
	for (unsigned i = 0; i < module->nregions; i++) {
		const struct ws_region *region = &module->region[i];

		if (va >= region->va && va - region->va <= region->len &&
		    len <= region->len - (va - region->va))
			return region;
	}
	return NULL;
}

/* ---- the fields ------------------------------------------------------------------- */

static struct ws_region sample_region(const struct ws_module_sample *sample, size_t i,
				      uint32_t at, uint32_t size)
{
	return (struct ws_region){ .va = ws_module_sample_word(sample, i, at),
				   .len = ws_module_sample_32(sample, i, at + size) };
}

/* The region at `at` holds the struct module that names it. */
static bool holds_itself(struct ws_system *system, const struct ws_module_sample *sample,
			 uint32_t at, uint32_t size)
{
	size_t misfits = 0;

	for (size_t i = 0; i < sample->n; i++) {
		struct ws_region region = sample_region(sample, i, at, size);
		uint64_t module = sample->module[i]->module;

		if ((module < region.va || module - region.va >= region.len ||
		     !region_valid(system, &region)) &&
		    ++misfits > ws_module_misfits_max(sample))
			return false;
	}
	return true;
}

static bool find_own(struct ws_system *system, const struct ws_module_sample *sample,
		     struct ws_module_fields *fields)
{
	unsigned word = system->layout.word;
	const uint32_t sizes[] = { word, word + 4, 2 * word + 4 };
	uint32_t end = WS_STRUCT_MODULE_MAX - STRIDE_MAX;

	for (uint32_t at = 3 * word; at < end; at += word)
		for (size_t s = 0; s < WS_ARRAY_SIZE(sizes); s++)
			if (holds_itself(system, sample, at, sizes[s])) {
				fields->regions = at;
				fields->size = sizes[s];
				return true;
			}
	return false;
}

/* How an offset looks as that of a region, in all modules. */
struct look {
	bool makes_sense; /* there is nothing, or a region beside the own one */
	bool any;
	bool convinces; /* most modules have one, or one that loads has: an init region */
};

static struct look look_at(struct ws_system *system,
			   const struct ws_module_sample *sample,
			   const struct ws_module_fields *own, uint32_t at)
{
	size_t misfits = 0, filled = 0;
	bool loading = false;

	for (size_t i = 0; i < sample->n; i++) {
		struct ws_region region = sample_region(sample, i, at, own->size);
		struct ws_region mine = sample_region(sample, i, own->regions, own->size);

		if (!region.va && !region.len)
			continue;
		if (!region_valid(system, &region) || overlap(&region, &mine)) {
			misfits++;
			continue;
		}
		filled++;
		loading |= sample->module[i]->state == WS_MODULE_COMING;
	}
	return (struct look){ .makes_sense = misfits <= ws_module_misfits_max(sample),
			      .any = filled,
			      .convinces = loading || 2 * filled > sample->n };
}

/*
 * Looks from the own region on by steps of stride (down if negative), as far as they
 * make sense. Returns the number of steps to the last region that any module has.
 */
static unsigned count_regions(struct ws_system *system,
			      const struct ws_module_sample *sample,
			      const struct ws_module_fields *own, int32_t stride,
			      unsigned *convincing)
{
	int32_t lowest = 64 + 2 * system->layout.word; /* where the name ends */
	int32_t highest = WS_STRUCT_MODULE_MAX - STRIDE_MAX;
	int32_t at = own->regions;
	unsigned last = 0;

	for (unsigned steps = 1; steps < WS_MODULE_REGIONS; steps++) {
		struct look look;

		at += stride;
		if (at < lowest || at > highest)
			break;
		look = look_at(system, sample, own, at);
		if (!look.makes_sense)
			break;
		if (look.any)
			last = steps;
		*convincing += look.convinces;
	}
	return last;
}

/* Turns the own region's offset into that of the first, and counts them. */
static void find_others(struct ws_system *system, const struct ws_module_sample *sample,
			struct ws_module_fields *fields)
{
	const struct ws_module_fields own = *fields;
	unsigned word = system->layout.word, best = 0;

	fields->nregions = 1;
	fields->stride = own.size + 4;
	for (uint32_t stride = own.size + 4; stride <= STRIDE_MAX; stride++) {
		unsigned convincing = 0, down, up;

		if (stride % word)
			continue;
		down = count_regions(system, sample, &own, -(int32_t)stride, &convincing);
		up = count_regions(system, sample, &own, stride, &convincing);
		if (convincing <= best || down + 1 + up > WS_MODULE_REGIONS)
			continue;
		best = convincing;
		fields->regions = own.regions - down * stride;
		fields->stride = stride;
		fields->nregions = down + 1 + up;
	}
}

static void regions_fill(struct ws_system *system, struct ws_module *module)
{
	const struct ws_module_fields *fields = &system->module_fields;

	for (unsigned i = 0; i < fields->nregions; i++) {
		uint64_t at = module->module + fields->regions + i * fields->stride;
		struct ws_region region;
		uint32_t size;

		if (ws_kernel_word(system, at, &region.va) != WS_READ ||
		    ws_kernel_u32(system, at + fields->size, &size) != WS_READ)
			continue;
		region.len = size;
		if (region_valid(system, &region))
			module->region[module->nregions++] = region;
	}
	if (!module->nregions)
		ws_note(system, "module %s: where its memory lies is not known",
			module->name);
}

enum ws_status ws_module_regions_find(struct ws_system *system)
{
	ws_cleanup(ws_module_sample_release) struct ws_module_sample sample = { 0 };
	struct ws_module_fields *fields = &system->module_fields;
	enum ws_status status;

	*fields = (struct ws_module_fields){ 0 };
	if (!system->modules.n)
		return WS_OK;
	status = ws_module_sample_take(system, &sample);
	if (status)
		return status;
	if (!find_own(system, &sample, fields)) {
		ws_note(system,
			"%s, but nothing in struct module says where module memory "
			"lies",
			WS_COUNT_OF(system->modules.n, "module"));
		return WS_OK;
	}
	find_others(system, &sample, fields);
	ws_vec_each(&system->modules, module)
		regions_fill(system, module);
	return WS_OK;
}
