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
#include "util/reference.h"

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
	char known[RELEASE_WORDS];
	const char *release = kernel_release(system, known);

	put_text(tree, data, "tool", WS_VERSION);
	put_text(tree, data, "target", ws_target_path(target));
	put_text(tree, data, "kind", ws_target_kind(target));
	put_text(tree, data, "packing", ws_target_packing(target));
	put_text(tree, data, "release", release);
	put_text(tree, data, "format", ws_format_name(format));
	put_number(tree, data, "bits", ws_format_va_bits(format));
	tree_put(tree, data, "levels", levels(tree, format));
	put_hex(tree, data, "kernel", layout->kernel_first);
	tree_put(tree, data, "pti", json_boolean(layout->pti));
	tree_put(tree, data, "consensus", json_boolean(layout->consensus));
	put_hex(tree, data, "reference", layout->reference);
}

static void put_provenance(struct tree *tree, json_t *data,
			   const struct provenance *provenance)
{
	bool is_hashed = provenance->file && !provenance->no_hash;

	put_text(tree, data, "file", provenance->file);
	put_number(tree, data, "size", provenance->size);
	put_text(tree, data, "sha256", is_hashed ? provenance->sha256 : NULL);
	put_text(tree, data, "no_hash", provenance->no_hash);
	put_text(tree, data, "taken", provenance->taken);
	put_text(tree, data, "taken_by", provenance_taken_words(provenance->taken_by));
	put_text(tree, data, "made", provenance->made);
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

static json_t *verdicts_data(struct tree *tree, const struct digest *digest)
{
	json_t *verdicts = tree_array(tree);

	for (unsigned v = 0; v < DIGEST_VERDICTS; v++) {
		const struct ws_judgement common = digest_of_verdict(digest, v);
		char words[VERDICT_WORDS];
		json_t *verdict = tree_array(tree);

		tree_add(tree, verdict, tree_text(tree, ws_verdict_name(v)));
		tree_add(tree, verdict,
			 tree_text(tree, judgement_meaning(&common, words)));
		for (int many = 0; many < 2; many++)
			tree_add(tree, verdict,
				 tree_text(tree, judgement_words(&common, many, words)));
		tree_add(tree, verdict, tree_number(tree, verdict_class(v)));
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

static json_t *notes_data(struct tree *tree, const struct digest *digest)
{
	json_t *notes = tree_array(tree);
	const char *note;

	for (unsigned i = 0; (note = ws_system_note(digest->system, i)); i++)
		tree_add(tree, notes, tree_text(tree, note));
	for (unsigned i = 0; (note = ws_audit_note(digest->audit, i)); i++)
		tree_add(tree, notes, tree_text(tree, note));
	return notes;
}

static void put_words(struct tree *tree, json_t *data, const struct digest *digest)
{
	ws_autofree char *headline = digest_headline(digest);
	ws_autofree char *findings = digest_findings_sentence(digest, digest->findings.n);
	char who[WHO_WORDS];

	if (!headline || !findings)
		tree->failed = true;
	put_text(tree, data, "headline", headline);
	put_text(tree, data, "who", who_counts(digest->spaces, digest->nspaces, who));
	put_text(tree, data, "findings_sentence", findings);
	tree_put(tree, data, "verdicts", verdicts_data(tree, digest));
	tree_put(tree, data, "severities", severities_data(tree));
	tree_put(tree, data, "rules", rules_data(tree));
	tree_put(tree, data, "notes", notes_data(tree, digest));
}

/* ---- processors ------------------------------------------------------------------- */

/* The value of a register, or of a part of a segment's. */
static uint64_t register_value(const struct ws_cpu *cpu, const char *name,
			       const char *part)
{
	uint64_t value = 0;
	char text[32];

	snprintf(text, sizeof(text), "%s%s", name, part);
	(void)!ws_cpu_register(cpu, text, &value);
	return value;
}

/* A row for each register of the group that is known: its name and value, of a segment its parts. */
static void put_registers(struct tree *tree, json_t *object, const char *key,
			  const struct ws_cpu *cpu, enum ws_register_group wanted)
{
	static const char *const parts[] = { "", ".base", ".limit", ".flags" };
	const size_t nparts = wanted == WS_REGISTER_SEGMENT ? WS_ARRAY_SIZE(parts) : 1;
	enum ws_register_group group;
	json_t *rows = tree_array(tree);
	const char *name;
	uint64_t value;

	for (unsigned i = 0; (name = ws_cpu_register_at(cpu, i, &group)); i++) {
		json_t *row;

		if (group != wanted || !ws_cpu_register(cpu, name, &value))
			continue;
		row = tree_array(tree);
		tree_add(tree, row, tree_text(tree, name));
		for (size_t p = 0; p < nparts; p++)
			tree_add(tree, row,
				 hex(tree, register_value(cpu, name, parts[p])));
		tree_add(tree, rows, row);
	}
	tree_put(tree, object, key, rows);
}

static json_t *space_of_cpu(struct tree *tree, const struct digest *digest,
			    const uint32_t *number, const struct ws_cpu *cpu)
{
	uint32_t space = digest_loaded(digest, cpu);

	return space != WS_NO_SPACE ? tree_number(tree, number[space]) : json_null();
}

static json_t *cpu_data(struct tree *tree, const struct digest *digest,
			const uint32_t *number, const struct ws_cpu *cpu)
{
	json_t *object = tree_object(tree);
	uint64_t root;

	put_registers(tree, object, "registers", cpu, WS_REGISTER_GENERAL);
	if (!ws_system_cpu_root(digest->system, cpu, &root)) {
		tree_put(tree, object, "space", json_null());
		return object;
	}
	tree_put(tree, object, "space", space_of_cpu(tree, digest, number, cpu));
	put_registers(tree, object, "control", cpu, WS_REGISTER_CONTROL);
	put_registers(tree, object, "segments", cpu, WS_REGISTER_SEGMENT);
	return object;
}

static json_t *cpus_data(struct tree *tree, const struct digest *digest,
			 const uint32_t *number)
{
	const struct ws_target *target = ws_system_target(digest->system);
	json_t *array = tree_array(tree);
	const struct ws_cpu *cpu;

	for (size_t i = 0; (cpu = ws_target_cpu(target, i)); i++)
		tree_add(tree, array, cpu_data(tree, digest, number, cpu));
	return array;
}

/* ---- spaces, and the rows of the map that they share ------------------------------ */

/* One list for each thing that is said of every space. */
struct columns {
	json_t *pid, *comm, *kind, *root, *tasks, *verdict, *row, *reasons, *caused;
};

struct sharing {
	const struct digest *digest;
	const struct provenance *provenance;
	const uint32_t *place; /* of each group, by its id, in digest.groups */
	struct intern rows, reasons, trails;
	json_t *row_list, *reason_list, *trail_list;
};

/* What verdict.c calls a space: in reasons, \1 stands for it, and \2 for "--pid PID". */
static void owner_words(const struct ws_space *space, char words[static 128])
{
	char owner[32];

	if (space_has_pid(space))
		snprintf(owner, sizeof(owner), "%u %s", space->pid, space->comm);
	else
		snprintf(owner, sizeof(owner), "%s", space->comm);
	report_clean(words, 128, owner);
}

/* Shortens text where it has a name, which is never shorter than what stands for it. */
static void anonymise(char *text, const char *owner, char sign)
{
	size_t n = strlen(owner);
	char *to = text;

	while (*text) {
		if (n && !strncmp(text, owner, n)) {
			*to++ = sign;
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

/* Number of the text about space, which may be NULL or empty: -1. */
static json_t *share_text(struct tree *tree, struct sharing *sharing, uint32_t space,
			  const char *text)
{
	ws_autofree char *clean = text ? clean_lines(text) : NULL;
	char owner[128];
	uint32_t number;
	bool is_new;

	if (!text || !*text)
		return json_integer(-1);
	if (!clean) {
		tree->failed = true;
		return NULL;
	}
	owner_words(&sharing->digest->spaces[space], owner);
	anonymise(clean, owner, '\1');
	snprintf(owner, sizeof(owner), "--pid %u'", sharing->digest->spaces[space].pid);
	anonymise(clean, owner, '\2');
	number = number_of(tree, &sharing->reasons, clean, strlen(clean), &is_new);
	if (is_new)
		tree_add(tree, sharing->reason_list, json_string(clean));
	return tree_number(tree, number);
}

static json_t *share_cause(struct tree *tree, struct sharing *sharing, uint32_t space)
{
	ws_autofree char *sentence = digest_cause_sentence(sharing->digest, space, true);

	if (!sentence)
		tree->failed = true;
	return share_text(tree, sharing, space, sentence);
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
		{ "row", &c.row },   { "reasons", &c.reasons }, { "caused", &c.caused },
	};
	size_t at = 0;

	for (size_t i = 0; i < WS_ARRAY_SIZE(all); i++) {
		*all[i].column = tree_array(tree);
		tree_put(tree, spaces, all[i].name, *all[i].column);
	}
	for (uint32_t s = 0; s < digest->nspaces; s++) {
		if (!digest->chosen[s])
			continue;
		add_space(tree, &c, &digest->spaces[s],
			  ws_audit_whole(digest->audit, s).verdict);
		tree_add(tree, c.row, share_row(tree, sharing, s, by_space, &at));
		tree_add(tree, c.reasons,
			 share_text(tree, sharing, s,
				    ws_audit_whole(digest->audit, s).reasons));
		tree_add(tree, c.caused, share_cause(tree, sharing, s));
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
	tree_put(tree, object, "cause",
		 json_integer(group->cause == DIGEST_NO_CAUSE ? -1 : (int)group->cause));
	return object;
}

static json_t *causes_data(struct tree *tree, const struct digest *digest)
{
	json_t *causes = tree_array(tree);
	char words[WORDS];

	ws_vec_each(&digest->causes, cause) {
		json_t *object = tree_object(tree);

		put_text(tree, object, "words", digest_cause_words(digest, cause, words));
		put_number(tree, object, "severity", cause->severity);
		put_number(tree, object, "findings", cause->nfindings);
		put_number(tree, object, "spaces", cause->nspaces);
		tree_add(tree, causes, object);
	}
	return causes;
}

static json_t *step_data(struct tree *tree, const struct ws_format *format,
			 const struct ws_trail *trail, unsigned level)
{
	const struct ws_step *step = &trail->step[level];
	bool read = ws_step_is_read(trail, level);
	json_t *row = tree_array(tree);
	char attributes[96];

	ws_entry_describe(format, level, step->entry, attributes, sizeof(attributes));
	tree_add(tree, row, step->table ? hex(tree, step->table) : json_null());
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
static void anonymous_trail(const struct ws_layout *layout, struct ws_trail *key,
			    const struct ws_trail *trail, bool own_root)
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
		if ((l || !own_root) && !ws_is_made_up(layout, trail->step[l].table))
			key->step[l].table = trail->step[l].table;
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

	anonymous_trail(ws_system_layout(sharing->digest->system), &key, trail, own_root);
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
	tree_put(tree, data, "causes", causes_data(tree, digest));
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

/* The number that each space has among those reported; NULL: memory is short. */
static uint32_t *numbers_of_spaces(const struct digest *digest)
{
	uint32_t *number = calloc(digest->nspaces + 1, sizeof(*number)), n = 0;

	for (size_t s = 0; number && s < digest->nspaces; s++)
		if (digest->chosen[s])
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
	put_provenance(tree, data, sharing->provenance);
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

json_t *html_data(struct tree *tree, const struct digest *digest,
		  const struct ws_autopsy *autopsy, const struct provenance *provenance)
{
	ws_autofree uint32_t *place = places_of_groups(digest);
	ws_autofree uint32_t *number = numbers_of_spaces(digest);
	ws_autofree const struct ws_finding **by_space = digest_by_space(digest);
	struct sharing sharing = { .digest = digest,
				   .provenance = provenance,
				   .place = place };
	json_t *data = tree_object(tree);

	if (place && number && by_space)
		put_all(tree, data, &sharing, number, by_space);
	else
		tree->failed = true;
	tree_put(tree, data, "death", html_death_data(tree, autopsy));
	intern_release(&sharing.rows);
	intern_release(&sharing.reasons);
	intern_release(&sharing.trails);
	return data;
}
