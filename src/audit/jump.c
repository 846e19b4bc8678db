/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Jumps: code that a processor runs by page tables of their own, on its way into this
 * kernel or out of it. Most run it at its physical address, by an identity map: tables
 * that map the code to itself, so that it goes on while the MMU is turned on or off.
 * Whether the processor finds it is decided by the regime at the jump, which is not
 * always the one in which those tables are looked at.
 *
 * A machine of one processor, that never sleeps and never loads another kernel, has these
 * tables too: what is said here is whether it would survive.
 */
#include "audit/jump.h"

#include <stdio.h>
#include <string.h>

#include "audit/arch.h"
#include "audit/damaged.h"
#include "audit/lack.h"
#include "linux/symtab.h"
#include "util/text.h"

/* clang-format off */
static const struct ws_rule rules[] = {
	{
		"jump-dies", "jump", "the jump through tables of its own dies", WS_FATAL,
		"To start another kernel (kexec, or a crash kernel after a panic), to bring up a "
		"processor or to resume one, code is run by page tables that map it to itself: "
		"the identity map. In the regime that the processor is in at that moment the "
		"code is not mapped: it faults, and goes nowhere. Nothing else is wrong: until "
		"then the machine runs.",
		"Let the processor use those tables before the jump: where the kernel disables "
		"user tables, enable them, as 009b6c6486b9 does. Where they lack the code, find "
		"out who wrote there. Do not rely on kexec, kdump, processor hotplug or sleep "
		"with this kernel.",
		"7af5b901e847 (6.10), which disables user tables in the kernel, until 009b6c6486b9",
		WS_COHERENT,
	},
};
/* clang-format on */

/* ---- what is looked at --------------------------------------------------------------- */

bool ws_jump_symbol(struct ws_system *system, const char *name, uint64_t *va)
{
	struct ws_symbol symbol;

	if (ws_symbol_lookup(system, name, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return false;
	}
	*va = symbol.va;
	return true;
}

/* An instruction's bytes, where a step has no end. */
#define INSTRUCTION 4

struct code {
	uint64_t first, last; /* where it is run */
	uint64_t pa;          /* and where its first byte lies */
};

static bool find_code(struct ws_system *system, const struct ws_jump_step *step,
		      struct code *code)
{
	uint64_t va, end;

	if (!ws_jump_symbol(system, step->entry, &va) ||
	    ws_kernel_translate(system, va, &code->pa) != WS_READ)
		return false;
	end = va + INSTRUCTION;
	if (step->end && (!ws_jump_symbol(system, step->end, &end) || end <= va))
		return false;
	code->first = step->is_virtual ? va : code->pa;
	code->last = code->first + (end - va) - 1;
	return true;
}

static bool is_mapped(struct ws_system *system, const struct code *code,
		      const struct ws_eye *eye, struct ws_trail *trail)
{
	for (uint64_t va = code->first; va <= code->last;
	     va = (va | (WS_FRAME_SIZE - 1)) + 1) {
		ws_eye_walk(&system->paging, eye, va, trail);
		if (trail->end != WS_END_PAGE ||
		    trail->pa != code->pa + (va - code->first) ||
		    !(trail->access & WS_KERNEL_EXECUTE))
			return false;
	}
	return true;
}

bool ws_jump_is_mapped(struct ws_system *system, const struct ws_jump_step *step,
		       const struct ws_eye *eye, struct ws_trail *trail)
{
	struct code code;

	return find_code(system, step, &code) && is_mapped(system, &code, eye, trail);
}

/* What a look at a jump came to. */
enum end { NO_SUCH, SURVIVES, DIES, UNKNOWN };
struct outcome {
	const struct ws_jump *jump;
	enum end end;
	char why[WS_REGIME_TEXT]; /* UNKNOWN */
	/* The step that decides, and of a jump that survives its first. */
	const struct ws_jump_step *step;
	struct code code;
	struct ws_jump_tables tables;
	struct ws_trail trail; /* DIES */
	bool said;
};

static enum end unknown(struct outcome *outcome, const char *why)
{
	snprintf(outcome->why, sizeof(outcome->why), "%s", why);
	return UNKNOWN;
}

/* Whether the tables have it, and are not what the processor then looks at. */
static bool is_hidden(struct ws_system *system, const struct outcome *outcome)
{
	const struct ws_jump_tables *tables = &outcome->tables;
	const struct ws_eye alone = {
		1, { { 0, UINT64_MAX, tables->root, tables->format } }
	};
	struct ws_trail trail;

	return is_mapped(system, &outcome->code, &alone, &trail);
}

/* Such tables may have one entry: whether that was cleared or all was, nothing shows. */
static bool is_erased(struct ws_system *system, const struct outcome *outcome)
{
	const struct ws_trail *trail = &outcome->trail;

	/* of a table of several frames the one that has the entry */
	return trail->end == WS_END_HOLE && trail->nsteps &&
	       ws_is_erased(&system->paging,
			    ws_step_entry_pa(trail->format,
					     &trail->step[trail->nsteps - 1])) &&
	       !is_hidden(system, outcome);
}

static enum end look_at_step(struct ws_system *system, struct outcome *outcome,
			     const struct ws_jump_step *step)
{
	const char *why;

	outcome->step = step;
	if (!find_code(system, step, &outcome->code))
		return unknown(outcome,
			       "the code that it runs was not found by its symbols");
	why = step->tables(system, outcome->jump, &outcome->tables);
	if (why)
		return unknown(outcome, why);
	if (is_mapped(system, &outcome->code, &outcome->tables.eye, &outcome->trail))
		return SURVIVES;
	if (!ws_end_is_known(outcome->trail.end))
		return unknown(outcome, "a page table that decides is not in the target");
	if (is_erased(system, outcome))
		return unknown(outcome, "a page table that decides is all zeros, and may "
					"have been overwritten");
	return DIES;
}

/* A kernel without the function does not do it, if all of its functions are known. */
static bool does(struct ws_system *system, const struct ws_jump *jump)
{
	uint64_t va;

	return ws_jump_symbol(system, jump->by, &va) || !ws_functions_known(system);
}

static struct outcome look(struct ws_system *system, const struct ws_jump *jump)
{
	struct outcome first = { .jump = jump, .end = NO_SUCH };

	if (!does(system, jump))
		return first;
	if (!jump->step[0].entry) {
		first.end = unknown(&first, jump->unknown);
		return first;
	}
	first.end = look_at_step(system, &first, &jump->step[0]);
	for (unsigned i = 1; i < WS_JUMP_STEPS && jump->step[i].entry; i++) {
		struct outcome next = { .jump = jump };

		if (first.end != SURVIVES)
			break;
		next.end = look_at_step(system, &next, &jump->step[i]);
		if (next.end != SURVIVES)
			return next;
	}
	return first;
}

static const struct ws_jump *jumps_of(const struct ws_system *system)
{
	const struct ws_arch *arch = system->format ? ws_arch_of(system->format) : NULL;

	return arch && arch->audit ? arch->audit->jumps : NULL;
}

void ws_jumps_tour(struct ws_system *system)
{
	for (const struct ws_jump *jump = jumps_of(system); jump && jump->what; jump++)
		(void)look(system, jump);
}

/* ---- what is said -------------------------------------------------------------------- */

/* "; TTBCR 0: TTBR0 translates all" */
static void print_regime(FILE *to, const struct ws_jump_tables *tables)
{
	if (tables->text[0])
		fprintf(to, "; %s", tables->text);
}

/* What is wrong with the tables, or with who looks at them. */
static const char *complaint(struct ws_system *system, const struct outcome *outcome)
{
	const struct ws_trail *trail = &outcome->trail;

	if (is_hidden(system, outcome))
		return "maps that, and is not what translates it";
	if (trail->end == WS_END_PAGE && !(trail->access & WS_KERNEL_EXECUTE))
		return "does not let that code be executed there";
	return "does not map that code there";
}

static void record(struct ws_audit *audit, const struct outcome *outcome)
{
	const struct ws_jump_tables *tables = &outcome->tables;
	const char *why = complaint(audit->system, outcome);
	uint64_t va = outcome->trail.va;
	struct ws_finding *finding = ws_found(
		audit, &rules[0], ws_init_space(audit), va, va,
		"%s dies at %#jx, where %s is run at its %s address: %s (root %#jx) %s%s%s%s",
		outcome->jump->what, va, outcome->step->entry,
		outcome->step->is_virtual ? "virtual" : "physical", tables->name,
		tables->root, why, tables->text[0] ? " (" : "", tables->text,
		tables->text[0] ? ")" : "");

	if (!finding)
		return;
	finding->machine = true;
	finding->here = outcome->trail;
}

/* What is said of both in one note. */
static bool are_alike(const struct outcome *a, const struct outcome *b)
{
	if (a->end != b->end || b->said)
		return false;
	if (a->end == UNKNOWN)
		return !strcmp(a->why, b->why);
	return a->end == SURVIVES && a->tables.root == b->tables.root &&
	       a->step->is_virtual == b->step->is_virtual &&
	       !strcmp(a->tables.text, b->tables.text);
}

typedef void print_fn(FILE *to, const struct outcome *outcome);

static void print_what(FILE *to, const struct outcome *outcome)
{
	fputs(outcome->jump->what, to);
}

static void print_entry(FILE *to, const struct outcome *outcome)
{
	fprintf(to, "%s at %#jx", outcome->step->entry, outcome->code.first);
}

/* "a, b and c": of all that one note is about. */
static void print_list(FILE *to, const struct outcome *const *v, size_t n,
		       print_fn *print)
{
	for (size_t i = 0; i < n; i++) {
		fputs(!i ? "" : i + 1 == n ? " and " : ", ", to);
		print(to, v[i]);
	}
}

/* The first with each piece of code: two jumps may go by the same. */
static size_t distinct(const struct outcome *const *v, size_t n,
		       const struct outcome *by_code[static WS_JUMPS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		bool known = false;

		for (size_t k = 0; k < count; k++)
			known |= by_code[k]->code.first == v[i]->code.first;
		if (!known)
			by_code[count++] = v[i];
	}
	return count;
}

static void print_survivors(FILE *to, const struct outcome *const *v, size_t n)
{
	const struct outcome *first = v[0], *by_code[WS_JUMPS_MAX];

	print_list(to, v, n, print_what);
	fprintf(to, " survive%s, as far as page tables go: ", n == 1 ? "s" : "");
	n = distinct(v, n, by_code);
	print_list(to, by_code, n, print_entry);
	if (first->step->is_virtual)
		fprintf(to, " %s mapped by %s as by init_mm", n == 1 ? "is" : "are",
			first->tables.name);
	else
		fprintf(to, ", %s, %s mapped to %s",
			n == 1 ? "its physical address" : "their physical addresses",
			n == 1 ? "is" : "are", n == 1 ? "itself" : "themselves");
	fprintf(to, " (root %#jx", first->tables.root);
	print_regime(to, &first->tables);
	fputc(')', to);
}

static void print_unknown(FILE *to, const struct outcome *const *v, size_t n)
{
	fputs("whether ", to);
	print_list(to, v, n, print_what);
	fprintf(to, " survive%s is unknown: %s", n == 1 ? "s" : "", v[0]->why);
}

static void note(struct ws_audit *audit, const struct outcome *const *v, size_t n)
{
	struct ws_text text;
	FILE *to = ws_text_open(&text);
	char *words;

	if (to) {
		(v[0]->end == SURVIVES ? print_survivors : print_unknown)(to, v, n);
		words = ws_text_close(&text, NULL);
		if (words)
			ws_audit_say(audit, "%s", words);
		audit->short_of_memory |= !words;
		free(words);
	} else {
		audit->short_of_memory = true;
	}
}

/* Where answers go by a regime that was given, and it is not the one of the jumps. */
static void note_regime(struct ws_audit *audit)
{
	struct ws_system *system = audit->system;
	const struct ws_arch *arch = ws_arch_of(system->format);
	char why[WS_REGIME_WHY];
	const struct ws_named_regime *row =
		system->options.regime && arch->regime_by_memory
			? arch->regime_by_memory(system, why)
			: NULL;
	struct ws_regime regime;

	if (row && ws_regime_of_named(system, row, &regime) &&
	    strcmp(regime.text, system->regime.text) != 0)
		ws_audit_say(audit,
			     "what is said of jumps goes by what is in memory (%s: %s), "
			     "not by the regime that was given (%s)",
			     row->what, regime.text, system->regime.text);
}

static enum ws_status run_jumps(struct ws_audit *audit)
{
	const struct ws_jump *jump = audit->arch ? audit->arch->jumps : NULL;
	struct outcome all[WS_JUMPS_MAX];
	size_t n = 0;

	for (; jump && jump->what && n < WS_JUMPS_MAX; jump++)
		all[n++] = look(audit->system, jump);
	if (n)
		note_regime(audit);
	for (size_t i = 0; i < n; i++) {
		const struct outcome *alike[WS_JUMPS_MAX];
		size_t nalike = 0;

		if (all[i].end == DIES)
			record(audit, &all[i]);
		if (all[i].end == DIES || all[i].end == NO_SUCH || all[i].said)
			continue;
		for (size_t k = i; k < n; k++)
			if (are_alike(&all[i], &all[k])) {
				alike[nalike++] = &all[k];
				all[k].said = true;
			}
		note(audit, alike, nalike);
	}
	return WS_OK;
}

const struct ws_family ws_jumps = {
	.name = "jump",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.run = run_jumps,
};
