/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

/* A finding's kind, and whose it is. */
struct owned {
	uint32_t space, kind;
};
typedef WS_VEC(struct owned) owned_vec;

static int by_space(const void *left, const void *right)
{
	const struct owned *a = left, *b = right;

	if (a->space != b->space)
		return (a->space > b->space) - (a->space < b->space);
	return (a->kind > b->kind) - (a->kind < b->kind);
}

/* A user half is part of the space before it. */
static uint32_t whole_of(const struct digest *digest, uint32_t space)
{
	return digest->spaces[space].kind == WS_SPACE_USER ? space - 1 : space;
}

static bool add_kind(struct snapshot *snapshot, const struct digest_group *group)
{
	struct snapshot_finding *kind = ws_vec_push(&snapshot->findings);

	if (!kind)
		return false;
	*kind = (struct snapshot_finding){ .rule = group->first->rule,
					   .severity = group->severity,
					   .machine = group->first->machine,
					   .va = group->first->va,
					   .last = group->first->last,
					   .text = strdup(group->first->text) };
	return kind->text;
}

/* Groups of a digest are sorted: the worst first. */
static bool gather_kinds(struct snapshot *snapshot, const struct digest *digest,
			 owned_vec *owned)
{
	for (uint32_t g = 0; g < digest->groups.n; g++) {
		const struct digest_group *group = &digest->groups.v[g];

		if (!add_kind(snapshot, group))
			return false;
		for (uint32_t f = 0; f < group->nfindings; f++) {
			uint32_t space = digest->by_group[group->at + f]->space;
			struct owned *one = ws_vec_push(owned);

			if (!one)
				return false;
			*one = (struct owned){ whole_of(digest, space), g };
		}
	}
	if (owned->n)
		qsort(owned->v, owned->n, sizeof(*owned->v), by_space);
	return true;
}

/* Both halves of one space may have findings of one kind. */
static bool take_kinds(struct snapshot *snapshot, struct snapshot_space *space,
		       const owned_vec *owned, size_t *next, uint32_t s)
{
	space->at = snapshot->kinds.n;
	while (*next < owned->n && owned->v[*next].space < s)
		++*next;
	for (; *next < owned->n && owned->v[*next].space == s; ++*next) {
		uint32_t kind = owned->v[*next].kind, *at;

		if (space->nkinds && snapshot->kinds.v[snapshot->kinds.n - 1] == kind)
			continue;
		at = ws_vec_push(&snapshot->kinds);
		if (!at)
			return false;
		*at = kind;
		space->nkinds++;
	}
	return true;
}

static char *worst_of(const struct ws_judgement *whole)
{
	if (whole->finding)
		return strdup(whole->finding->text);
	if (whole->lack)
		return ws_text_of("%s%s", whole->lack->is_damage ? "" : "not read: ",
				  whole->lack->what);
	return strdup(whole->rule ? whole->rule->name : "");
}

static char *reasons_of(const struct digest *digest, uint32_t s)
{
	const char *own = digest->judgements[s].reasons;
	const char *half =
		digest_has_half(digest, s) ? digest->judgements[s + 1].reasons : NULL;

	return ws_text_of("%s%s%s", own ? own : "", own && half ? "\n" : "",
			  half ? half : "");
}

static char *sentence_of(const struct ws_space *space, const struct ws_judgement *whole)
{
	char words[WORDS], does[VERDICT_WORDS];

	return ws_text_of("%s %s (%s%s)", space_words(space, words),
			  judgement_words(whole, false, does),
			  ws_verdict_name(whole->verdict),
			  whole->at_least ? ", or worse" : "");
}

static bool fill_space(struct snapshot_space *to, const struct digest *digest, uint32_t s)
{
	const struct ws_space *space = &digest->spaces[s];
	struct ws_judgement whole = ws_audit_whole(digest->audit, s);
	char words[WORDS];

	*to = (struct snapshot_space){ .has_pid = space_has_pid(space),
				       .pid = space->pid,
				       .root = space->root,
				       .verdict = whole.verdict,
				       .worst = worst_of(&whole),
				       .reasons = reasons_of(digest, s),
				       .sentence = sentence_of(space, &whole) };
	snprintf(to->name, sizeof(to->name), "%s",
		 to->has_pid ? space->comm : space_words(space, words));
	return to->worst && to->reasons && to->sentence;
}

static bool add_spaces(struct snapshot *snapshot, const struct digest *digest,
		       const owned_vec *owned)
{
	size_t next = 0;

	for (uint32_t s = 0; s < digest->nspaces; s++) {
		struct snapshot_space *space;

		if (!digest->chosen[s] || digest->spaces[s].kind == WS_SPACE_USER)
			continue;
		space = ws_vec_push(&snapshot->spaces);
		if (!space || !fill_space(space, digest, s) ||
		    !take_kinds(snapshot, space, owned, &next, s))
			return false;
	}
	return true;
}

static bool add_note(struct snapshot *snapshot, const char *note)
{
	char **copy = ws_vec_push(&snapshot->notes);

	if (copy)
		*copy = strdup(note);
	return copy && *copy;
}

static bool add_notes(struct snapshot *snapshot, const struct look *look)
{
	const char *note;

	for (unsigned i = 0; (note = ws_system_note(look->digest.system, i)); i++)
		if (!add_note(snapshot, note))
			return false;
	for (unsigned i = 0; (note = ws_audit_note(look->audit, i)); i++)
		if (!add_note(snapshot, note))
			return false;
	return true;
}

bool snapshot_make(struct snapshot *snapshot, const struct look *look)
{
	const struct digest *digest = &look->digest;
	owned_vec owned = { 0 };
	bool made;

	*snapshot = (struct snapshot){ .sentence = digest_sentence(digest) };
	kernel_release(digest->system, snapshot->release);
	memcpy(snapshot->nverdict, digest->nverdict, sizeof(snapshot->nverdict));
	memcpy(snapshot->nseverity, digest->nseverity, sizeof(snapshot->nseverity));
	made = snapshot->sentence && gather_kinds(snapshot, digest, &owned) &&
	       add_spaces(snapshot, digest, &owned) && add_notes(snapshot, look);
	ws_vec_release(&owned);
	if (!made)
		snapshot_release(snapshot);
	return made;
}

void snapshot_release(struct snapshot *snapshot)
{
	ws_vec_each(&snapshot->findings, finding)
		free(finding->text);
	ws_vec_each(&snapshot->spaces, space) {
		free(space->sentence);
		free(space->reasons);
		free(space->worst);
	}
	ws_vec_each(&snapshot->notes, note)
		free(*note);
	ws_vec_release(&snapshot->findings);
	ws_vec_release(&snapshot->spaces);
	ws_vec_release(&snapshot->kinds);
	ws_vec_release(&snapshot->notes);
	free(snapshot->sentence);
	*snapshot = (struct snapshot){ 0 };
}

/* ---- two moments ------------------------------------------------------------------- */

int snapshot_space_compare(const struct snapshot_space *a, const struct snapshot_space *b)
{
	if (a->has_pid != b->has_pid)
		return a->has_pid - b->has_pid;
	if (a->has_pid)
		return (a->pid > b->pid) - (a->pid < b->pid);
	return (a->root > b->root) - (a->root < b->root);
}

static int by_identity(const void *left, const void *right)
{
	return snapshot_space_compare(*(const struct snapshot_space *const *)left,
				      *(const struct snapshot_space *const *)right);
}

bool snapshot_keep_since(struct snapshot *snapshot, const struct snapshot *before)
{
	size_t n = before->spaces.n;
	ws_autofree const struct snapshot_space **known =
		calloc(n ? n : 1, sizeof(struct snapshot_space *));

	if (!known)
		return false;
	for (size_t i = 0; i < n; i++)
		known[i] = &before->spaces.v[i];
	qsort(known, n, sizeof(*known), by_identity);
	ws_vec_each(&snapshot->spaces, space) {
		const struct snapshot_space *const key = space, *const *was = bsearch(
									&key, known, n,
									sizeof(*known),
									by_identity);

		space->since = was && (*was)->verdict == space->verdict ? (*was)->since
									: snapshot->when;
	}
	return true;
}
