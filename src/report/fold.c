/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds rows that are alike by what stands in those columns that make them so. */
#include "report/fold.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/count.h"
#include "util/hash.h"
#include "util/text.h"

/* So many of those that are alike are named; no more than that are not folded. */
#define NAMED 3

struct alike {
	char *key;
	size_t count;
	enum text_pass done; /* the pass that has had its line */
	char *names[NAMED];
	char *any[REPORT_MAX_COLUMNS];
	bool differs[REPORT_MAX_COLUMNS];
	UT_hash_handle hh;
};

struct fold {
	struct alike *all;
};

static enum column_fold fold_of(const struct report *report, size_t i)
{
	return report->table->columns[report->shown.at[i]].fold;
}

bool fold_wanted(const struct report *report)
{
	if (!report->table->fold || report->unfolded || report->table == report->chosen)
		return false;
	return true;
}

struct fold *fold_create(void)
{
	return calloc(1, sizeof(struct fold));
}

static void alike_free(struct alike *alike)
{
	for (size_t i = 0; i < NAMED; i++)
		free(alike->names[i]);
	for (size_t i = 0; i < REPORT_MAX_COLUMNS; i++)
		free(alike->any[i]);
	free(alike->key);
	free(alike);
}

void fold_destroy(struct fold *fold)
{
	struct alike *alike, *next;

	if (!fold)
		return;
	HASH_ITER(hh, fold->all, alike, next)
	{
		HASH_DEL(fold->all, alike);
		alike_free(alike);
	}
	free(fold);
}

/* What rows have to have in common, as one string; NULL: memory is short. */
static char *key_of(const struct report *report, const struct cells *cells)
{
	struct ws_text key;
	FILE *f = ws_text_open(&key);

	if (!f)
		return NULL;
	for (size_t i = 0; i < report->shown.n; i++) {
		size_t at = report->shown.at[i];

		if (fold_of(report, i) == FOLD_ALIKE)
			fprintf(f, "%d%s\n", cells->alarm[at], cells->text[at]);
	}
	return ws_text_close(&key, NULL);
}

/* *alike: NULL where none is. False: memory is short. */
static bool find(const struct report *report, const struct cells *cells,
		 struct alike **alike)
{
	ws_autofree char *key = key_of(report, cells);

	*alike = NULL;
	if (key)
		HASH_FIND_STR(report->fold->all, key, *alike);
	return key;
}

static struct alike *add(const struct report *report, const struct cells *cells)
{
	struct alike *alike = calloc(1, sizeof(*alike));

	if (!alike)
		return NULL;
	alike->key = key_of(report, cells);
	if (alike->key)
		HASH_ADD_KEYPTR(hh, report->fold->all, alike->key, strlen(alike->key),
				alike);
	if (alike->key && alike->hh.tbl)
		return alike;
	alike_free(alike);
	return NULL;
}

/* Keeps text in *kept unless there is one. False: memory is short. */
static bool keep(char **kept, const char *text)
{
	if (!*kept)
		*kept = strdup(text);
	return *kept;
}

bool fold_count(const struct report *report, const struct cells *cells)
{
	struct alike *alike;
	bool kept = true;

	if (!find(report, cells, &alike))
		return false;
	if (!alike)
		alike = add(report, cells);
	if (!alike)
		return false;
	for (size_t i = 0; kept && i < report->shown.n; i++) {
		size_t at = report->shown.at[i];
		const char *text = cells->text[at];

		if (fold_of(report, i) == FOLD_NAMES && alike->count < NAMED)
			kept = keep(&alike->names[alike->count], text);
		else if (fold_of(report, i) == FOLD_ANY &&
			 (kept = keep(&alike->any[at], text)))
			alike->differs[at] |= strcmp(alike->any[at], text) != 0;
	}
	alike->count++;
	return kept;
}

/* "2,001 spaces: 112 herd-00001, 117 waiter, 118 herd-00002, ..." */
static void print_names(const struct report *report, const struct alike *alike,
			char cell[static REPORT_CELL])
{
	size_t n = (size_t)snprintf(cell, REPORT_CELL, "%s %s:", WS_COUNT(alike->count),
				    report->table->fold);

	for (size_t i = 0; i < NAMED && n < REPORT_CELL; i++)
		n += (size_t)snprintf(cell + n, REPORT_CELL - n, " %.256s,",
				      alike->names[i]);
	if (n < REPORT_CELL)
		snprintf(cell + n, REPORT_CELL - n, " ...");
}

bool fold_row(const struct report *report, struct cells *cells, bool *shown)
{
	struct alike *alike;

	if (!find(report, cells, &alike))
		return false;
	*shown = !alike || alike->count <= NAMED || alike->done != report->pass;
	if (!*shown || !alike || alike->count <= NAMED)
		return true;
	alike->done = report->pass;
	for (size_t i = 0; i < report->shown.n; i++) {
		size_t at = report->shown.at[i];

		if (fold_of(report, i) == FOLD_NAMES)
			print_names(report, alike, cells->text[at]);
		else if (alike->differs[at])
			strcpy(cells->text[at], "...");
	}
	return true;
}
