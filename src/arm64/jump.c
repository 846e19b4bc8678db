/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Through idmap_pg_dir, which maps .idmap.text to itself and nothing else, in TTBR0:
 *
 *	a processor  secondary_startup -> __cpu_setup -> __enable_mmu loads it, and
 *	             swapper_pg_dir into TTBR1 -> __secondary_switched (kernel/head.S)
 *	resume       cpu_resume -> the same -> _cpu_resume (kernel/sleep.S)
 *	crash kernel machine_kexec() -> cpu_install_idmap() -> cpu_soft_restart at its
 *	             physical address (kernel/machine_kexec.c)
 *
 * A kernel that has to be moved into its place, as kexec's mostly is, has page tables of
 * its own for that, made when it is loaded (kimage.arch.ttbr0, in 6.1 as in 6.12), and no
 * symbol leads there.
 *
 * T0SZ of the identity map is its own: in 6.1 for as many bits as the end of the image
 * takes, and at least the kernel's own (idmap_t0sz); in 6.12 for 48 (IDMAP_VA_BITS). Read
 * with another number of levels no table maps code to itself.
 */
#include "arm64/jump.h"

#include <stdio.h>
#include <string.h>

#include "arm64/own_roots.h"
#include "arm64/registers.h"
#include "linux/symtab.h"

#define IDMAP_BITS 48

void arm64_idmap_formats(const struct ws_system *system,
			 const struct ws_format *formats[static ARM64_IDMAP_FORMATS])
{
	static const uint64_t tg0[] = { [12] = 0, [14] = 2, [16] = 1 };
	const struct ws_format *own = system->paging.format;
	unsigned granule = own->level[own->nlevels - 1].shift, n = 0;

	formats[n] = arm64_low_format((64 - IDMAP_BITS) | tg0[granule] << 14);
	n += formats[n] != NULL;
	if (!n || strcmp(formats[0]->name, own->name) != 0)
		formats[n++] = own;
	formats[n] = NULL;
}

/* TTBR0's windows and TTBR1's, with the identity map read by that format. */
static void set_eye(const struct ws_system *system, struct ws_jump_tables *tables,
		    const struct ws_format *format)
{
	const struct ws_format *own = system->paging.format;
	unsigned bits = format->va_bits - 1u;

	tables->format = format;
	tables->eye =
		(struct ws_eye){ 2,
				 { { 0, UINT64_MAX >> (64 - bits), tables->root, format },
				   { ~(UINT64_MAX >> (65 - own->va_bits)), UINT64_MAX,
				     system->layout.reference, own } } };
	snprintf(tables->text, sizeof(tables->text),
		 "TTBR0 translates 0 to %#jx by it, TTBR1 the rest by swapper_pg_dir",
		 UINT64_MAX >> (64 - bits));
}

/* By the format that maps the code, or one by which that is not known, or the first. */
static void choose_format(struct ws_system *system, const struct ws_jump *jump,
			  struct ws_jump_tables *tables)
{
	const struct ws_format *formats[ARM64_IDMAP_FORMATS], *chosen = NULL;
	struct ws_trail trail = { .end = WS_END_HOLE };

	arm64_idmap_formats(system, formats);
	for (unsigned i = 0; formats[i]; i++) {
		set_eye(system, tables, formats[i]);
		if (ws_jump_is_mapped(system, &jump->step[0], &tables->eye, &trail))
			return;
		if (!ws_end_is_known(trail.end) && !chosen)
			chosen = formats[i];
	}
	set_eye(system, tables, chosen ? chosen : formats[0]);
}

const struct ws_format *arm64_idmap_format(struct ws_system *system, uint64_t root)
{
	struct ws_jump_tables tables = { .root = root };

	choose_format(system, &arm64_jumps[0], &tables);
	return tables.format;
}

bool arm64_is_idmap(struct ws_system *system, uint64_t root)
{
	struct ws_jump_tables tables = { .root = root };
	struct ws_trail trail;

	choose_format(system, &arm64_jumps[0], &tables);
	return ws_jump_is_mapped(system, &arm64_jumps[0].step[0], &tables.eye, &trail);
}

static const char *by_idmap(struct ws_system *system, const struct ws_jump *jump,
			    struct ws_jump_tables *tables)
{
	struct arm64_root root;
	struct ws_trail trail;

	*tables = (struct ws_jump_tables){ .name = "idmap_pg_dir" };
	if (!arm64_own_root(system, ARM64_IDMAP, &root))
		return "idmap_pg_dir was not found";
	tables->root = root.pa;
	choose_format(system, jump, tables);
	if (!root.named &&
	    !ws_jump_is_mapped(system, &jump->step[0], &tables->eye, &trail))
		return "no symbol says where idmap_pg_dir is, and what lies where it "
		       "should maps no such code to itself";
	return NULL;
}

const struct ws_jump arm64_jumps[] = {
	{ .what = "the jump into a crash kernel after a panic",
	  .by = "machine_kexec",
	  .step = { { "cpu_soft_restart", "__idmap_text_end", false, by_idmap } } },
	{ .what = "the jump into another kernel (kexec)",
	  .by = "machine_kexec",
	  .unknown = "the page tables that it goes by are made when that kernel is "
		     "loaded" },
	{ .what = "bringing up a processor",
	  .by = "secondary_startup",
	  .step = { { "__enable_mmu", "__idmap_text_end", false, by_idmap },
		    { "__secondary_switched", NULL, true, by_idmap } } },
	{ .what = "resuming a processor",
	  .by = "cpu_resume",
	  .step = { { "__enable_mmu", "__idmap_text_end", false, by_idmap },
		    { "_cpu_resume", NULL, true, by_idmap } } },
	{ .what = NULL },
};
