/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/html/parts.h"
#include "report/html_data.h"
#include "report/provenance.h"
#include "report/report.h"
#include "util/bits.h"
#include "util/cleanup.h"

/* Text between tags, and in attributes in double quotes. */
static void print_text(FILE *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
}

/*
 * Inside <script> only "</script" and "<!--" mean anything: with no '<' at all there is
 * neither. In JSON a '<' is always part of a string, where \u003c says the same.
 */
static int print_json(const char *buffer, size_t size, void *arg)
{
	FILE *out = arg;

	for (size_t i = 0; i < size; i++)
		if (buffer[i] == '<')
			fputs("\\u003c", out);
		else
			fputc(buffer[i], out);
	return ferror(out) ? -1 : 0;
}

struct page {
	FILE *out;
	char *target, *headline; /* cleaned */
	const json_t *data;
};

static bool print_title(const struct page *page)
{
	print_text(page->out, page->target);
	return true;
}

static bool print_headline(const struct page *page)
{
	print_text(page->out, page->headline);
	return true;
}

static bool print_style(const struct page *page)
{
	fwrite(html_style, 1, html_style_size, page->out);
	return true;
}

static bool print_script(const struct page *page)
{
	fwrite(html_script, 1, html_script_size, page->out);
	return true;
}

static bool print_data(const struct page *page)
{
	return json_dump_callback(page->data, print_json, page->out, JSON_COMPACT) == 0;
}

/* What stands in the frame's place for the parts. */
static const struct part {
	const char *name;
	bool (*print)(const struct page *page);
} parts[] = {
	{ "@TITLE@", print_title }, { "@HEADLINE@", print_headline },
	{ "@STYLE@", print_style }, { "@SCRIPT@", print_script },
	{ "@DATA@", print_data },
};

static const struct part *part_at(const char *text, size_t n)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++) {
		size_t length = strlen(parts[i].name);

		if (n >= length && !memcmp(text, parts[i].name, length))
			return &parts[i];
	}
	return NULL;
}

static bool print_frame(const struct page *page)
{
	const char *at = (const char *)html_frame;
	size_t n = html_frame_size;

	while (n) {
		const struct part *part = part_at(at, n);
		size_t step = part ? strlen(part->name) : 1;

		if (!part)
			fputc(*at, page->out);
		else if (!part->print(page))
			return false;
		at += step;
		n -= step;
	}
	return !ferror(page->out);
}

static char *clean_copy(const char *text)
{
	size_t size = text ? strlen(text) * 4 + 1 : 0;
	char *clean = text ? malloc(size) : NULL;

	if (clean)
		report_clean(clean, size, text);
	return clean;
}

static bool write_page(FILE *out, const struct html_subject *of,
		       const struct provenance *provenance)
{
	const struct digest *digest = of->digest;
	struct tree tree = { 0 };
	ws_autofree char *headline = digest_headline(digest);
	ws_autofree char *clean = clean_copy(headline);
	ws_autofree char *target =
		clean_copy(ws_target_path(ws_system_target(digest->system)));
	json_t *data = html_data(&tree, of->digest, of->autopsy, provenance);
	const struct page page = { out, target, clean, data };
	bool written = !tree.failed && clean && target && print_frame(&page);

	json_decref(data);
	return written;
}

bool html_write(FILE *out, const struct html_subject *of, ws_progress_fn *progress,
		void *arg)
{
	const struct provenance_of target = { of->digest->system, progress, arg };
	struct provenance provenance;
	bool written =
		provenance_make(&provenance, &target) && write_page(out, of, &provenance);

	provenance_release(&provenance);
	if (!written && !ferror(out))
		errno = ENOMEM;
	return written;
}
