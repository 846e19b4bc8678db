/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "what.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"
#include "util/bom.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/whole.h"

/* More than the module area of any kernel: a region that claims more is corrupt. */
#define MAX_MODULE_PAGES ((UINT64_C(2) << 30) / WS_FRAME_SIZE)

/* Longer than any symbol's name with its module's and an offset. */
#define LIST_LINE 2048

static bool parse_hex(const char *word, uint64_t *value)
{
	return ws_number(word, WS_HEX, UINT64_MAX, value);
}

/* What cannot be a name. */
static bool must_be_address(const char *word)
{
	return isdigit((unsigned char)*word);
}

static bool add_address(struct whats *whats, uint64_t va)
{
	uint64_t *address = ws_vec_push(&whats->address);

	if (address)
		*address = va;
	return address;
}

/* Opens a new WHAT at the end of the list; its addresses are pushed next. */
static struct what *begin_what(struct whats *whats, const char *label)
{
	struct what *what = ws_vec_push(&whats->what);

	if (!what)
		return NULL;
	*what = (struct what){ .first = whats->address.n, .label = strdup(label) };
	return what->label ? what : NULL;
}

static enum exit_status add_one(struct whats *whats, const char *label, uint64_t va)
{
	struct what *what = begin_what(whats, label);

	if (!what || !add_address(whats, va))
		return session_fail_memory();
	what->n = 1;
	return EXIT_SEEN;
}

/* An address says nothing to a reader: what lies there does. */
static enum exit_status add_bare(struct whats *whats, struct session *session,
				 const char *label, uint64_t va)
{
	enum exit_status status = add_one(whats, label, va);
	char place[PLACE_WORDS];
	struct what *what;

	if (status != EXIT_SEEN)
		return status;
	what = &whats->what.v[whats->what.n - 1];
	what->place = strdup(place_words(session, va, NULL, place));
	return what->place ? EXIT_SEEN : session_fail_memory();
}

static bool is_too_large(const struct ws_region *region)
{
	uint64_t first = region->va & ~(uint64_t)(WS_FRAME_SIZE - 1);
	uint64_t last = region->va + (region->len - 1);

	return region->len &&
	       (last < first || (last - first) / WS_FRAME_SIZE >= MAX_MODULE_PAGES);
}

static enum exit_status add_region(struct whats *whats, struct session *session,
				   const struct ws_module *module,
				   const struct ws_region *region)
{
	uint64_t first = region->va & ~(uint64_t)(WS_FRAME_SIZE - 1);
	uint64_t last = region->va + (region->len - 1);

	if (!region->len)
		return EXIT_SEEN;
	if (is_too_large(region))
		return session_usage(session, "the module list may be corrupt",
				     "module %s: a region of %#llx bytes cannot be",
				     module->name, (unsigned long long)region->len);
	for (uint64_t va = first;; va += WS_FRAME_SIZE) {
		if (!add_address(whats, va))
			return session_fail_memory();
		if (last - va < WS_FRAME_SIZE)
			return EXIT_SEEN;
	}
}

static enum exit_status add_module(struct whats *whats, struct session *session,
				   const struct ws_module *module)
{
	struct what *what = begin_what(whats, module->name);
	enum exit_status status;

	if (!what)
		return session_fail_memory();
	for (unsigned i = 0; i < module->nregions; i++) {
		status = add_region(whats, session, module, &module->region[i]);
		if (status != EXIT_SEEN)
			return status;
	}
	what->n = whats->address.n - what->first;
	if (what->n)
		return EXIT_SEEN;
	session_usage(session, NULL, "where the memory of module %s lies is not known",
		      module->name);
	return EXIT_UNKNOWN;
}

static enum exit_status list_modules(struct session *session,
				     const struct ws_module **modules, size_t *n)
{
	enum ws_status status = ws_system_modules(session->system, modules, n);

	if (status == WS_OK)
		return EXIT_SEEN;
	return session_fail(session, status, NULL);
}

static bool has_place(const struct ws_module *module)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < module->nregions; i++) {
		if (is_too_large(&module->region[i]))
			return false;
		size |= module->region[i].len;
	}
	return size;
}

/* One of all: that it lies nowhere is no reason to be silent on the others. */
static enum exit_status add_any_module(struct whats *whats, struct session *session,
				       const struct ws_module *module)
{
	char **name;

	if (has_place(module))
		return add_module(whats, session, module);
	name = ws_vec_push(&whats->nowhere);
	if (!name)
		return session_fail_memory();
	*name = strdup(module->name);
	return *name ? EXIT_SEEN : session_fail_memory();
}

enum exit_status whats_add_modules(struct whats *whats, struct session *session)
{
	const struct ws_module *modules;
	size_t n;
	enum exit_status status = list_modules(session, &modules, &n);

	for (size_t i = 0; status == EXIT_SEEN && i < n; i++)
		status = add_any_module(whats, session, &modules[i]);
	if (status == EXIT_SEEN && !n && ws_system_lacks_modules(session->system)) {
		session_usage(session, NULL,
			      "no module was found, and the target does not hold all of "
			      "the memory that modules may lie in");
		return EXIT_UNKNOWN;
	}
	return status;
}

/* NULL where there is none; that the list cannot be read is no reason to stop here. */
static const struct ws_module *find_module(struct session *session, const char *name)
{
	const struct ws_module *modules;
	size_t n;

	if (ws_system_modules(session->system, &modules, &n) != WS_OK) {
		ws_error_clear(session->ctx);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(modules[i].name, name) == 0)
			return &modules[i];
	return NULL;
}

static uint64_t last_va(struct session *session)
{
	return ws_system_layout(session->system)->word == 8 ? UINT64_MAX : UINT32_MAX;
}

/* Where no kernel was looked for, a name means nothing. */
static enum exit_status add_without_names(struct whats *whats, struct session *session,
					  const char *word)
{
	uint64_t va;

	if (parse_hex(word, &va))
		return add_bare(whats, session, word, va);
	session_usage(session, "give an address",
		      "'%s' is a name, and the kernel of this target is not known", word);
	return EXIT_UNREADABLE;
}

static enum exit_status add_symbol(struct whats *whats, struct session *session,
				   const char *word)
{
	const char *plus = strrchr(word, '+');
	ws_autofree char *name =
		strndup(word, plus ? (size_t)(plus - word) : strlen(word));
	struct ws_symbol symbol;
	uint64_t offset = 0;
	enum ws_status status;

	if (!name)
		return session_fail_memory();
	if (plus && !ws_number(plus + 1, WS_DECIMAL_OR_HEX, UINT64_MAX, &offset))
		return session_usage(session, "SYMBOL+16 or SYMBOL+0x10",
				     "'%s' ends in no offset", word);
	status = ws_symbol_find(session->system, name, &symbol);
	if (status == WS_OK && offset > last_va(session) - symbol.va)
		return session_usage(session, NULL, "'%s' lies past the last address",
				     word);
	if (status == WS_OK)
		return add_one(whats, word, symbol.va + offset);
	if ((status == WS_ERR_NOT_FOUND || status == WS_ERR_UNKNOWN) &&
	    parse_hex(word, &offset)) {
		ws_error_clear(session->ctx);
		return add_bare(whats, session, word, offset);
	}
	return session_fail(session, status, NULL);
}

static enum exit_status add_word(struct whats *whats, struct session *session,
				 const char *word)
{
	const struct ws_module *module;
	uint64_t va;

	if (must_be_address(word)) {
		if (parse_hex(word, &va))
			return add_bare(whats, session, word, va);
		return session_usage(session, "addresses are hex, of 64 bits at most",
				     "'%s' is not an address", word);
	}
	if (ws_system_layout(session->system)->tables_only)
		return add_without_names(whats, session, word);
	module = find_module(session, word);
	if (module)
		return add_module(whats, session, module);
	return add_symbol(whats, session, word);
}

/* Cuts the comment and the white space around; NULL when nothing is left. */
static char *trim(char *line)
{
	char *end;

	line[strcspn(line, "#")] = '\0';
	while (isspace((unsigned char)*line))
		line++;
	end = line + strlen(line);
	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return *line ? line : NULL;
}

/* Who takes the words of a list, and how many there were. */
struct taker {
	what_fn *fn;
	void *arg;
	size_t n;
};

static enum exit_status take_line(struct taker *taker, struct session *session,
				  const char *path, char *line)
{
	char *word = trim(line);

	if (!word)
		return EXIT_SEEN;
	if (*word == '@')
		return session_usage(session, NULL, "%s: a list cannot hold a list (%s)",
				     path, word);
	taker->n++;
	return taker->fn(taker->arg, session, word);
}

/* The bytes of a line, as many as there is room for: those of 0 do not end it. */
static size_t read_line(FILE *f, char line[static LIST_LINE])
{
	size_t length = 0;
	int byte = 0;

	while (length + 1 < LIST_LINE && byte != '\n' && (byte = getc(f)) != EOF)
		line[length++] = (char)byte;
	line[length] = '\0';
	return length;
}

/* A list is text: what has longer lines, or bytes of 0, is something else. */
static enum exit_status take_list(struct taker *taker, struct session *session,
				  const char *path, FILE *f)
{
	enum exit_status status = EXIT_SEEN;
	char line[LIST_LINE];
	bool first = true;
	size_t length;

	while (status == EXIT_SEEN && (length = read_line(f, line))) {
		size_t bom = first ? ws_bom(line, length) : 0;

		if (strlen(line) != length || (line[length - 1] != '\n' && !feof(f)))
			return session_usage(session, NULL,
					     "%s: not a list of WHATs, one a line", path);
		status = take_line(taker, session, path, line + bom);
		first = false;
	}
	if (status == EXIT_SEEN && ferror(f))
		return session_usage(session, NULL, "%s: %s", path, strerror(errno));
	if (status == EXIT_SEEN && !taker->n)
		return session_usage(session, "one a line; # begins a comment",
				     "no addresses were given: nothing is in %s", path);
	return status;
}

static enum exit_status take_file(struct taker *taker, struct session *session,
				  const char *path)
{
	ws_autofclose FILE *f = fopen(path, "r");

	if (!f)
		return session_usage(session, NULL, "%s: %s",
				     *path ? path : "@ without a FILE", strerror(errno));
	return take_list(taker, session, path, f);
}

static enum exit_status take_standard_input(struct taker *taker, struct session *session)
{
	if (ws_whole_is_standard(session->request->target))
		return session_usage(session, NULL,
				     "standard input is the target: it cannot be a list "
				     "too");
	return take_list(taker, session, "standard input", stdin);
}

enum exit_status what_each(struct session *session, const char *word, what_fn *fn,
			   void *arg)
{
	struct taker taker = { fn, arg, 0 };

	if (ws_whole_is_standard(word))
		return take_standard_input(&taker, session);
	return *word == '@' ? take_file(&taker, session, word + 1)
			    : fn(arg, session, word);
}

static enum exit_status add_any(void *arg, struct session *session, const char *word)
{
	return add_word(arg, session, word);
}

enum exit_status whats_add(struct whats *whats, struct session *session, const char *word)
{
	return what_each(session, word, add_any, whats);
}

void whats_release(struct whats *whats)
{
	ws_vec_each(&whats->what, what) {
		free(what->label);
		free(what->place);
	}
	ws_vec_each(&whats->nowhere, name)
		free(*name);
	ws_vec_release(&whats->nowhere);
	ws_vec_release(&whats->what);
	ws_vec_release(&whats->address);
}

enum exit_status what_address(struct session *session, const char *word, uint64_t *va,
			      char label[static WHAT_LABEL])
{
	ws_cleanup(whats_release) struct whats whats = { 0 };
	enum exit_status status = whats_add(&whats, session, word);
	char place[PLACE_WORDS];
	const struct what *what;

	if (status != EXIT_SEEN)
		return status;
	if (whats.what.n != 1)
		return session_usage(session, NULL, "%s: one WHAT is wanted, not %zu",
				     word, whats.what.n);
	*va = whats.address.v[0];
	what = &whats.what.v[0];
	if (what->place)
		snprintf(label, WHAT_LABEL, "%.256s (%s)", what->label, what->place);
	else
		snprintf(label, WHAT_LABEL, "%.256s (0x%" PRIx64 ", %s)", what->label,
			 *va, place_words(session, *va, what->label, place));
	return EXIT_SEEN;
}

/* ---- ranges ----------------------------------------------------------------------- */

enum exit_status what_length(struct session *session, const char *text, uint64_t *length)
{
	if (ws_number(text, WS_DECIMAL_OR_HEX, UINT64_MAX, length) && *length)
		return EXIT_SEEN;
	return session_usage(session, "decimal, or hex after 0x", "'%s' is not a length",
			     text);
}

bool what_is_range(const char *word, struct what_range *range)
{
	const char *dash = strchr(word, '-');

	return dash &&
	       ws_number_in(word, (size_t)(dash - word), WS_HEX, UINT64_MAX,
			    &range->first) &&
	       parse_hex(dash + 1, &range->last);
}

static int by_address(const void *left, const void *right)
{
	const struct what_range *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

static size_t module_ranges(const struct ws_module *module,
			    struct what_range ranges[static WS_MODULE_REGIONS])
{
	size_t n = 0;

	for (unsigned r = 0; r < module->nregions; r++) {
		const struct ws_region *region = &module->region[r];

		if (region->len && region->va + (region->len - 1) >= region->va)
			ranges[n++] =
				(struct what_range){ region->va,
						     region->va + (region->len - 1) };
	}
	qsort(ranges, n, sizeof(*ranges), by_address);
	return n;
}

/* From one address on; without a length its page. */
static enum exit_status address_range(struct session *session, const char *word,
				      const char *length, struct what_range *range)
{
	char label[WHAT_LABEL];
	uint64_t n = 0;
	enum exit_status status = length ? what_length(session, length, &n) : EXIT_SEEN;

	if (status == EXIT_SEEN)
		status = what_address(session, word, &range->first, label);
	if (status != EXIT_SEEN)
		return status;
	range->last =
		length ? range->first + (n - 1) : range->first | (WS_FRAME_SIZE - 1);
	if (range->last < range->first)
		return session_usage(session, NULL,
				     "%s bytes from %s reach past the "
				     "last address",
				     length, word);
	return EXIT_SEEN;
}

enum exit_status what_ranges(struct session *session, const char *word,
			     const char *length,
			     struct what_range ranges[static WS_MODULE_REGIONS],
			     size_t *n)
{
	const struct ws_module *module = length ? NULL : find_module(session, word);

	*n = 1;
	if (module) {
		*n = module_ranges(module, ranges);
		if (*n)
			return EXIT_SEEN;
		session_usage(session, NULL,
			      "where the memory of module %s lies is not known",
			      module->name);
		return EXIT_UNKNOWN;
	}
	if (length || !what_is_range(word, ranges))
		return address_range(session, word, length, ranges);
	if (ranges->last < ranges->first)
		return session_usage(session, "FIRST-LAST, both included",
				     "'%s' ends before it begins", word);
	return EXIT_SEEN;
}
