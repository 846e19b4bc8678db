/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tally.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "util/bits.h"

/* ---- what is kept of texts --------------------------------------------------------- */

/* Replaces *kept, which is owned; text may be NULL. False: memory is short. */
static bool keep(char **kept, const char *text)
{
	char *copy = text ? strndup(text, TALLY_TEXT) : NULL;

	if (text && !copy)
		return false;
	free(*kept);
	*kept = copy;
	return true;
}

/* By release, of which 6.9 is below 6.10, and then by name; what is not known comes last. */
static int compare_releases(const char *a, const char *b)
{
	return a && b ? strverscmp(a, b) : !a - !b;
}

/* ---- one fingerprint --------------------------------------------------------------- */

static void tallied_release(struct tallied *tallied)
{
	char *texts[] = { tallied->rule,  tallied->place,  tallied->difference,
			  tallied->text,  tallied->kernel, tallied->last_kernel,
			  tallied->target };

	for (size_t i = 0; i < WS_ARRAY_SIZE(texts); i++)
		free(texts[i]);
	for (unsigned m = 0; m < tallied->nmodules; m++)
		free(tallied->module[m].name);
	free(tallied);
}

/* The entry of a fingerprint, made where there is room; *full: there is none. */
static struct tallied *find_or_add(struct tally *tally, const struct found *found,
				   bool *full)
{
	struct tallied *tallied;

	HASH_FIND(hh, tally->by_fingerprint, &found->fingerprint,
		  sizeof(found->fingerprint), tallied);
	*full = !tallied && HASH_COUNT(tally->by_fingerprint) == TALLY_MAX;
	if (tallied || *full)
		return tallied;
	tallied = calloc(1, sizeof(*tallied));
	if (!tallied)
		return NULL;
	tallied->fingerprint = found->fingerprint;
	HASH_ADD(hh, tally->by_fingerprint, fingerprint, sizeof(tallied->fingerprint),
		 tallied);
	if (tallied->hh.tbl)
		return tallied;
	free(tallied);
	return NULL;
}

static bool add_module(struct tallied *tallied, const char *name)
{
	struct tallied_module *module = tallied->module, *rarest = module;
	unsigned m = 0;

	for (; m < tallied->nmodules && strcmp(module[m].name, name) != 0; m++)
		if (module[m].ndumps < rarest->ndumps)
			rarest = &module[m];
	if (m == TALLY_MODULES) {
		tallied->more_modules = true;
		m = (unsigned)(rarest - module);
		module[m].over = module[m].ndumps;
	} else if (m < tallied->nmodules) {
		module[m].ndumps++;
		return true;
	} else {
		tallied->nmodules++;
	}
	module[m].ndumps++;
	return keep(&module[m].name, name);
}

/* Which dump is the first with it, and what it is there, is the same in whatever order. */
static bool keep_first(struct tallied *tallied, const struct found *found,
		       const struct result_line *line)
{
	int order =
		tallied->target ? compare_releases(line->kernel, tallied->kernel) : -1;

	if (!order)
		order = strcmp(line->target, tallied->target);
	if (order >= 0)
		return true;
	tallied->of = line->of;
	return keep(&tallied->target, line->target) &&
	       keep(&tallied->kernel, line->kernel) &&
	       keep(&tallied->rule, found->rule) && keep(&tallied->place, found->place) &&
	       keep(&tallied->difference, found->difference) &&
	       keep(&tallied->text, found->text);
}

static bool keep_last(struct tallied *tallied, const struct result_line *line)
{
	if (!line->kernel || (tallied->last_kernel &&
			      compare_releases(line->kernel, tallied->last_kernel) <= 0))
		return true;
	return keep(&tallied->last_kernel, line->kernel);
}

static bool add_found(struct tally *tally, const struct found *found,
		      const struct result_line *line, uint64_t id)
{
	bool full;
	struct tallied *tallied = find_or_add(tally, found, &full);

	tally->nleft_out += full;
	if (!tallied || tallied->last == tally->nresults)
		return full || tallied;
	tallied->last = tally->nresults;
	tallied->ndumps++;
	tallied->dumps += id;
	if (found->severity > tallied->severity)
		tallied->severity = found->severity;
	for (size_t m = 0; m < found->nmodules; m++)
		if (!add_module(tallied, line->modules.v[found->modules + m]))
			return false;
	return keep_first(tallied, found, line) && keep_last(tallied, line);
}

/* ---- one target --------------------------------------------------------------------- */

/* Of the command and the target: which dump it is, whoever looked at it when. */
static uint64_t id_of(const struct result_line *line)
{
	const char *command = result_command(line->of);
	uint8_t bytes[SHA256_DIGEST_SIZE];
	struct sha256_ctx hash;
	uint64_t id;

	sha256_init(&hash);
	sha256_update(&hash, strlen(command) + 1, (const uint8_t *)command);
	sha256_update(&hash, strlen(line->target), (const uint8_t *)line->target);
	sha256_digest(&hash, sizeof(bytes), bytes);
	memcpy(&id, bytes, sizeof(id));
	return id;
}

static bool add_failure(struct tally *tally, const struct result_line *line, uint64_t id)
{
	struct tallied_failure *failure;

	if (tally->failures.n == TALLY_FAILURES)
		return true;
	failure = ws_vec_push(&tally->failures);
	if (!failure)
		return false;
	failure->id = id;
	return keep(&failure->target, line->target) && keep(&failure->error, line->error);
}

static void failure_release(struct tallied_failure *failure)
{
	free(failure->target);
	free(failure->error);
}

static void drop_failure(struct tally *tally, uint64_t id)
{
	for (size_t i = 0; i < tally->failures.n; i++)
		if (tally->failures.v[i].id == id) {
			failure_release(&tally->failures.v[i]);
			tally->failures.v[i] = tally->failures.v[--tally->failures.n];
			return;
		}
}

static uint64_t *count_of(struct tally *tally, enum result_of of, enum seen_as as)
{
	struct tallied_command *command = &tally->command[of];
	uint64_t *const counts[] = { [SEEN_FAILED] = &command->failed,
				     [SEEN_CLEAN] = &command->clean,
				     [SEEN_UNKNOWN] = &command->unknown,
				     [SEEN_FOUND] = &command->found };

	return counts[as];
}

/* An answer that was counted before had what is mere info, too, and nothing worse. */
static bool add_findings(struct tally *tally, const struct result_line *line, uint64_t id,
			 bool was_answered)
{
	ws_vec_each(&line->found, found)
		if (!(was_answered && found->severity == WS_INFO) &&
		    !add_found(tally, found, line, id))
			return false;
	return true;
}

/* A status is one of these: makes_sense(). */
static enum seen_as as_what(const struct result_line *line)
{
	return line->error                    ? SEEN_FAILED
	       : line->status == EXIT_UNSEEN  ? SEEN_FOUND
	       : line->status == EXIT_UNKNOWN ? SEEN_UNKNOWN
					      : SEEN_CLEAN;
}

bool tally_add(struct tally *tally, const struct result_line *line)
{
	uint64_t id = id_of(line);
	enum seen_as as = as_what(line), before = seen_put(&tally->seen, id, as);
	bool was_there = before < SEEN_NOT;

	tally->nresults++;
	if (before == SEEN_SHORT)
		return false;
	tally->nunchecked += before == SEEN_FULL;
	tally->nrepeated += was_there;
	if (was_there && before >= as)
		return true;
	if (was_there)
		--*count_of(tally, line->of, before);
	if (before == SEEN_FAILED)
		drop_failure(tally, id);
	++*count_of(tally, line->of, as);
	return line->error ? add_failure(tally, line, id)
			   : add_findings(tally, line, id, was_there && before);
}

/* ---- all of them -------------------------------------------------------------------- */

uint64_t tally_targets(const struct tallied_command *command)
{
	return command->found + command->clean + command->unknown + command->failed;
}

static int by_dumps(const struct tallied *a, const struct tallied *b)
{
	if (a->ndumps != b->ndumps)
		return a->ndumps < b->ndumps ? 1 : -1;
	if (a->dumps != b->dumps)
		return a->dumps < b->dumps ? -1 : 1;
	if (a->severity != b->severity)
		return a->severity < b->severity ? 1 : -1;
	return (a->fingerprint > b->fingerprint) - (a->fingerprint < b->fingerprint);
}

static int by_frequency(const void *left, const void *right)
{
	const struct tallied_module *a = left, *b = right;

	uint64_t n = tally_at_least(a), m = tally_at_least(b);

	return n != m ? (n < m ? 1 : -1) : strcmp(a->name, b->name);
}

void tally_sort(struct tally *tally)
{
	struct tallied *tallied, *next;

	HASH_SORT(tally->by_fingerprint, by_dumps);
	HASH_ITER(hh, tally->by_fingerprint, tallied, next)
	qsort(tallied->module, tallied->nmodules, sizeof(*tallied->module), by_frequency);
}

void tally_release(struct tally *tally)
{
	struct tallied *tallied, *next;

	HASH_ITER(hh, tally->by_fingerprint, tallied, next)
	{
		HASH_DEL(tally->by_fingerprint, tallied);
		tallied_release(tallied);
	}
	ws_vec_each(&tally->failures, failure)
		failure_release(failure);
	ws_vec_release(&tally->failures);
	seen_release(&tally->seen);
}
