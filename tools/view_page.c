/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages of the view: one space's findings, all changes, notes, help. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "report/wrap.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"
#include "view_keys.h"

/* Kinds of findings of one space that are listed, so that a page has an end. */
#define KINDS_MOST 200

struct page {
	FILE *to;
	size_t width;
	bool failed; /* memory is short */
};

/* A line that is clean already, with its continuation below what its label is for. */
static void print_line(struct page *page, const char *line)
{
	wrap_print(page->to, page->width, wrap_hang(line), line, "", "");
}

/* What is printed may be a target's own. */
static void __attribute__((format(printf, 2, 3)))
print(struct page *page, const char *fmt, ...)
{
	ws_autofree char *text = NULL;
	char clean[REPORT_CELL];
	va_list ap;

	va_start(ap, fmt);
	text = ws_text_of_args(fmt, ap);
	va_end(ap);
	page->failed |= !text;
	if (!text)
		return;
	report_clean(clean, sizeof(clean), text);
	print_line(page, clean);
}

/* ---- one space ----------------------------------------------------------------------- */

static void print_lines(struct page *page, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		print(page, "  %.*s", (int)n, text);
		text += n + (text[n] != '\0');
	}
}

/* Whether one before it, of the same space, was of the rule. */
static bool was_explained(const struct snapshot *now, const uint32_t *kinds, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (now->findings.v[kinds[i]].rule == now->findings.v[kinds[k]].rule)
			return true;
	return false;
}

static void print_finding(struct page *page, const struct snapshot_finding *finding,
			  bool explained)
{
	const struct ws_rule *rule = finding->rule;

	fputc('\n', page->to);
	print(page, "%s: %s (%s), 0x%" PRIx64 "-0x%" PRIx64,
	      ws_severity_name(finding->severity), rule->name, rule->id, finding->va,
	      finding->last);
	print(page, "  what:     %s%s", finding->text,
	      finding->machine ? " (whatever space is loaded)" : "");
	if (explained)
		return;
	print(page, "  meaning:  %s", rule->meaning);
	print(page, "  fix:      %s", rule->fix);
}

static void print_findings(struct page *page, const struct snapshot *now,
			   const struct snapshot_space *space)
{
	const uint32_t *kinds = now->kinds.v + space->at;
	size_t n = space->nkinds < KINDS_MOST ? space->nkinds : KINDS_MOST;

	for (size_t k = 0; k < n; k++)
		print_finding(page, &now->findings.v[kinds[k]],
			      was_explained(now, kinds, k));
	if (n == space->nkinds)
		return;
	fputc('\n', page->to);
	print(page, "%s more: `whosees audit' lists them",
	      WS_COUNT_OF(space->nkinds - n, "finding"));
}

static void print_space(const struct view *view, struct page *page)
{
	const struct snapshot_space *space = view_chosen(view);
	char time[CHANGE_TIME];

	if (!space) {
		print(page, "It is there no more.");
		return;
	}
	print(page, "%s", space->sentence);
	if (space->since)
		print(page, "since %s", change_time(space->since, time));
	else
		print(page, "since before the watch began");
	print_lines(page, space->reasons);
	if (!space->nkinds)
		print(page, "no findings");
	else
		print_findings(page, &view->now, space);
}

/* ---- the others ---------------------------------------------------------------------- */

static void print_changes(const struct view *view, struct page *page)
{
	for (size_t i = view->lines.n; i-- > 0;) {
		const struct view_line *line = &view->lines.v[i];
		ws_autofree char *text = NULL;
		char time[CHANGE_TIME];

		text = ws_text_of("%s  %s", change_time(line->when, time), line->text);
		page->failed |= !text;
		print_line(page, text ? text : "");
	}
	if (!view->lines.n)
		print(page, "nothing has changed since the first look");
}

static void print_notes(const struct view *view, struct page *page)
{
	ws_vec_each(&view->now.notes, note)
		print(page, "%s", *note);
	if (!view->now.notes.n)
		print(page, "there are none");
}

static const char *const help[] = {
	"A row is an address space that a task or a processor can run in. VERDICT is what its "
	"findings come to (man whosees-verdicts), AT WORST the finding that decides; SINCE is the "
	"look, UTC, that saw the verdict first, and \"start\" the first of all.",
	"A + at the end of a line or a cell: there is more of it.",
	"A look that has begun is not broken off: when the watch is ended, it is waited for.",
};

static void print_help(const struct view *view, struct page *page)
{
	(void)view;
	for (const struct view_command *c = view_commands; c->name; c++)
		print(page, "%-9s  %s", c->name, c->about);
	for (size_t i = 0; i < WS_ARRAY_SIZE(help); i++) {
		fputc('\n', page->to);
		print(page, "%s", help[i]);
	}
}

static const struct {
	const char *title;
	void (*print)(const struct view *view, struct page *page);
} pages[] = {
	[VIEW_SPACE] = { "FINDINGS", print_space },
	[VIEW_CHANGES] = { "CHANGES, the newest first", print_changes },
	[VIEW_NOTES] = { "NOTES: what the answers do not rest on", print_notes },
	[VIEW_HELP] = { "KEYS", print_help },
};

const char *view_page_title(const struct view *view)
{
	return pages[view->page].title;
}

char *view_page_text(const struct view *view, size_t width)
{
	struct ws_text text;
	struct page page = { .to = ws_text_open(&text), .width = width };
	char *made;

	if (!page.to)
		return NULL;
	pages[view->page].print(view, &page);
	made = ws_text_close(&text, NULL);
	if (!page.failed)
		return made;
	free(made);
	return NULL;
}
