/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deaths that the processors' registers show: what they could not reach, and by which root. */
#include "autopsy/causes.h"
#include "autopsy/lost_table.h"
#include "autopsy/reach.h"
#include "linux/pages.h"
#include "paging/format.h"

/* ---- delivery itself failed --------------------------------------------------------- */

static const struct ws_need *need_at(const struct ws_autopsy *autopsy, uint64_t va)
{
	ws_vec_each(&autopsy->audit->needs, need)
		if (autopsy->arch->is_delivery(need->rule) && need->va <= va &&
		    va <= need->last)
			return need;
	return NULL;
}

static void take_delivery(struct ws_autopsy *autopsy, struct ws_death *death,
			  const struct ws_need *need, uint64_t va,
			  const struct ws_blind *blind)
{
	uint8_t right = need->rights ? need->rights : WS_KERNEL_READ;
	char space[2 * WS_NAMED];

	death->has_cpu = true;
	death->certainty = WS_CERTAINTY_LIKELY;
	ws_clue(autopsy, "processor",
		"the address that faulted last on cpu %u, %#jx, is in %s: a processor %s "
		"there only to deliver an exception",
		death->cpu, va, need->what,
		right == WS_KERNEL_WRITE ? "writes" : "reads");
	ws_clue_hole(autopsy, blind, va, right);
	ws_put_blind(autopsy, death, blind);
	ws_say(autopsy,
	       "%s is not %s %s: the processor needed it to deliver an exception, and the "
	       "delivery failed",
	       need->what, blind->how == WS_REACH_NONE ? "mapped" : "writable",
	       ws_in_space(autopsy, death, blind, space));
}

/*
 * In the space that is loaded; where that is init_mm, in any: the task that handles i386's
 * double fault loads it (arch/x86/kernel/doublefault_32.c), and only per-CPU data may still
 * name who was loaded before. By a root that is no space's nothing is mapped, and that is a
 * cause of its own.
 */
static struct ws_blind find_stranded(const struct ws_autopsy *autopsy,
				     const struct ws_failed_access *access, uint64_t root,
				     uint32_t cpu)
{
	uint32_t space = ws_space_of_root(autopsy->audit, root);
	uint32_t mm_space = autopsy->mm_cpu == cpu ? autopsy->mm_space : WS_NO_SPACE;
	bool is_init = space != WS_NO_SPACE &&
		       autopsy->system->spaces.v[space].kind == WS_SPACE_INIT;
	struct ws_blind blind =
		ws_find_blind(autopsy, access, is_init ? mm_space : space);

	if (!blind.suspect_is && !is_init)
		blind.n = 0;
	return blind;
}

/* What the processor could not reach when it died: the last fault's address tells. */
bool ws_is_delivery_failed(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		const struct ws_cpu *cpu = &system->target->cpus.v[i];
		struct ws_standing standing;
		struct ws_failed_access access;
		const struct ws_need *need;
		struct ws_blind blind;
		uint64_t root;

		if (!autopsy->arch->standing(autopsy->system, cpu, &standing) ||
		    !standing.has_fault || !ws_system_cpu_root(system, cpu, &root) ||
		    !(need = need_at(autopsy, standing.fault)))
			continue;
		access = (struct ws_failed_access){ standing.fault,
						    need->rights ? need->rights
								 : WS_KERNEL_READ,
						    WS_EITHER };
		blind = find_stranded(autopsy, &access, root, i);
		if (!blind.n)
			continue;
		death->cpu = i;
		take_delivery(autopsy, death, need, standing.fault, &blind);
		return true;
	}
	return false;
}

/* ---- a root that is none ------------------------------------------------------------ */

/* A processor, and what the register that holds its root leads to. */
struct loaded {
	uint32_t cpu;
	uint64_t root;
	uint32_t space; /* WS_NO_SPACE: of none */
	struct ws_standing standing;
	const struct ws_need
		*need; /* of delivery, at the last fault, which is not mapped */
};

static uint8_t end_of(const struct ws_autopsy *autopsy, uint64_t root, uint64_t va)
{
	struct ws_trail trail;

	(void)ws_reach_by_root(autopsy, root, va, WS_KERNEL_READ, &trail);
	return trail.end;
}

/*
 * Whether the processor did not get to its next instruction by that root: its tables are read
 * and say so; or they lead out of what the target has, and its last fault was at what only
 * a delivery needs.
 */
static bool is_stuck(const struct ws_autopsy *autopsy, const struct loaded *loaded)
{
	uint8_t end = end_of(autopsy, loaded->root, loaded->standing.ip);

	return end != WS_END_PAGE && (ws_end_is_known(end) || loaded->need);
}

static bool look_at_loaded(const struct ws_autopsy *autopsy, uint32_t number,
			   struct loaded *loaded)
{
	const struct ws_system *system = autopsy->system;
	const struct ws_cpu *cpu = &system->target->cpus.v[number];

	*loaded = (struct loaded){ .cpu = number };
	if (!autopsy->arch->standing(autopsy->system, cpu, &loaded->standing) ||
	    !ws_system_cpu_root(system, cpu, &loaded->root))
		return false;
	loaded->space = ws_space_of_root(autopsy->audit, loaded->root);
	if (loaded->standing.has_fault &&
	    end_of(autopsy, loaded->root, loaded->standing.fault) != WS_END_PAGE)
		loaded->need = need_at(autopsy, loaded->standing.fault);
	return true;
}

static void take_loaded(struct ws_autopsy *autopsy, struct ws_death *death,
			const struct loaded *loaded)
{
	death->has_cpu = death->has_root = true;
	death->cpu = loaded->cpu;
	death->root = loaded->root;
	/* the register is wrong: whose it should be, per-CPU data may say */
	death->space = loaded->space;
	if (autopsy->mm_space != WS_NO_SPACE && autopsy->mm_cpu == loaded->cpu)
		death->space = autopsy->mm_space;
	death->certainty = loaded->need ? WS_CERTAINTY_LIKELY : WS_CERTAINTY_POSSIBLE;
	if (loaded->need)
		ws_clue(autopsy, "processor",
			"the address that faulted last on cpu %u, %#jx, is in %s, which this "
			"root does not lead to: no exception could be delivered",
			loaded->cpu, loaded->standing.fault, loaded->need->what);
}

/* By what of the space's own is left, else by struct page, where that is known. */
static enum ws_page_owned owned(const struct ws_autopsy *autopsy,
				const struct loaded *loaded)
{
	struct ws_system *system = autopsy->system;

	if (loaded->space != WS_NO_SPACE &&
	    system->spaces.v[loaded->space].kind == WS_SPACE_FREED)
		return WS_PAGE_NOBODYS;
	return ws_page_owned(system, loaded->root & system->paging.format->root_mask);
}

static const struct {
	const char *lies, *is;
} root_words[] = {
	[WS_PAGE_NOBODYS] = { "a root that lies in a freed page",
			      "in a freed page: the root of a process that is gone" },
	[WS_PAGE_OWNED] = { "and what lies there is no root of this kernel's",
			    "no page table of this kernel's" },
	[WS_PAGE_OWNED_UNKNOWN] = { "and no root of this kernel's is known to lie there",
				    "freed, or none of this kernel's (which is not known)" },
};

/* The root of a process that is gone, or of nobody: the next instruction is not mapped. */
bool ws_is_foreign_root(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_system *system = autopsy->system;
	struct loaded loaded;

	for (uint32_t i = 0; i < system->target->cpus.n; i++) {
		enum ws_page_owned page;

		if (!look_at_loaded(autopsy, i, &loaded))
			continue;
		page = owned(autopsy, &loaded);
		if ((loaded.space != WS_NO_SPACE && page != WS_PAGE_NOBODYS) ||
		    !is_stuck(autopsy, &loaded))
			continue;
		ws_clue(autopsy, "processor",
			"cpu %u has %#jx loaded, %s: not even the next instruction, at %#jx, "
			"is reached by it",
			i, loaded.root, root_words[page].lies, loaded.standing.ip);
		take_loaded(autopsy, death, &loaded);
		ws_say(autopsy,
		       "%s holds %#jx, which is %s: no instruction can be fetched, and no "
		       "exception be delivered",
		       ws_cpu_root_register(&system->target->cpus.v[i]), loaded.root,
		       root_words[page].is);
		return true;
	}
	return false;
}

/* ---- a table that was overwritten --------------------------------------------------- */

/* A processor whose space's root is no page table any more. */
static bool find_lost_root(const struct ws_autopsy *autopsy, struct loaded *loaded)
{
	const struct ws_system *system = autopsy->system;

	for (uint32_t i = 0; i < system->target->cpus.n; i++)
		if (look_at_loaded(autopsy, i, loaded) && loaded->space != WS_NO_SPACE &&
		    system->spaces.v[loaded->space].looks_damaged &&
		    is_stuck(autopsy, loaded))
			return true;
	return false;
}

static void clue_lost_root(struct ws_autopsy *autopsy, const struct loaded *loaded)
{
	char whose[WS_NAMED];

	ws_clue(autopsy, "processor",
		"cpu %u is in %s, and what lies at its root %#jx is no page table: "
		"not even the next instruction, at %#jx, is reached by it",
		loaded->cpu, ws_whose(autopsy, loaded->space, whose), loaded->root,
		loaded->standing.ip);
}

static bool is_root_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	char whose[WS_NAMED];
	struct loaded loaded;

	if (!find_lost_root(autopsy, &loaded))
		return false;
	clue_lost_root(autopsy, &loaded);
	take_loaded(autopsy, death, &loaded);
	ws_say(autopsy,
	       "the page table of %s at %#jx was overwritten while a processor was in "
	       "that space: no instruction can be fetched, and no exception be delivered",
	       ws_whose(autopsy, loaded.space, whose), loaded.root);
	return true;
}

static bool is_direct_map_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	struct ws_lost_table lost;

	if (!ws_find_lost_table(autopsy, &lost))
		return false;
	ws_put_lost_table(autopsy, death, &lost);
	ws_say(autopsy,
	       "a page table of the direct map, at %#jx, was overwritten: what the "
	       "kernel keeps in the memory that it maps, stacks too, is out of reach in "
	       "every space",
	       lost.table);
	return true;
}

/* A handler in the image that nobody reaches any more, nor init_mm: its table is none. */
static bool is_image_table_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_format *format = autopsy->system->paging.format;
	char named[WS_NAMED];

	ws_vec_each(&autopsy->storms, storm) {
		const struct ws_step *step;
		struct ws_clue *clue;
		struct ws_trail trail;

		if (!autopsy->arch->is_handler(autopsy->system, storm->frame.ip) ||
		    !ws_is_image_lost(autopsy, storm->frame.ip, &trail))
			continue;
		step = &trail.step[trail.nsteps - 1];
		death->certainty = WS_CERTAINTY_LIKELY;
		death->storm = storm;
		death->handler = storm->frame.ip;
		clue = ws_clue(autopsy, "hole",
			       "%s %u, by which init_mm and all spaces map %s, is %#jx, "
			       "which is no entry",
			       ws_level_entry_name(format, trail.nsteps - 1u),
			       step->index, ws_named(autopsy, storm->frame.ip, named),
			       step->entry);
		if (clue) {
			clue->has_pa = true;
			clue->pa = ws_step_entry_pa(format, step);
		}
		ws_say(autopsy,
		       "a page table of the kernel image, at %#jx, was overwritten: %s, "
		       "which the next fault needed, is out of reach in every space",
		       step->table, named);
		return true;
	}
	return false;
}

bool ws_is_table_overwritten(struct ws_autopsy *autopsy, struct ws_death *death)
{
	return is_root_overwritten(autopsy, death) ||
	       is_direct_map_overwritten(autopsy, death) ||
	       is_image_table_overwritten(autopsy, death);
}

/* ---- the machine's own tables ------------------------------------------------------- */

bool ws_is_table_damaged(struct ws_autopsy *autopsy, struct ws_death *death)
{
	const struct ws_audit *audit = autopsy->audit;

	if (!audit->doubt)
		return false;
	death->certainty = WS_CERTAINTY_POSSIBLE;
	ws_clue(autopsy, "processor",
		"no machine can have run like this: %s; either it died of that, or the "
		"dump is damaged there",
		audit->doubt);
	ws_say(autopsy, "%s: it died of that, or the dump is damaged there",
	       audit->doubt);
	return true;
}
