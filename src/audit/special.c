/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables that are no task's and that the kernel has for a purpose of its own: to
 * bring processors up with, to call firmware in, to change its text through. They are not
 * meant to be like init_mm's all over, and are judged by what they are for: each has
 * duties, which are the architecture's rows (special.h). Nobody lives there, so what is
 * found is about the machine, and no space's verdict.
 */
#include "audit/special.h"

#include <stdio.h>
#include <string.h>

#include "audit/arch.h"
#include "audit/code.h"
#include "audit/lack.h"
#include "audit/mending.h"
#include "linux/region.h"
#include "linux/roots.h"
#include "linux/special.h"
#include "util/count.h"

enum rule { HOLE, TARGET, RIGHTS, IDENTITY, LEAK, USER, NRULES };

/* clang-format off */
static const struct ws_rule rules[NRULES] = {
	[HOLE] = {
		"special-hole", "special", "a page table of the kernel's own lacks kernel mappings",
		WS_FATAL,
		"The kernel has page tables that no task uses: to start processors and to wake up "
		"with, to call firmware in, to change its own text through. These lack a "
		"mapping that init_mm has and that what they are for needs. Whoever runs on them "
		"faults there, mostly where no fault can be handled yet. Where the kernel copies "
		"the mapping before it uses the table, it is a warning.",
		"Copy init_mm's entry when it is made, as sync_initial_page_table() and "
		"efi_sync_low_kernel_mappings() do. Until then do not bring up processors, "
		"suspend or call firmware on this kernel.",
		"Linux 945fd17ab6ba (4.16): cpu_entry_area not in initial_page_table, resume ends "
		"in a triple fault; 51523ed1c267 (5.17): stacks not in trampoline_pgd",
		WS_COHERENT,
	},
	[TARGET] = {
		"special-target", "special",
		"a page table of the kernel's own maps other memory than init_mm", WS_FATAL,
		"Both map this part of the kernel, to different page frames: whoever runs on these "
		"page tables, which no task uses, reads and executes other memory there than the "
		"kernel's.",
		"Find out what replaced a table or wrote to this one; copy init_mm's entry.",
		"As for special-hole: the copy is made once, and a table that init_mm replaces "
		"later stays behind",
		WS_COHERENT,
	},
	[RIGHTS] = {
		"special-rights", "special",
		"a page table of the kernel's own withholds rights that init_mm grants", WS_ERROR,
		"The same memory as in init_mm, but it cannot be written to, or executed, by whoever "
		"runs on these page tables.",
		"Change rights where both are reached, or copy init_mm's entry.",
		"No kernel that is known: these tables are made once, and rights are changed in "
		"init_mm later",
		WS_COHERENT,
	},
	[IDENTITY] = {
		"special-identity", "special",
		"code that turns paging on is not mapped to itself", WS_FATAL,
		"A processor turns paging on, or off, in code that it runs at its physical address. "
		"The page tables that it does that with have to map that code to itself, and "
		"executable: else its very next instruction cannot be fetched, and it faults with "
		"no handler at all.",
		"Map the code one to one in these page tables, and let nothing take its right to be "
		"executed away. Until then do not bring up processors, and do not suspend.",
		"Each way into the kernel that turns paging on: trampolines, initial_page_table, "
		"idmap_pg_dir",
		WS_COHERENT,
	},
	[LEAK] = {
		"special-leak", "special",
		"a page table of the kernel's own maps what it must not", WS_ERROR,
		"These page tables are kept small on purpose: user mode runs on them, or the "
		"processor must find nothing there. This mapping is none of those that they are "
		"for, and whoever runs on them can reach it.",
		"Find out who made the mapping; unmap it.",
		"KPTI: what a trampoline maps of the kernel, Meltdown reads",
		WS_COHERENT,
	},
	[USER] = {
		"special-user", "special",
		"a page table of the kernel's own opens kernel memory to user mode", WS_ERROR,
		"In these page tables, which no task uses, memory of the kernel's half is accessible "
		"from user mode, and in init_mm it is not.",
		"Find out who made the mapping; none of the kernel's own tables needs such.",
		"poking_mm was made so that a writable alias of kernel text is seen by one processor "
		"alone (4fc19708b165, 5.2)",
		WS_COHERENT,
	},
};
/* clang-format on */

/* So many ranges are reported of one duty; more have one cause. */
#define RANGES_MAX 8
/* Steps of one duty: pages or holes that are not shared with init_mm. */
#define STEPS_MAX (1u << 18)

/* Neighbouring addresses of one finding to be. */
struct range {
	enum rule rule;
	uint64_t va, last;
	struct ws_trail here, there;
};

struct judging {
	struct ws_audit *audit;
	const struct ws_special *special;
	const struct ws_special_found *found;
	const struct ws_special_duty *duty;
	struct ws_menders menders;
	struct range range;
	bool open;        /* there is one */
	unsigned nranges; /* of this duty */
	bool said;        /* that something is not known */
	uint8_t state;    /* enum ws_special_state, of all duties */
};

static const char *name_of(const struct judging *j)
{
	return j->special->root->name;
}

/* ---- what is put down ------------------------------------------------------------- */

static void say_unknown(struct judging *j, const char *why)
{
	char root[32] = "";

	if (j->found->known)
		snprintf(root, sizeof(root), " (root %#jx)", j->found->root);
	if (!j->said)
		ws_audit_say(j->audit,
			     "whether %s%s maps all that it is for is unknown: %s",
			     name_of(j), root, why);
	j->said = true;
	if (j->state == WS_SPECIAL_KEPT)
		j->state = WS_SPECIAL_UNKNOWN;
}

static void say_unread(struct judging *j, const struct ws_trail *trail)
{
	const struct ws_format *format = j->audit->system->paging.format;
	unsigned level = trail->nsteps ? trail->nsteps - 1u : 0;
	char why[128];

	snprintf(why, sizeof(why), "the %s at %#jx is not in the target",
		 ws_level_name(format, level), trail->step[level].table);
	say_unknown(j, why);
}

/* A processor is in it: what is done before it is used is done. */
static bool is_run_in(const struct judging *j)
{
	return j->found->space != WS_NO_SPACE &&
	       j->audit->system->spaces.v[j->found->space].kind == WS_SPACE_UNOWNED;
}

static bool is_mended(const struct judging *j, const struct ws_finding *finding)
{
	const struct ws_mender *mender;

	if (j->duty->mended)
		return !is_run_in(j);
	if (!j->duty->by_mendings || j->range.rule != HOLE)
		return false;
	mender = ws_mender_of_hole(j->audit, &j->menders, finding);
	return mender && mender->does == WS_MENDS;
}

/* What is wrong, before and behind the addresses. */
static const char *const faults[NRULES][2] = {
	[HOLE] = { "does not map", "" },
	[TARGET] = { "maps", " to other memory than init_mm does" },
	[RIGHTS] = { "withholds at", " rights that init_mm grants" },
	[IDENTITY] = { "does not map", " to itself, executable" },
	[LEAK] = { "maps", ", and must not" },
	[USER] = { "opens", " to user mode" },
};

/* "cpu_entry_area; PDE 1021 is empty" */
static void name_range(const struct judging *j, char *text, size_t size)
{
	const struct ws_special_duty *duty = j->duty;
	const struct ws_trail *here = &j->range.here;
	bool of_region = duty->what == WS_SPECIAL_AS_INIT || !duty->first;
	const char *what = of_region && j->range.rule != IDENTITY
				   ? ws_region_name(j->audit->system, j->range.va)
			   : duty->maps ? duty->maps
					: duty->first;

	if (here->end == WS_END_HOLE)
		snprintf(text, size, "%s; %s %u is empty", what,
			 ws_level_entry_name(here->format, here->nsteps - 1u),
			 here->step[here->nsteps - 1u].index);
	else
		snprintf(text, size, "%s", what);
}

static void record(struct judging *j)
{
	const struct range *range = &j->range;
	const char *const *fault = faults[range->rule];
	uint32_t space = j->found->space;
	struct ws_finding *finding;
	char name[128];

	name_range(j, name, sizeof(name));
	finding = ws_found(j->audit, &rules[range->rule],
			   space == WS_NO_SPACE ? ws_init_space(j->audit) : space,
			   range->va, range->last,
			   "%s: %s (root %#jx) %s %#jx to %#jx (%s)%s", j->duty->then,
			   name_of(j), j->found->root, fault[0], range->va, range->last,
			   name, fault[1]);
	if (!finding)
		return;
	finding->machine = true;
	finding->here = range->here;
	finding->there = range->there;
	finding->severity = j->duty->severity;
	if (finding->severity > WS_WARNING && is_mended(j, finding))
		finding->severity = WS_WARNING;
}

static void flush(struct judging *j)
{
	if (j->open && j->nranges++ < RANGES_MAX)
		record(j);
	j->open = false;
}

static void end_duty(struct judging *j)
{
	flush(j);
	if (j->nranges)
		j->state = WS_SPECIAL_BROKEN;
	if (j->nranges > RANGES_MAX)
		ws_audit_say(j->audit, "%s: the same holds for %s", name_of(j),
			     WS_COUNT_OF(j->nranges - RANGES_MAX, "more range"));
	j->nranges = 0;
}

static void add(struct judging *j, const struct range *next)
{
	if (j->open && j->range.rule == next->rule && j->range.last + 1 == next->va) {
		j->range.last = next->last;
		return;
	}
	flush(j);
	j->range = *next;
	j->open = true;
}

/* ---- both walks of one address ---------------------------------------------------- */

struct both {
	struct ws_trail here, there;
	uint64_t last; /* up to here both end as they do at va */
	bool shared;   /* from some entry on they are the same */
};

static uint64_t last_of(const struct ws_format *format, const struct ws_trail *trail)
{
	unsigned shift = trail->end == WS_END_PAGE ? trail->page_shift
			 : trail->nsteps ? format->level[trail->nsteps - 1].shift
					 : format->level[0].shift;

	return trail->va | (WS_BIT(shift) - 1);
}

/* The entry that both have, if they have one: all below it is the same. */
static bool find_shared(const struct ws_format *format, struct both *both)
{
	unsigned n = both->here.nsteps < both->there.nsteps ? both->here.nsteps
							    : both->there.nsteps;

	for (unsigned l = 0; l < n; l++) {
		uint64_t here = both->here.step[l].entry,
			 there = both->there.step[l].entry;

		if (!ws_step_is_read(&both->here, l) ||
		    !ws_step_is_read(&both->there, l) ||
		    (here ^ there) & ~format->touched)
			continue;
		both->last = both->here.va | (WS_BIT(format->level[l].shift) - 1);
		return true;
	}
	return false;
}

static void walk_both(struct judging *j, uint64_t va, struct both *both)
{
	const struct ws_system *system = j->audit->system;
	const struct ws_format *format = system->paging.format;
	uint64_t there;

	ws_walk(&j->found->paging, j->found->root, va, &both->here);
	ws_walk(&system->paging, system->layout.reference, va, &both->there);
	both->last = last_of(format, &both->here);
	there = last_of(format, &both->there);
	if (there < both->last)
		both->last = there;
	both->shared = find_shared(format, both);
	j->audit->work++;
}

static bool is_page(const struct ws_trail *trail)
{
	return trail->end == WS_END_PAGE;
}

/* What is wrong with what both do; NRULES: nothing is. */
static enum rule judge_as_init(const struct both *both)
{
	uint8_t rights = both->there.access & WS_KERNEL_ALL;

	if (!is_page(&both->there))
		return NRULES;
	if (!is_page(&both->here))
		return HOLE;
	if (both->here.pa != both->there.pa)
		return TARGET;
	return rights & ~both->here.access ? RIGHTS : NRULES;
}

static enum rule judge_code(const struct both *both)
{
	enum rule rule = judge_as_init(both);

	if (rule == NRULES && is_page(&both->here) &&
	    !(both->here.access & WS_KERNEL_EXECUTE))
		return RIGHTS;
	return rule;
}

static enum rule judge_user(const struct both *both)
{
	return is_page(&both->here) && both->here.access & WS_USER_ALL &&
			       !(is_page(&both->there) &&
				 both->there.access & WS_USER_ALL)
		       ? USER
		       : NRULES;
}

static enum rule judge_both(const struct judging *j, const struct both *both)
{
	switch (j->duty->what) {
	case WS_SPECIAL_AS_INIT:
		return judge_as_init(both);
	case WS_SPECIAL_CODE:
		return judge_code(both);
	case WS_SPECIAL_NOTHING_ELSE:
		return is_page(&both->here) ? LEAK : NRULES;
	default:
		return judge_user(both);
	}
}

/* Whether what was not read decides. */
static const struct ws_trail *unread(const struct judging *j, const struct both *both)
{
	bool of_init =
		j->duty->what == WS_SPECIAL_AS_INIT || j->duty->what == WS_SPECIAL_CODE;

	if (both->shared && of_init && j->duty->what != WS_SPECIAL_CODE)
		return NULL;
	if (!ws_end_is_known(both->here.end) && (!of_init || is_page(&both->there)))
		return &both->here;
	return of_init && !ws_end_is_known(both->there.end) ? &both->there : NULL;
}

/* ---- ranges of addresses ---------------------------------------------------------- */

static void judge_range(struct judging *j, uint64_t va, uint64_t last)
{
	struct both both;

	for (unsigned steps = 0; va <= last; va = both.last + 1) {
		const struct ws_trail *missing;
		enum rule rule;

		if (steps++ == STEPS_MAX) {
			say_unknown(j,
				    "more of it differs from init_mm than is looked at");
			break;
		}
		walk_both(j, va, &both);
		missing = unread(j, &both);
		rule = judge_both(j, &both);
		if (rule == HOLE) /* all that one entry rules is one finding */
			both.last = last_of(both.here.format, &both.here);
		if (both.last > last)
			both.last = last;
		if (missing)
			say_unread(j, missing);
		else if (rule != NRULES)
			add(j, &(struct range){ rule, va, both.last, both.here,
						both.there });
		if (both.last == UINT64_MAX)
			break;
	}
	flush(j);
}

static bool lies_in(const struct ws_system *system, uint64_t va, const char *region)
{
	return region && !strcmp(ws_region_name(system, va), region);
}

/* The kernel's half or a part of it, less the region that the duty is not about. */
static void judge_but(struct judging *j, uint64_t first, uint64_t last)
{
	const struct ws_system *system = j->audit->system;

	ws_vec_each(&system->regions, row)
		if (lies_in(system, row->first, j->duty->but) && row->first <= last &&
		    row->last >= first) {
			if (row->first > first)
				judge_but(j, first, row->first - 1);
			if (row->last < last)
				judge_but(j, row->last + 1, last);
			return;
		}
	judge_range(j, first, last);
}

static void judge_region(struct judging *j)
{
	const struct ws_system *system = j->audit->system;
	const char *name = j->duty->region;
	bool known = false;

	if (!name) {
		judge_but(j, system->layout.kernel_first, ws_last_va(system));
		return;
	}
	if (!strcmp(name, "user")) {
		judge_but(j, 0, ws_last_user_va(system));
		return;
	}
	ws_vec_each(&system->regions, row)
		if (!strcmp(row->name, name)) {
			known = true;
			judge_but(j, row->first, row->last);
		}
	if (!known) {
		char why[96];

		snprintf(why, sizeof(why), "where the %s lies was not found", name);
		say_unknown(j, why);
	}
}

/* ---- code ------------------------------------------------------------------------- */

/* Virtual addresses of what the duty is about. */
static enum ws_evidence find_code(struct judging *j, uint64_t *first, uint64_t *last)
{
	const struct ws_special_duty *duty = j->duty;
	uint64_t end;

	if (duty->range)
		return duty->range(j->audit, first, last);
	if (!ws_code_symbol(j->audit, duty->first, first))
		return WS_ABSENT;
	if (duty->end) {
		if (!ws_code_symbol(j->audit, duty->end, &end) || end <= *first)
			return WS_ABSENT;
		*last = end - 1;
	} else {
		*last = duty->size ? *first + duty->size - 1
				   : ws_code_last(j->audit, *first);
	}
	return WS_READ;
}

static void say_unfound(struct judging *j)
{
	char why[160];

	snprintf(why, sizeof(why), "where %s lies was not found",
		 j->duty->maps ? j->duty->maps : j->duty->first);
	say_unknown(j, why);
}

/* At its physical address each page of the code leads to itself. */
static void judge_identity(struct judging *j, uint64_t first, uint64_t last)
{
	struct ws_system *system = j->audit->system;
	uint64_t next;

	for (uint64_t va = first; va <= last && va >= first; va = next) {
		struct range range = { .rule = IDENTITY };
		uint64_t pa;

		next = (va | (WS_FRAME_SIZE - 1)) + 1;
		if (ws_kernel_translate(system, va, &pa) != WS_READ) {
			say_unknown(j, "where its code lies in memory is not known");
			return;
		}
		ws_walk(&j->found->paging, j->found->root, pa, &range.here);
		ws_walk(&system->paging, system->layout.reference, va, &range.there);
		j->audit->work++;
		range.va = pa;
		range.last = pa + ((next - 1 < last ? next - 1 : last) - va);
		if (!ws_end_is_known(range.here.end))
			say_unread(j, &range.here);
		else if (!is_page(&range.here) || range.here.pa != pa ||
			 !(range.here.access & WS_KERNEL_EXECUTE))
			add(j, &range);
	}
}

static void judge_code_of(struct judging *j)
{
	const struct ws_special_duty *duty = j->duty;
	uint64_t first, last;
	enum ws_evidence evidence = find_code(j, &first, &last);

	if (evidence == WS_NOT_MAPPED)
		return;
	if (evidence != WS_READ)
		say_unfound(j);
	else if (duty->what == WS_SPECIAL_IDENTITY)
		judge_identity(j, first, last);
	else
		judge_range(j, first, last);
}

/* ---- nothing else ----------------------------------------------------------------- */

struct allowed {
	struct judging *j;
	uint64_t va[RANGES_MAX], last[RANGES_MAX];
	unsigned n;
};

static bool is_physical(const struct ws_special_duty *duty)
{
	return duty->what == WS_SPECIAL_IDENTITY || duty->what == WS_SPECIAL_MAY_ITSELF;
}

static enum ws_evidence find_one(struct judging *j, uint64_t *first, uint64_t *last)
{
	enum ws_evidence evidence = find_code(j, first, last);
	uint64_t pa = *first;

	if (evidence == WS_READ && is_physical(j->duty)) {
		evidence = ws_kernel_translate(j->audit->system, *first, &pa);
		*last = pa + (*last - *first);
		*first = pa;
	}
	return evidence;
}

/* What the other duties are about. False: where one of these lies is not known, as said. */
static bool find_allowed(struct judging *j, struct allowed *allowed)
{
	const struct ws_special_duty *about = j->duty;
	bool known = true;

	for (const struct ws_special_duty *duty = j->special->duties; duty->what;
	     duty++) {
		enum ws_evidence evidence;
		uint64_t first, last;

		j->duty = duty;
		if ((!duty->first && !duty->range) || allowed->n == RANGES_MAX)
			continue;
		evidence = find_one(j, &first, &last);
		if (evidence != WS_READ && evidence != WS_NOT_MAPPED) {
			say_unfound(j);
			known = false;
		}
		if (evidence != WS_READ)
			continue;
		allowed->va[allowed->n] = first & -(uint64_t)WS_FRAME_SIZE;
		allowed->last[allowed->n++] = last | (WS_FRAME_SIZE - 1);
	}
	j->duty = about;
	return known;
}

/* A page may be larger than what it is allowed for. */
static bool is_allowed(const struct allowed *allowed, uint64_t va, uint64_t page_last)
{
	for (unsigned i = 0; i < allowed->n; i++)
		if (page_last >= allowed->va[i] && va <= allowed->last[i])
			return true;
	return false;
}

/* A page at a time, where a part of what is mapped is allowed. */
static bool note_leak(void *arg, const struct ws_run *run)
{
	struct allowed *allowed = arg;
	struct judging *j = allowed->j;
	const struct ws_system *system = j->audit->system;
	struct range range = { .rule = LEAK };
	uint64_t size = WS_BIT(run->page_shift);

	if (run->end != WS_END_PAGE) {
		say_unknown(j, "a table of it is not in the target");
		return true;
	}
	for (uint64_t va = run->va; va <= run->last && va >= run->va; va += size) {
		if (is_allowed(allowed, va, va + (size - 1)))
			continue;
		ws_walk(&j->found->paging, j->found->root, va, &range.here);
		ws_space_walk(system, &system->spaces.v[ws_init_space(j->audit)], va,
			      &range.there);
		range.va = va;
		range.last = va + (size - 1);
		add(j, &range);
		if (j->nranges > RANGES_MAX)
			return false;
	}
	return true;
}

static void judge_nothing_else(struct judging *j)
{
	const struct ws_system *system = j->audit->system;
	const char *name = j->duty->region;
	bool user = name && !strcmp(name, "user");
	struct allowed allowed = { .j = j };

	if (!find_allowed(j, &allowed))
		return;
	if (ws_range(&j->found->paging, j->found->root,
		     user ? 0 : system->layout.kernel_first,
		     user ? ws_last_user_va(system) : ws_last_va(system),
		     WS_RANGE_UNKNOWN, 0, note_leak, &allowed) != WS_OK)
		say_unknown(j, "its tables have no end");
	ws_error_clear(j->audit->ctx);
}

/* ---- one space -------------------------------------------------------------------- */

static bool take_first(void *arg, const struct ws_run *run)
{
	*(bool *)arg = ws_end_is_known(run->end);
	return false;
}

/* Whether the tables map something of a region: this kernel is one of those that do. */
static bool maps_some(struct judging *j, const char *region)
{
	const struct ws_system *system = j->audit->system;
	bool some = false;

	ws_vec_each(&system->regions, row)
		if (!strcmp(row->name, region) && !some)
			(void)!ws_range(&j->found->paging, j->found->root, row->first,
					row->last, WS_RANGE_UNKNOWN, 64, take_first,
					&some);
	ws_error_clear(j->audit->ctx);
	return some;
}

static void judge_duty(struct judging *j)
{
	const struct ws_special_duty *duty = j->duty;
	bool of_init = duty->what != WS_SPECIAL_IDENTITY;

	if (duty->what == WS_SPECIAL_MAY || duty->what == WS_SPECIAL_MAY_ITSELF)
		return;
	if (duty->if_any && !maps_some(j, duty->if_any))
		return;
	if (of_init && j->audit->system->layout.consensus)
		say_unknown(j, "init_mm's own page table was not found");
	else if (duty->what == WS_SPECIAL_NOTHING_ELSE)
		judge_nothing_else(j);
	else if (duty->first || duty->range)
		judge_code_of(j);
	else
		judge_region(j);
	end_duty(j);
}

/* What lies at the root is not what the kernel put there. */
static bool is_overwritten(struct judging *j)
{
	const uint8_t *frame;

	return ws_target_frame(j->audit->system->target, j->found->root, &frame) ==
		       WS_READ &&
	       ws_root_size(j->found->paging.format) >= WS_FRAME_SIZE && frame[0] &&
	       ws_is_one_byte(frame);
}

static void judge(struct judging *j)
{
	if (!j->found->known) {
		say_unknown(j, j->special->root->symbol[0]
				       ? "what its symbol leads to is not in the target"
				       : "nothing that looks like it was found");
		return;
	}
	if (is_overwritten(j)) {
		say_unknown(j, "its root was overwritten: all bytes are the same");
		return;
	}
	for (j->duty = j->special->duties; j->duty->what; j->duty++)
		judge_duty(j);
}

/* ---- all of them ------------------------------------------------------------------ */

static const struct ws_special *special_of(const struct ws_audit *audit,
					   const struct ws_special_root *root)
{
	for (const struct ws_special *row = audit->arch->specials; row && row->root;
	     row++)
		if (row->root == root)
			return row;
	return NULL;
}

static void judge_found(struct ws_audit *audit, const struct ws_menders *menders,
			const struct ws_special_found *found)
{
	struct judging j = { .audit = audit,
			     .special = special_of(audit, found->row),
			     .found = found,
			     .menders = *menders };
	struct ws_special_judgement *judgement;

	if (!j.special)
		return;
	judge(&j);
	judgement = ws_vec_push(&audit->specials);
	if (judgement)
		*judgement = (struct ws_special_judgement){ name_of(&j), found->root,
							    j.state };
	else
		audit->short_of_memory = true;
}

bool ws_has_duties(const struct ws_audit *audit, uint32_t space)
{
	const struct ws_special_found *found = ws_special_of(audit->system, space);

	return found && special_of(audit, found->row);
}

static enum ws_status run_special(struct ws_audit *audit)
{
	enum ws_status status = ws_specials_find(audit->system);
	struct ws_menders menders;

	if (status != WS_OK || !audit->system->specials.n)
		return status;
	ws_menders_look(audit, &menders);
	ws_vec_each(&audit->system->specials, found)
		judge_found(audit, &menders, found);
	return WS_OK;
}

const struct ws_special_judgement *ws_audit_specials(const struct ws_audit *audit,
						     size_t *n)
{
	*n = audit->specials.n;
	return audit->specials.v;
}

const struct ws_family ws_specials = {
	.name = "special",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.run = run_special,
};
