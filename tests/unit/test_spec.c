/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the vectors of tests/spec/ (the format is in its README) and makes every case of
 * them one test. What is asked is asked twice: of the library, and of the second reading
 * of the manual in tests/common/manual.c, which so is tested as well.
 */
#include "common/manual.h"
#include "common/memory.h"
#include "common/text.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct line {
	const char *file;
	unsigned number;
	char *text;
};

/* One case: a title, and the lines up to the next one. */
struct spec_case {
	char *title;
	struct line *line;
	size_t n;
};

/* Everything a case's lines work on. */
struct machine {
	struct sparse memory;
	struct ws_paging paging;
	uint64_t root;
	const struct line *line; /* being obeyed */
};

#define refuse(machine, what, text)                                                     \
	fail_msg("%s:%u: %s: %s", (machine)->line->file, (machine)->line->number, what, \
		 text)

/* ---- numbers and words ---- */

static char *word(char **rest)
{
	char *w;

	do
		w = strsep(rest, " \t");
	while (w && !*w);
	return w;
}

static uint64_t number(struct machine *m, const char *text, int base)
{
	char *end;
	uint64_t value;

	if (!text)
		refuse(m, "a number is missing", m->line->text);
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || end == text || *end)
		refuse(m, "not a number", text);
	return value;
}

static uint64_t address(struct machine *m, char **rest)
{
	return number(m, word(rest), 16);
}

/* ---- what sets the machine up ---- */

static void set_format(struct machine *m, char *rest)
{
	m->paging.format = ws_format_by_name(rest);
	if (!m->paging.format)
		refuse(m, "no such format", rest);
}

static void set_maxphyaddr(struct machine *m, char *rest)
{
	m->paging.pa_bits = (uint8_t)number(m, rest, 10);
}

static void set_nx(struct machine *m, char *rest)
{
	m->paging.no_execute = strcmp(rest, "on") == 0;
	if (!m->paging.no_execute && strcmp(rest, "off") != 0)
		refuse(m, "neither on nor off", rest);
}

static void set_root(struct machine *m, char *rest)
{
	m->root = address(m, &rest);
}

static bool narrow(const struct machine *m)
{
	return format_entry_log2(m->paging.format) == 2;
}

/* mem PA = ENTRY... */
static void set_memory(struct machine *m, char *rest)
{
	size_t size = narrow(m) ? 4 : 8;
	uint64_t pa = address(m, &rest);
	char *equals = word(&rest), *entry;

	if (!equals || strcmp(equals, "=") != 0 || pa % size)
		refuse(m, "not an aligned PA and =", m->line->text);
	for (; (entry = word(&rest)); pa += size) {
		uint64_t value = number(m, entry, 16);

		put_little(sparse_at(&m->memory, pa), size, value);
	}
}

/* ---- what is asked ---- */

static void hold_beside_manual(struct machine *m, const struct ws_trail *trail)
{
	struct manual_answer manual = manual_walk(&m->paging, m->root, trail->va);
	struct ws_flaw flaw = { 0 };
	bool flawed = ws_check(&m->paging, trail, &flaw);

	assert_int_equal(trail->end, manual.end);
	assert_int_equal(flawed, manual.flawed);
	assert_int_equal(flaw.level, manual.flaw.level);
	assert_int_equal(flaw.reserved, manual.flaw.reserved);
	if (trail->nsteps)
		assert_int_equal(trail->nsteps - 1, manual.level);
	if (trail->end != WS_END_PAGE)
		return;
	assert_int_equal(trail->pa, manual.pa);
	assert_int_equal(trail->page_shift, manual.page_shift);
	assert_int_equal(trail->access, manual.access);
}

static struct ws_trail walked(struct machine *m, char **rest)
{
	struct ws_trail trail;

	ws_walk(&m->paging, m->root, address(m, rest), &trail);
	hold_beside_manual(m, &trail);
	return trail;
}

static void ask_walk(struct machine *m, char *rest, FILE *out)
{
	struct ws_trail trail = walked(m, &rest);

	print_trail(out, m->paging.format, &trail);
}

/* Every step: the entry's own address, and its value. */
static void ask_steps(struct machine *m, char *rest, FILE *out)
{
	struct ws_trail trail = walked(m, &rest);

	for (unsigned l = 0; l < trail.nsteps; l++)
		fprintf(out, "%s%s %" PRIx64 "=%" PRIx64, l ? "; " : "",
			ws_level_entry_name(m->paging.format, l),
			ws_step_entry_pa(m->paging.format, &trail.step[l]),
			trail.step[l].entry);
}

static void ask_check(struct machine *m, char *rest, FILE *out)
{
	struct ws_trail trail = walked(m, &rest);
	struct ws_flaw flaw;

	if (ws_check(&m->paging, &trail, &flaw))
		print_flaw(out, m->paging.format, &flaw);
	else
		fputs("fine", out);
}

struct listing {
	const struct ws_format *format;
	FILE *out;
	unsigned n;
};

static bool list_run(void *arg, const struct ws_run *run)
{
	struct listing *listing = arg;

	fputs(listing->n++ ? "; " : "", listing->out);
	print_run(listing->out, listing->format, run);
	return true;
}

static bool list_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct listing *listing = arg;

	fprintf(listing->out, "%s%s %" PRIx64 " for %" PRIx64, listing->n++ ? "; " : "",
		ws_level_name(listing->format, level), pa, va);
	return true;
}

/* range FIRST LAST [holes] [physical] */
static void ask_range(struct machine *m, char *rest, FILE *out)
{
	struct listing listing = { .format = m->paging.format, .out = out };
	uint64_t first = address(m, &rest), last = address(m, &rest);
	unsigned flags = 0;
	char *flag;

	while ((flag = word(&rest)))
		flags |= strcmp(flag, "holes") == 0 ? WS_RANGE_HOLES : WS_RANGE_PHYSICAL;
	assert_int_equal(
		ws_range(&m->paging, m->root, first, last, flags, 0, list_run, &listing),
		WS_OK);
}

/* tables FIRST LAST */
static void ask_tables(struct machine *m, char *rest, FILE *out)
{
	struct listing listing = { .format = m->paging.format, .out = out };
	uint64_t first = address(m, &rest), last = address(m, &rest);

	assert_int_equal(
		ws_tables(&m->paging, m->root, first, last, 0, list_table, &listing),
		WS_OK);
}

/* entry LEVEL ENTRY: LEVEL by number, 0 the top */
static void ask_entry(struct machine *m, char *rest, FILE *out)
{
	unsigned level = (unsigned)number(m, word(&rest), 10);
	char text[80];

	fputs(ws_entry_describe(m->paging.format, level, address(m, &rest), text,
				sizeof(text)),
	      out);
}

static const struct directive {
	const char *word;
	void (*set)(struct machine *m, char *rest);
	void (*ask)(struct machine *m, char *rest, FILE *out);
} directives[] = {
	{ "format", set_format, NULL }, { "maxphyaddr", set_maxphyaddr, NULL },
	{ "nx", set_nx, NULL },         { "root", set_root, NULL },
	{ "mem", set_memory, NULL },    { "walk", NULL, ask_walk },
	{ "steps", NULL, ask_steps },   { "check", NULL, ask_check },
	{ "range", NULL, ask_range },   { "tables", NULL, ask_tables },
	{ "entry", NULL, ask_entry },
};

/* ---- obeying a case ---- */

/* Cuts text at the arrow; what follows is what the answer must be. */
static const char *cut_expected(struct machine *m, char *text)
{
	char *arrow = strstr(text, "->");

	if (!arrow)
		refuse(m, "-> is missing", text);
	*arrow = '\0';
	return arrow + 2 + strspn(arrow + 2, " ");
}

static void ask(struct machine *m, const struct directive *directive, char *rest)
{
	const char *expected = cut_expected(m, rest);
	ws_autofree char *answer = NULL;
	size_t size;
	FILE *out = open_memstream(&answer, &size);

	assert_non_null(out);
	directive->ask(m, rest, out);
	fclose(out);
	if (strcmp(answer, expected) != 0)
		fail_msg("%s:%u: %s\n  want %s\n  got  %s", m->line->file,
			 m->line->number, m->line->text, expected, answer);
}

static void obey(struct machine *m, const struct line *line)
{
	ws_autofree char *copy = strdup(line->text);
	char *rest = copy, *first = word(&rest);

	m->line = line;
	for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++) {
		if (strcmp(directives[i].word, first) != 0)
			continue;
		if (directives[i].set)
			directives[i].set(m, rest);
		else
			ask(m, &directives[i], rest);
		return;
	}
	refuse(m, "no such word", first);
}

static void run_case(void **state)
{
	const struct spec_case *c = *state;
	struct machine m = { .paging = { .frame = sparse_frame, .no_execute = true } };

	m.paging.opaque = &m.memory;
	for (size_t i = 0; i < c->n; i++)
		obey(&m, &c->line[i]);
	sparse_release(&m.memory);
}

/* ---- reading the files ---- */

struct spec {
	struct spec_case *c;
	size_t n;
	struct line preamble[8]; /* lines before the first case: they open every case */
	size_t npreamble;
};

static void *grown(void *array, size_t n, size_t size)
{
	array = realloc(array, (n + 1) * size);
	if (!array)
		abort();
	return array;
}

static void add_line(struct spec_case *c, struct line line)
{
	c->line = grown(c->line, c->n, sizeof(*c->line));
	c->line[c->n++] = line;
}

static void add_case(struct spec *spec, const char *file, const char *title)
{
	struct spec_case c = { 0 };

	if (asprintf(&c.title, "%s: %s", file, title) < 0)
		abort();
	for (size_t i = 0; i < spec->npreamble; i++) {
		struct line line = spec->preamble[i];

		line.text = strdup(line.text);
		add_line(&c, line);
	}
	spec->c = grown(spec->c, spec->n, sizeof(*spec->c));
	spec->c[spec->n++] = c;
}

/* An indented line goes on where the line before it ended. */
static void continue_line(struct line *line, const char *more)
{
	char *joined;
	size_t length = strlen(line->text);
	bool first = length >= 2 && strcmp(line->text + length - 2, "->") == 0;

	if (asprintf(&joined, "%s%s %s", line->text, first ? "" : ";", more) < 0)
		abort();
	free(line->text);
	line->text = joined;
}

static void trim(char *text)
{
	size_t length = strlen(text);
	char *comment = strchr(text, '#');

	if (comment)
		length = (size_t)(comment - text);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
}

static void take_line(struct spec *spec, struct line line)
{
	struct spec_case *c = spec->n ? &spec->c[spec->n - 1] : NULL;
	size_t indent = strspn(line.text, " \t");

	if (strncmp(line.text, "case ", 5) == 0) {
		add_case(spec, line.file, line.text + 5);
		return;
	}
	if (indent && c && c->n) {
		continue_line(&c->line[c->n - 1], line.text + indent);
		return;
	}
	line.text = strdup(line.text);
	if (c)
		add_line(c, line);
	else if (spec->npreamble < sizeof(spec->preamble) / sizeof(*spec->preamble))
		spec->preamble[spec->npreamble++] = line;
	else
		abort();
}

static bool read_spec(struct spec *spec, const char *folder, const char *name)
{
	ws_autofree char *path = NULL, *text = NULL;
	ws_autofclose FILE *in = NULL;
	size_t size = 0;

	if (asprintf(&path, "%s/tests/spec/%s.txt", folder, name) < 0)
		abort();
	in = fopen(path, "r");
	if (!in) {
		perror(path);
		return false;
	}
	for (unsigned number_ = 1; getline(&text, &size, in) >= 0; number_++) {
		trim(text);
		if (*text)
			take_line(spec, (struct line){ name, number_, text });
	}
	return spec->n > 0;
}

static void release_spec(struct spec *spec)
{
	for (size_t i = 0; i < spec->n; i++) {
		for (size_t l = 0; l < spec->c[i].n; l++)
			free(spec->c[i].line[l].text);
		free(spec->c[i].line);
		free(spec->c[i].title);
	}
	for (size_t i = 0; i < spec->npreamble; i++)
		free(spec->preamble[i].text);
	free(spec->c);
}

int main(int argc, char **argv)
{
	const char *source = getenv("WS_SOURCE");
	struct spec spec = { 0 };
	struct CMUnitTest *tests;
	int failed;

	if (argc != 2 || !source || !read_spec(&spec, source, argv[1])) {
		fprintf(stderr, "usage: WS_SOURCE=the source's folder %s FORMAT\n",
			argv[0]);
		return 2;
	}
	tests = calloc(spec.n, sizeof(*tests));
	if (!tests)
		abort();
	for (size_t i = 0; i < spec.n; i++) {
		tests[i].name = spec.c[i].title;
		tests[i].test_func = run_case;
		tests[i].initial_state = &spec.c[i];
	}
	failed = _cmocka_run_group_tests("spec", tests, spec.n, NULL, NULL);
	free(tests);
	release_spec(&spec);
	return failed;
}
