/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/wrap.h"
#include "session.h"
#include "util/cleanup.h"
#include "util/nearest.h"
#include "util/text.h"

void arguments_wrong(const char *name, const char *fmt, ...)
{
	char clean[REPORT_CELL], label[80];
	ws_autofree char *message = NULL;
	va_list ap;

	va_start(ap, fmt);
	message = ws_text_of_args(fmt, ap);
	va_end(ap);
	report_clean(clean, sizeof(clean), message ? message : fmt);
	snprintf(label, sizeof(label), "%.64s: ", name);
	wrap_labelled(stderr, label, clean);
	snprintf(clean, sizeof(clean), "`%.64s --help' has the options and examples",
		 name);
	wrap_labelled(stderr, "hint: ", clean);
	exit(EXIT_USAGE);
}

/* What is being checked. */
struct check {
	const char *name;
	const struct argp_option *options;
	const char *value; /* the next word, which an option may take; NULL: none */
};

static const struct argp_option *find_short(const struct check *check, char key)
{
	for (const struct argp_option *o = check->options; o->key; o++)
		if (o->key == key)
			return o;
	return NULL;
}

_Noreturn static void wrong_name(const struct check *check, const char *name)
{
	struct ws_nearest nearest = ws_nearest_to(name);
	char words[WS_NEAREST_WORDS];

	for (const struct argp_option *o = check->options; o->key; o++)
		if (o->name && !(o->flags & OPTION_HIDDEN))
			ws_nearest_offer(&nearest, o->name);
	for (unsigned i = 0; i < nearest.n; i++) {
		static char dashed[WS_NEAREST_NAMES][WS_NEAREST_LENGTH + 3];

		snprintf(dashed[i], sizeof(dashed[i]), "--%.*s", WS_NEAREST_LENGTH,
			 nearest.name[i]);
		nearest.name[i] = dashed[i];
	}
	arguments_wrong(check->name, "there is no option '--%s'%s", name,
			ws_nearest_words(&nearest, words));
}

/* By its name, or by as much of that as no other begins with. */
static const struct argp_option *find_long(const struct check *check, const char *word,
					   size_t n)
{
	const struct argp_option *found = NULL, *other = NULL;
	ws_autofree char *name = strndup(word, n);

	for (const struct argp_option *o = check->options; o->key; o++) {
		if (!o->name || strncmp(o->name, word, n) != 0)
			continue;
		if (!o->name[n])
			return o;
		other = found ? o : NULL;
		found = found ? found : o;
	}
	if (other)
		arguments_wrong(
			check->name,
			"option '--%.*s' may be '--%s' or '--%s': write more of it",
			(int)n, word, found->name, other->name);
	if (!found)
		wrong_name(check, name ? name : word);
	return found;
}

/* Returns how many words the option is. */
static int check_long(const struct check *check, const char *word)
{
	size_t n = strcspn(word, "=");
	const struct argp_option *option = find_long(check, word, n);

	if (word[n] && !option->arg)
		arguments_wrong(check->name, "option '--%s' takes no value",
				option->name);
	if (word[n] || !option->arg)
		return 1;
	if (!check->value)
		arguments_wrong(check->name, "option '--%s' takes a value: --%s %s",
				option->name, option->name, option->arg);
	return 2;
}

/* The same of letters, of which the last may take a value. */
static int check_short(const struct check *check, const char *letters)
{
	for (; *letters; letters++) {
		const struct argp_option *option = find_short(check, *letters);

		if (!option)
			arguments_wrong(check->name, "there is no option '-%c'",
					*letters);
		if (!option->arg)
			continue;
		if (letters[1])
			return 1;
		if (!check->value)
			arguments_wrong(check->name, "option '-%c' takes a value: -%c %s",
					*letters, *letters, option->arg);
		return 2;
	}
	return 1;
}

void arguments_check(const char *name, char *const *words,
		     const struct argp_option *options, bool in_order)
{
	while (*words && strcmp(*words, "--") != 0) {
		const struct check check = { name, options, words[1] };
		int n = 1;

		if (strncmp(*words, "--", 2) == 0)
			n = check_long(&check, *words + 2);
		else if (**words == '-' && (*words)[1])
			n = check_short(&check, *words + 1);
		else if (in_order)
			return;
		words += n;
	}
}
