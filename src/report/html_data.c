/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/html_data.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/intern.h"
#include "report/pieces.h"
#include "report/report.h"
#include "report/words.h"
#include "util/bits.h"
#include "util/cleanup.h"

static json_t *hex(struct tree *tree, uint64_t number)
{
	json_t *text = json_sprintf("%" PRIx64, number);

	if (!text)
		tree->failed = true;
	return text;
}

/* The number of key; a tree that memory is too short to number is failed. */
static uint32_t number_of(struct tree *tree, struct intern *intern, const void *key,
			  size_t size, bool *is_new)
{
	uint32_t number = intern_number(intern, key, size, is_new);

	if (number == INTERN_NONE)
		tree->failed = true;
	return number;
}

static void put_text(struct tree *tree, json_t *object, const char *key, const char *text)
{
	tree_put(tree, object, key, tree_text(tree, text));
}

static void put_number(struct tree *tree, json_t *object, const char *key,
		       uint64_t number)
{
	tree_put(tree, object, key, tree_number(tree, number));
}

static void put_hex(struct tree *tree, json_t *object, const char *key, uint64_t number)
{
	tree_put(tree, object, key, hex(tree, number));
}

/* ---- the target ------------------------------------------------------------------- */

/* Linux's own are at most 64 characters (__NEW_UTS_LEN). */
#define RELEASE 256

/* "6.1.0-50-686", of VMCOREINFO's first line, into release; NULL: not known. */
static const char *kernel_release(const struct ws_system *system, char release[RELEASE])
{
	static const char key[] = "OSRELEASE=";
	const char *info = ws_system_vmcoreinfo(system);
	const char *line = info ? strstr(info, key) : NULL;

	if (!line)
		return NULL;
	line += sizeof(key) - 1;
	snprintf(release, RELEASE, "%.*s", (int)strcspn(line, "\n"), line);
	return release;
}

static json_t *levels(struct tree *tree, const struct ws_format *format)
{
	json_t *names = tree_array(tree);

	for (unsigned l = 0; l < ws_format_levels(format); l++) {
		json_t *name = tree_array(tree);

		tree_add(tree, name, tree_text(tree, ws_level_name(format, l)));
		tree_add(tree, name, tree_text(tree, ws_level_entry_name(format, l)));
		tree_add(tree, names, name);
	}
	return names;
}

static void put_target(struct tree *tree, json_t *data, const struct ws_system *system)
{
	const struct ws_target *target = ws_system_target(system);
	const struct ws_format *format = ws_system_paging(system)->format;
	const struct ws_layout *layout = ws_system_layout(system);
	char known[RELEASE];
	const char *release = kernel_release(system, known);

	put_text(tree, data, "tool", WS_VERSION);
	put_text(tree, data, "target", ws_target_path(target));
	put_text(tree, data, "kind", ws_target_kind(target));
	put_text(tree, data, "release", release);
	put_text(tree, data, "format", ws_format_name(format));
	put_number(tree, data, "bits", ws_format_va_bits(format));
	tree_put(tree, data, "levels", levels(tree, format));
	put_hex(tree, data, "kernel", layout->kernel_first);
	tree_put(tree, data, "pti", json_boolean(layout->pti));
	tree_put(tree, data, "consensus", json_boolean(layout->consensus));
	put_hex(tree, data, "reference", layout->reference);
}

/* ---- the words: verdicts, severities, rules, notes -------------------------------- */

static json_t *rule_data(struct tree *tree, const struct ws_rule *rule)
{
	json_t *object = tree_object(tree);

	put_text(tree, object, "id", rule->id);
	put_text(tree, object, "family", rule->family);
	put_text(tree, object, "name", rule->name);
	put_number(tree, object, "severity", rule->severity);
	put_number(tree, object, "verdict", rule->verdict);
	put_text(tree, object, "meaning", rule->meaning);
	put_text(tree, object, "fix", rule->fix);
	put_text(tree, object, "history", rule->history);
	return object;
}

static uint32_t rule_number(const struct ws_rule *rule)
{
	uint32_t i = 0;

	while (ws_rule_at(i) != rule)
		i++;
	return i;
}

static json_t *rules_data(struct tree *tree)
{
	json_t *rules = tree_array(tree);
	const struct ws_rule *rule;

	for (unsigned i = 0; (rule = ws_rule_at(i)); i++)
		tree_add(tree, rules, rule_data(tree, rule));
	return rules;
}

static json_t *verdicts_data(struct tree *tree)
{
	json_t *verdicts = tree_array(tree);

	for (unsigned v = 0; v < DIGEST_VERDICTS; v++) {
		json_t *verdict = tree_array(tree);

		tree_add(tree, verdict, tree_text(tree, ws_verdict_name(v)));
		tree_add(tree, verdict, tree_text(tree, verdict_meaning(v)));
		tree_add(tree, verdicts, verdict);
	}
	return verdicts;
}

static json_t *severities_data(struct tree *tree)
{
	json_t *severities = tree_array(tree);

	for (unsigned s = 0; s < DIGEST_SEVERITIES; s++)
		tree_add(tree, severities, tree_text(tree, ws_severity_name(s)));
	return severities;
}

static json_t *notes_data(struct tree *tree, const struct ws_system *system)
{
	json_t *notes = tree_array(tree);
	const char *note;

	for (unsigned i = 0; (note = ws_system_note(system, i)); i++)
		tree_add(tree, notes, tree_text(tree, note));
	return notes;
}

static void put_words(struct tree *tree, json_t *data, const struct digest *digest)
{
	ws_autofree char *sentence = digest_sentence(digest);
	ws_autofree char *findings = digest_findings_sentence(digest);

	if (!sentence || !findings)
		tree->failed = true;
	put_text(tree, data, "sentence", sentence);
	put_text(tree, data, "findings_sentence", findings);
	tree_put(tree, data, "verdicts", verdicts_data(tree));
	tree_put(tree, data, "severities", severities_data(tree));
	tree_put(tree, data, "rules", rules_data(tree));
	tree_put(tree, data, "notes", notes_data(tree, digest->system));
}

/* ---- processors ------------------------------------------------------------------- */

struct named {
	const char *name;
	uint64_t value;
};

static void put_named(struct tree *tree, json_t *object, const char *key,
		      const struct named *named, size_t n)
{
	json_t *pairs = tree_array(tree);

	for (size_t i = 0; i < n; i++) {
		json_t *pair = tree_array(tree);

		tree_add(tree, pair, tree_text(tree, named[i].name));
		tree_add(tree, pair, hex(tree, named[i].value));
		tree_add(tree, pairs, pair);
	}
	tree_put(tree, object, key, pairs);
}

static void put_registers(struct tree *tree, json_t *object, const struct ws_cpu *cpu,
			  bool wide)
{
	static const char *const names[WS_REG_COUNT] = {
		"ax", "bx",  "cx",  "dx",  "si",  "di",  "sp",  "bp", "r8",
		"r9", "r10", "r11", "r12", "r13", "r14", "r15", "ip", "flags",
	};
	struct named named[WS_REG_COUNT];
	char text[WS_REG_COUNT][8];
	size_t n = 0;

	for (unsigned r = 0; r < WS_REG_COUNT; r++) {
		bool numbered = r >= WS_REG_R8 && r <= WS_REG_R15;

		if (numbered && !wide)
			continue;
		snprintf(text[n], sizeof(text[n]), "%s%s",
			 numbered ? ""
			 : wide   ? "r"
				  : "e",
			 names[r]);
		named[n] = (struct named){ text[n], cpu->reg[r] };
		n++;
	}
	put_named(tree, object, "registers", named, n);
}

static void put_segments(struct tree *tree, json_t *object, const struct ws_cpu *cpu)
{
	const struct {
		const char *name;
		const struct ws_segment *segment;
	} all[] = {
		{ "cs", &cpu->cs },   { "ds", &cpu->ds },   { "es", &cpu->es },
		{ "fs", &cpu->fs },   { "gs", &cpu->gs },   { "ss", &cpu->ss },
		{ "tr", &cpu->tr },   { "ldt", &cpu->ldt }, { "gdt", &cpu->gdt },
		{ "idt", &cpu->idt },
	};
	json_t *segments = tree_array(tree);

	for (size_t i = 0; i < WS_ARRAY_SIZE(all); i++) {
		json_t *row = tree_array(tree);

		tree_add(tree, row, tree_text(tree, all[i].name));
		tree_add(tree, row, hex(tree, all[i].segment->selector));
		tree_add(tree, row, hex(tree, all[i].segment->base));
		tree_add(tree, row, hex(tree, all[i].segment->limit));
		tree_add(tree, row, hex(tree, all[i].segment->flags));
		tree_add(tree, segments, row);
	}
	tree_put(tree, object, "segments", segments);
}

/* The space that CR3 holds. A PAE root has 27 bits of CR3, others 20 and more. */
static json_t *space_of_cr3(struct tree *tree, const struct digest *digest,
			    const uint32_t *number, uint64_t cr3)
{
	static const uint64_t masks[] = { ~UINT64_C(0x1f), ~UINT64_C(0xfff) };

	for (size_t m = 0; m < WS_ARRAY_SIZE(masks); m++)
		for (size_t s = 0; s < digest->nspaces; s++)
			if (digest->told[s] && digest->spaces[s].root == (cr3 & masks[m]))
				return tree_number(tree, number[s]);
	return json_null();
}

static json_t *cpu_data(struct tree *tree, const struct digest *digest,
			const uint32_t *number, const struct ws_cpu *cpu)
{
	bool wide = ws_system_layout(digest->system)->word == 8;
	const struct named control[] = {
		{ "cr0", cpu->cr0 },
		{ "cr2", cpu->cr2 },
		{ "cr3", cpu->cr3 },
		{ "cr4", cpu->cr4 },
	};
	json_t *object = tree_object(tree);

	put_registers(tree, object, cpu, wide);
	if (!cpu->has_control) {
		tree_put(tree, object, "space", json_null());
		return object;
	}
	tree_put(tree, object, "space", space_of_cr3(tree, digest, number, cpu->cr3));
	put_named(tree, object, "control", control, WS_ARRAY_SIZE(control));
	put_segments(tree, object, cpu);
	return object;
}

static json_t *cpus_data(struct tree *tree, const struct digest *digest,
			 const uint32_t *number)
{
	size_t n;
	const struct ws_cpu *cpus = ws_target_cpus(ws_system_target(digest->system), &n);
	json_t *array = tree_array(tree);

	for (size_t i = 0; i < n; i++)
		tree_add(tree, array, cpu_data(tree, digest, number, &cpus[i]));
	return array;
}

/* ---- spaces, and the rows of the map that they share ------------------------------ */

/* One list for each thing that is told of every space. */
struct columns {
	json_t *pid, *comm, *kind, *root, *tasks, *verdict, *row, *reasons;
};

struct sharing {
	const struct digest *digest;
	const uint32_t *place; /* of each group, by its id, in digest.groups */
	struct intern rows, reasons, trails;
	json_t *row_list, *reason_list, *trail_list;
};

/* What verdict.c calls a space: in reasons, \1 stands for it. */
static void owner_words(const struct ws_space *space, char words[static 128])
{
	char owner[32];

	if (space_has_pid(space))
		snprintf(owner, sizeof(owner), "%u %s", space->pid, space->comm);
	else
		snprintf(owner, sizeof(owner), "%s", space->comm);
	report_clean(words, 128, owner);
}

/* Shortens text where it names the owner, who is never shorter than \1. */
static void anonymise(char *text, const char *owner)
{
	size_t n = strlen(owner);
	char *to = text;

	while (*text) {
		if (n && !strncmp(text, owner, n)) {
			*to++ = '\1';
			text += n;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* Lines stay lines; all else that is not printable becomes \xNN. To be freed. */
static char *clean_lines(const char *text)
{
	size_t size = strlen(text) * 4 + 1, at = 0;
	char *clean = malloc(size);

	while (clean) {
		size_t n = strcspn(text, "\n");
		ws_autofree char *line = strndup(text, n);

		if (!line) {
			free(clean);
			return NULL;
		}
		report_clean(clean + at, size - at, line);
		at += strlen(clean + at);
		if (!text[n])
			break;
		clean[at++] = '\n';
		text += n + 1;
	}
	return clean;
}

/* Number of the reasons, -1 where there are none. */
static json_t *share_reasons(struct tree *tree, struct sharing *sharing, uint32_t space)
{
	const char *reasons = sharing->digest->judgements[space].reasons;
	ws_autofree char *clean = reasons ? clean_lines(reasons) : NULL;
	char owner[128];
	uint32_t number;
	bool is_new;

	if (!reasons)
		return json_integer(-1);
	if (!clean) {
		tree->failed = true;
		return NULL;
	}
	owner_words(&sharing->digest->spaces[space], owner);
	anonymise(clean, owner);
	number = number_of(tree, &sharing->reasons, clean, strlen(clean), &is_new);
	if (is_new)
		tree_add(tree, sharing->reason_list, json_string(clean));
	return tree_number(tree, number);
}

/* The groups of one space, as they are found in by_space[*at ..); moves *at past them. */
static json_t *share_row(struct tree *tree, struct sharing *sharing, uint32_t space,
			 const struct ws_finding **by_space, size_t *at)
{
	size_t first = *at, n = sharing->digest->findings.n;
	ws_autofree uint32_t *groups = NULL;
	uint32_t number;
	bool is_new;

	while (*at < n && by_space[*at]->space == space)
		++*at;
	groups = calloc(*at - first + 1, sizeof(*groups));
	if (!groups) {
		tree->failed = true;
		return NULL;
	}
	for (size_t i = first; i < *at; i++)
		groups[i - first] = sharing->place[by_space[i]->group];
	number = number_of(tree, &sharing->rows, groups, (*at - first) * sizeof(*groups),
			   &is_new);
	if (is_new) {
		json_t *row = tree_array(tree);

		for (size_t i = first; i < *at; i++)
			tree_add(tree, row, tree_number(tree, groups[i - first]));
		tree_add(tree, sharing->row_list, row);
	}
	return tree_number(tree, number);
}

static void add_space(struct tree *tree, const struct columns *columns,
		      const struct ws_space *space, enum ws_verdict verdict)
{
	tree_add(tree, columns->pid, tree_number(tree, space->pid));
	tree_add(tree, columns->comm, tree_text(tree, space->comm));
	tree_add(tree, columns->kind, tree_text(tree, ws_space_kind_name(space->kind)));
	tree_add(tree, columns->root, hex(tree, space->root));
	tree_add(tree, columns->tasks, tree_number(tree, space->ntasks));
	tree_add(tree, columns->verdict, tree_number(tree, verdict));
}

static void put_spaces(struct tree *tree, json_t *data, struct sharing *sharing,
		       const struct ws_finding **by_space)
{
	const struct digest *digest = sharing->digest;
	json_t *spaces = tree_object(tree);
	struct columns c;
	struct {
		const char *name;
		json_t **column;
	} all[] = {
		{ "pid", &c.pid },   { "comm", &c.comm },       { "kind", &c.kind },
		{ "root", &c.root }, { "tasks", &c.tasks },     { "verdict", &c.verdict },
		{ "row", &c.row },   { "reasons", &c.reasons },
	};
	size_t at = 0;

	for (size_t i = 0; i < WS_ARRAY_SIZE(all); i++) {
		*all[i].column = tree_array(tree);
		tree_put(tree, spaces, all[i].name, *all[i].column);
	}
	for (uint32_t s = 0; s < digest->nspaces; s++) {
		if (!digest->told[s])
			continue;
		add_space(tree, &c, &digest->spaces[s], digest->judgements[s].verdict);
		tree_add(tree, c.row, share_row(tree, sharing, s, by_space, &at));
		tree_add(tree, c.reasons, share_reasons(tree, sharing, s));
	}
	tree_put(tree, data, "spaces", spaces);
}

/* ---- findings and trails ---------------------------------------------------------- */

static json_t *group_data(struct tree *tree, const struct digest_group *group)
{
	const struct ws_finding *finding = group->first;
	json_t *object = tree_object(tree);

	put_number(tree, object, "rule", rule_number(finding->rule));
	put_number(tree, object, "severity", group->severity);
	tree_put(tree, object, "cpu", json_integer(finding->cpu));
	put_hex(tree, object, "va", finding->va);
	put_hex(tree, object, "last", finding->last);
	put_text(tree, object, "region", finding->region);
	put_text(tree, object, "text", finding->text);
	put_number(tree, object, "spaces", group->nspaces);
	return object;
}

static json_t *step_data(struct tree *tree, const struct ws_format *format,
			 const struct ws_trail *trail, unsigned level)
{
	const struct ws_step *step = &trail->step[level];
	bool read = ws_step_is_read(trail, level);
	json_t *row = tree_array(tree);
	char attributes[96];

	ws_entry_describe(format, level, step->entry, attributes, sizeof(attributes));
	tree_add(tree, row, level || step->table ? hex(tree, step->table) : json_null());
	tree_add(tree, row, tree_number(tree, step->index));
	tree_add(tree, row, read ? hex(tree, step->entry) : json_null());
	tree_add(tree, row, tree_text(tree, read ? attributes : NULL));
	return row;
}

static json_t *trail_data(struct tree *tree, const struct ws_format *format,
			  const struct ws_trail *trail)
{
	json_t *array = tree_array(tree), *steps = tree_array(tree);

	for (unsigned l = 0; l < trail->nsteps; l++)
		tree_add(tree, steps, step_data(tree, format, trail, l));
	tree_add(tree, array, tree_number(tree, trail->end));
	tree_add(tree, array, hex(tree, trail->va));
	tree_add(tree, array, hex(tree, trail->pa));
	tree_add(tree, array, tree_number(tree, trail->page_shift));
	tree_add(tree, array, tree_number(tree, trail->access));
	tree_add(tree, array, steps);
	return array;
}

/* Without its root, and with nothing where nothing is said: alike if it reads alike. */
static void anonymous_trail(struct ws_trail *key, const struct ws_trail *trail,
			    bool own_root)
{
	memset(key, 0, sizeof(*key));
	key->va = trail->va;
	key->end = trail->end;
	key->nsteps = trail->nsteps;
	if (trail->end == WS_END_PAGE) {
		key->pa = trail->pa;
		key->page_shift = trail->page_shift;
		key->access = trail->access;
	}
	for (unsigned l = 0; l < trail->nsteps; l++) {
		key->step[l].table = l || !own_root ? trail->step[l].table : 0;
		key->step[l].index = trail->step[l].index;
		key->step[l].entry = trail->step[l].entry;
	}
}

static json_t *share_trail(struct tree *tree, struct sharing *sharing,
			   const struct ws_trail *trail, bool own_root)
{
	const struct ws_format *format =
		ws_system_paging(sharing->digest->system)->format;
	struct ws_trail key;
	uint32_t number;
	bool is_new;

	anonymous_trail(&key, trail, own_root);
	number = number_of(tree, &sharing->trails, &key, sizeof(key), &is_new);
	if (is_new)
		tree_add(tree, sharing->trail_list, trail_data(tree, format, &key));
	return tree_number(tree, number);
}

static void put_findings(struct tree *tree, json_t *data, struct sharing *sharing,
			 const uint32_t *number)
{
	const struct digest *digest = sharing->digest;
	json_t *groups = tree_array(tree), *findings = tree_object(tree);
	json_t *space = tree_array(tree), *group = tree_array(tree),
	       *here = tree_array(tree), *there = tree_array(tree);

	ws_vec_each(&digest->groups, g)
		tree_add(tree, groups, group_data(tree, g));
	ws_vec_each(&digest->findings, it) {
		const struct ws_finding *f = *it;

		tree_add(tree, space, tree_number(tree, number[f->space]));
		tree_add(tree, group, tree_number(tree, sharing->place[f->group]));
		tree_add(tree, here, share_trail(tree, sharing, &f->here, true));
		tree_add(tree, there, share_trail(tree, sharing, &f->there, false));
	}
	tree_put(tree, findings, "space", space);
	tree_put(tree, findings, "group", group);
	tree_put(tree, findings, "here", here);
	tree_put(tree, findings, "there", there);
	tree_put(tree, data, "groups", groups);
	tree_put(tree, data, "findings", findings);
}

/* ---- the map's columns, and the fault path ---------------------------------------- */

static json_t *piece_data(struct tree *tree, const struct piece *piece)
{
	json_t *row = tree_array(tree);

	tree_add(tree, row, hex(tree, piece->va));
	tree_add(tree, row, hex(tree, piece->last));
	tree_add(tree, row, tree_text(tree, piece->region));
	tree_add(tree, row, tree_text(tree, piece->module ? piece->module->name : NULL));
	tree_add(tree, row, tree_number(tree, piece->mapped));
	tree_add(tree, row, tree_number(tree, piece->user_mapped));
	return row;
}

static void put_pieces(struct tree *tree, json_t *data, const struct digest *digest)
{
	json_t *array = tree_array(tree);
	struct pieces pieces;

	if (!pieces_make(&pieces, digest))
		tree->failed = true;
	ws_vec_each(&pieces.v, piece)
		tree_add(tree, array, piece_data(tree, piece));
	tree_put(tree, data, "pieces", array);
	pieces_release(&pieces);
}

static void put_needs(struct tree *tree, json_t *data, const struct ws_audit *audit)
{
	size_t n;
	const struct ws_need *needs = ws_audit_needs(audit, &n);
	json_t *array = tree_array(tree);

	for (size_t i = 0; i < n; i++) {
		json_t *object = tree_object(tree);

		put_number(tree, object, "rule", rule_number(needs[i].rule));
		tree_put(tree, object, "cpu", json_integer(needs[i].cpu));
		put_hex(tree, object, "va", needs[i].va);
		put_hex(tree, object, "last", needs[i].last);
		put_number(tree, object, "halves", needs[i].halves);
		put_text(tree, object, "what", needs[i].what);
		tree_add(tree, array, object);
	}
	tree_put(tree, data, "needs", array);
}

/* ---- all of it -------------------------------------------------------------------- */

/* Where each group, by its id, lies in digest.groups; NULL: memory is short. */
static uint32_t *places_of_groups(const struct digest *digest)
{
	uint32_t most = 0;
	uint32_t *place;

	ws_vec_each(&digest->groups, group)
		if (group->id > most)
			most = group->id;
	place = calloc((size_t)most + 1, sizeof(*place));
	for (uint32_t i = 0; place && i < digest->groups.n; i++)
		place[digest->groups.v[i].id] = i;
	return place;
}

/* The number that each space has among those told of; NULL: memory is short. */
static uint32_t *numbers_of_spaces(const struct digest *digest)
{
	uint32_t *number = calloc(digest->nspaces + 1, sizeof(*number)), n = 0;

	for (size_t s = 0; number && s < digest->nspaces; s++)
		if (digest->told[s])
			number[s] = n++;
	return number;
}

static void put_all(struct tree *tree, json_t *data, struct sharing *sharing,
		    const uint32_t *number, const struct ws_finding **by_space)
{
	const struct digest *digest = sharing->digest;

	sharing->row_list = tree_array(tree);
	sharing->reason_list = tree_array(tree);
	sharing->trail_list = tree_array(tree);
	put_target(tree, data, digest->system);
	put_words(tree, data, digest);
	tree_put(tree, data, "cpus", cpus_data(tree, digest, number));
	put_spaces(tree, data, sharing, by_space);
	put_findings(tree, data, sharing, number);
	put_pieces(tree, data, digest);
	put_needs(tree, data, digest->audit);
	tree_put(tree, data, "rows", sharing->row_list);
	tree_put(tree, data, "reasons", sharing->reason_list);
	tree_put(tree, data, "trails", sharing->trail_list);
}

json_t *html_data(struct tree *tree, const struct digest *digest)
{
	ws_autofree uint32_t *place = places_of_groups(digest);
	ws_autofree uint32_t *number = numbers_of_spaces(digest);
	ws_autofree const struct ws_finding **by_space = digest_by_space(digest);
	struct sharing sharing = { .digest = digest, .place = place };
	json_t *data = tree_object(tree);

	if (place && number && by_space)
		put_all(tree, data, &sharing, number, by_space);
	else
		tree->failed = true;
	intern_release(&sharing.rows);
	intern_release(&sharing.reasons);
	intern_release(&sharing.trails);
	return data;
}
