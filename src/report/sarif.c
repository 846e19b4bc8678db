/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/sarif.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "report/fingerprint.h"
#include "report/report.h"
#include "report/tree.h"
#include "report/words.h"
#include "util/cleanup.h"
#include "util/text.h"

/* SARIF 3.58.6: of "error", "warning", "note" and "none". */
static const char *const levels[] = {
	[WS_INFO] = "note",
	[WS_WARNING] = "warning",
	[WS_ERROR] = "error",
	[WS_FATAL] = "error",
};

static json_t *message(struct tree *tree, const char *text)
{
	json_t *object = tree_object(tree);

	tree_put(tree, object, "text", tree_text(tree, text));
	return object;
}

/* ---- the rules -------------------------------------------------------------------- */

static json_t *sarif_rule(struct tree *tree, const struct ws_rule *rule)
{
	json_t *object = tree_object(tree), *level = tree_object(tree),
	       *more = tree_object(tree), *tags = tree_array(tree);

	tree_put(tree, object, "id", tree_text(tree, rule->id));
	tree_put(tree, object, "shortDescription", message(tree, rule->name));
	tree_put(tree, object, "fullDescription", message(tree, rule->meaning));
	tree_put(tree, object, "help", message(tree, rule->fix));
	tree_put(tree, level, "level", tree_text(tree, levels[rule->severity]));
	tree_put(tree, object, "defaultConfiguration", level);
	tree_add(tree, tags, tree_text(tree, rule->family));
	tree_put(tree, more, "tags", tags);
	tree_put(tree, more, "severity",
		 tree_text(tree, ws_severity_name(rule->severity)));
	tree_put(tree, more, "verdict", tree_text(tree, ws_verdict_name(rule->verdict)));
	tree_put(tree, more, "history", tree_text(tree, rule->history));
	tree_put(tree, object, "properties", more);
	return object;
}

static json_t *sarif_tool(struct tree *tree)
{
	json_t *tool = tree_object(tree), *driver = tree_object(tree),
	       *rules = tree_array(tree);
	const struct ws_rule *rule;

	for (unsigned i = 0; (rule = ws_rule_at(i)); i++)
		tree_add(tree, rules, sarif_rule(tree, rule));
	tree_put(tree, driver, "name", tree_text(tree, "whosees"));
	tree_put(tree, driver, "version", tree_text(tree, WS_VERSION));
	tree_put(tree, driver, "rules", rules);
	tree_put(tree, tool, "driver", driver);
	return tool;
}

static unsigned rule_index(const struct ws_rule *rule)
{
	unsigned i = 0;

	while (ws_rule_at(i) != rule)
		i++;
	return i;
}

/* ---- the artifact: the dump ------------------------------------------------------- */

/* RFC 3986: a path's characters that stand for themselves, ':' left out. */
static bool stands_for_itself(unsigned char c)
{
	return isascii(c) && (isalnum(c) || strchr("-._~/!$&'()*+,;=@", c));
}

static json_t *artifact_uri(struct tree *tree, const char *path)
{
	size_t size = strlen(path) * 3 + sizeof("file://");
	ws_autofree char *uri = malloc(size);
	char *at = uri;

	if (!uri) {
		tree->failed = true;
		return NULL;
	}
	at += sprintf(at, "%s", *path == '/' ? "file://" : "");
	for (; *path; path++)
		at += sprintf(at,
			      stands_for_itself((unsigned char)*path) ? "%c" : "%%%02X",
			      (unsigned char)*path);
	return tree_text(tree, uri);
}

static json_t *sarif_artifacts(struct tree *tree, const struct digest *digest)
{
	json_t *artifacts = tree_array(tree), *artifact = tree_object(tree),
	       *location = tree_object(tree), *roles = tree_array(tree);
	const struct ws_target *target = ws_system_target(digest->system);

	tree_put(tree, location, "uri", artifact_uri(tree, ws_target_path(target)));
	tree_put(tree, artifact, "location", location);
	tree_add(tree, roles, tree_text(tree, "analysisTarget"));
	tree_put(tree, artifact, "roles", roles);
	tree_add(tree, artifacts, artifact);
	return artifacts;
}

static void add_notification(struct tree *tree, json_t *notes, const char *level,
			     const char *text)
{
	json_t *notification = tree_object(tree);

	tree_put(tree, notification, "level", tree_text(tree, level));
	tree_put(tree, notification, "message", message(tree, text));
	tree_add(tree, notes, notification);
}

/* What decides and is not in the target. */
static void add_lacks(struct tree *tree, json_t *notes, const struct digest *digest)
{
	size_t n;
	const struct ws_lack *lacks = ws_audit_lacks(digest->audit, &n);

	for (size_t i = 0; i < n; i++) {
		bool is_own = lacks[i].space != WS_NO_SPACE;
		ws_autofree char *text = NULL;
		char words[WORDS] = "every space", frame[40] = "";

		if (is_own && !digest->chosen[lacks[i].space])
			continue;
		if (is_own)
			space_words(&digest->spaces[lacks[i].space], words);
		if (lacks[i].has_pa)
			snprintf(frame, sizeof(frame), ", in frame 0x%" PRIx64,
				 lacks[i].pa);
		text = ws_text_of("unknown in %s: %s%s%s", words,
				  lacks[i].is_damage ? "" : "the target does not hold ",
				  lacks[i].what, frame);
		tree->failed |= !text;
		add_notification(tree, notes, "warning", text);
	}
}

/* What is not known, and what the inference was not sure of. */
static json_t *sarif_invocations(struct tree *tree, const struct digest *digest)
{
	json_t *invocations = tree_array(tree), *invocation = tree_object(tree),
	       *notes = tree_array(tree);
	const char *note;

	add_lacks(tree, notes, digest);
	for (unsigned i = 0; (note = ws_system_note(digest->system, i)); i++)
		add_notification(tree, notes, "note", note);
	for (unsigned i = 0; (note = ws_audit_note(digest->audit, i)); i++)
		add_notification(tree, notes, "note", note);
	tree_put(tree, invocation, "executionSuccessful", json_true());
	tree_put(tree, invocation, "toolExecutionNotifications", notes);
	tree_add(tree, invocations, invocation);
	return invocations;
}

/* ---- the results ------------------------------------------------------------------ */

static void add_place(struct tree *tree, json_t *places, const char *kind,
		      const char *name, const char *of)
{
	json_t *place = tree_object(tree);
	ws_autofree char *full = ws_text_of("%s/%s", of, name);

	tree->failed |= !full;
	tree_put(tree, place, "name", tree_text(tree, name));
	tree_put(tree, place, "fullyQualifiedName", tree_text(tree, full));
	tree_put(tree, place, "kind", tree_text(tree, kind));
	tree_add(tree, places, place);
}

/* The range first, then every space that has the finding. */
static json_t *logical_locations(struct tree *tree, const struct digest *digest,
				 const struct digest_group *group)
{
	json_t *places = tree_array(tree);
	char words[WORDS], root[24];

	snprintf(words, sizeof(words), "0x%" PRIx64 "-0x%" PRIx64, group->first->va,
		 group->first->last);
	add_place(tree, places, "address range", words, group->first->region);
	for (size_t i = 0; i < group->nfindings; i++) {
		const struct ws_finding *finding = digest->by_group[group->at + i];
		const struct ws_space *space = &digest->spaces[finding->space];

		snprintf(root, sizeof(root), "0x%" PRIx64, space->root);
		add_place(tree, places, "address space", space_words(space, words), root);
	}
	return places;
}

static json_t *sarif_locations(struct tree *tree, const struct digest *digest,
			       const struct digest_group *group)
{
	json_t *locations = tree_array(tree), *location = tree_object(tree),
	       *physical = tree_object(tree), *artifact = tree_object(tree);
	const struct ws_target *target = ws_system_target(digest->system);

	tree_put(tree, artifact, "uri", artifact_uri(tree, ws_target_path(target)));
	tree_put(tree, artifact, "index", tree_number(tree, 0));
	tree_put(tree, physical, "artifactLocation", artifact);
	tree_put(tree, location, "physicalLocation", physical);
	tree_put(tree, location, "logicalLocations",
		 logical_locations(tree, digest, group));
	tree_add(tree, locations, location);
	return locations;
}

static json_t *sarif_properties(struct tree *tree, const struct digest_group *group)
{
	const struct ws_finding *finding = group->first;
	json_t *more = tree_object(tree);

	tree_put(tree, more, "severity",
		 tree_text(tree, ws_severity_name(group->severity)));
	tree_put(tree, more, "region", tree_text(tree, finding->region));
	tree_put(tree, more, "address", tree_hex(tree, finding->va));
	tree_put(tree, more, "last", tree_hex(tree, finding->last));
	if (finding->cpu >= 0)
		tree_put(tree, more, "cpu", tree_number(tree, (uint64_t)finding->cpu));
	return more;
}

/*
 * The same for the same thing in another dump of the machine, and of any: CI systems compare
 * by them.
 */
static json_t *sarif_fingerprints(struct tree *tree, const struct digest *digest,
				  const struct ws_finding *finding)
{
	json_t *prints = tree_object(tree);
	struct fingerprint print;

	tree_put(tree, prints, "ruleAndRange/v1",
		 json_sprintf("%s:0x%" PRIx64 "-0x%" PRIx64 ":%d", finding->rule->id,
			      finding->va, finding->last, finding->cpu));
	tree->failed |= !fingerprint_finding(&print, digest->system, finding);
	tree_put(tree, prints, "whosees/v1", tree_text(tree, print.hex));
	return prints;
}

static json_t *sarif_result(struct tree *tree, const struct digest *digest,
			    const struct digest_group *group)
{
	const struct ws_finding *finding = group->first;
	json_t *result = tree_object(tree);

	tree_put(tree, result, "ruleId", tree_text(tree, finding->rule->id));
	tree_put(tree, result, "ruleIndex", tree_number(tree, rule_index(finding->rule)));
	tree_put(tree, result, "level", tree_text(tree, levels[group->severity]));
	tree_put(tree, result, "message", message(tree, finding->text));
	tree_put(tree, result, "occurrenceCount", tree_number(tree, group->nspaces));
	tree_put(tree, result, "locations", sarif_locations(tree, digest, group));
	tree_put(tree, result, "partialFingerprints",
		 sarif_fingerprints(tree, digest, finding));
	tree_put(tree, result, "properties", sarif_properties(tree, group));
	return result;
}

static json_t *sarif_results(struct tree *tree, const struct digest *digest)
{
	json_t *results = tree_array(tree);

	ws_vec_each(&digest->groups, group)
		tree_add(tree, results, sarif_result(tree, digest, group));
	return results;
}

/* What was asked, of whom: no result is anything only where somebody was asked. */
static json_t *run_properties(struct tree *tree, const struct digest *digest)
{
	json_t *more = tree_object(tree);
	ws_autofree char *sentence = digest_sentence(digest);
	char who[WHO_WORDS];

	tree->failed |= !sentence;
	tree_put(tree, more, "sentence", tree_text(tree, sentence));
	tree_put(tree, more, "who",
		 tree_text(tree, who_counts(digest->spaces, digest->nspaces, who)));
	return more;
}

static json_t *sarif_run(struct tree *tree, const struct digest *digest)
{
	json_t *run = tree_object(tree);

	tree_put(tree, run, "tool", sarif_tool(tree));
	tree_put(tree, run, "artifacts", sarif_artifacts(tree, digest));
	tree_put(tree, run, "invocations", sarif_invocations(tree, digest));
	tree_put(tree, run, "results", sarif_results(tree, digest));
	tree_put(tree, run, "properties", run_properties(tree, digest));
	return run;
}

bool sarif_write(FILE *out, const struct digest *digest)
{
	struct tree tree = { 0 };
	json_t *log = tree_object(&tree), *runs = tree_array(&tree);
	bool written;

	tree_add(&tree, runs, sarif_run(&tree, digest));
	tree_put(&tree, log, "$schema",
		 tree_text(&tree, "https://json.schemastore.org/sarif-2.1.0.json"));
	tree_put(&tree, log, "version", tree_text(&tree, "2.1.0"));
	tree_put(&tree, log, "runs", runs);
	written = !tree.failed && !json_dumpf(log, out, JSON_INDENT(1)) &&
		  fputc('\n', out) != EOF;
	json_decref(log);
	return written;
}
