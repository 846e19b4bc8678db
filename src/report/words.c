/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/words.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/bits.h"
#include "util/count.h"

const char *kind_words(uint8_t kind)
{
	switch (kind) {
	case WS_SPACE_UNOWNED:
		return "no known owner";
	case WS_SPACE_LONE:
		return "used by no task";
	default:
		return ws_space_kind_name(kind);
	}
}

const char *space_owner_words(const struct ws_space *space, char words[static WORDS])
{
	bool named = space->kind == WS_SPACE_PROCESS || space->kind == WS_SPACE_USER;

	snprintf(words, WORDS, "%s", named ? space->comm : kind_words(space->kind));
	return words;
}

const char *space_words(const struct ws_space *space, char words[static WORDS])
{
	char owner[WORDS];

	switch (space->kind) {
	case WS_SPACE_INIT:
		snprintf(words, WORDS, "init_mm");
		break;
	case WS_SPACE_PROCESS:
		snprintf(words, WORDS, "%u %s", space->pid, space->comm);
		break;
	case WS_SPACE_USER:
		if (space_has_pid(space))
			snprintf(words, WORDS, "%u %s (user half)", space->pid,
				 space->comm);
		else
			snprintf(words, WORDS, "%s (user half, no known owner)",
				 space->comm);
		break;
	case WS_SPACE_UNOWNED:
		snprintf(words, WORDS, "%s (no known owner)", space->comm);
		break;
	default:
		snprintf(words, WORDS, "root 0x%" PRIx64 " (%.32s)", space->root,
			 space_owner_words(space, owner));
	}
	return words;
}

/* In the order in which they are named; what is no space of its own is not named. */
static const struct {
	uint8_t kind;
	const char *one, *many; /* after their number; init_mm has none */
} named[] = {
	{ WS_SPACE_INIT, "init_mm", "init_mm" },
	{ WS_SPACE_PROCESS, " process", " processes" },
	{ WS_SPACE_UNOWNED, " of no known owner", " of no known owner" },
	{ WS_SPACE_LONE, " used by no task", " used by no task" },
	{ WS_SPACE_FREED, " freed", " freed" },
};

/* Those that are in, or those that are out, after words; returns where these end. */
static size_t print_who(const struct ws_space *spaces, size_t n, bool in,
			char words[static WHO_WORDS], size_t at)
{
	const char *separator = in   ? "counted: "
				: at ? "; not counted: "
				     : "not counted: ";

	for (size_t k = 0; k < WS_ARRAY_SIZE(named); k++) {
		size_t count = 0;

		for (size_t i = 0; i < n; i++)
			count +=
				spaces[i].kind == named[k].kind && spaces[i].counts == in;
		if (!count)
			continue;
		at += (size_t)snprintf(words + at, WHO_WORDS - at, "%s", separator);
		if (named[k].kind != WS_SPACE_INIT)
			at += (size_t)snprintf(words + at, WHO_WORDS - at, "%s",
					       WS_COUNT(count));
		at += (size_t)snprintf(words + at, WHO_WORDS - at, "%s",
				       count == 1 ? named[k].one : named[k].many);
		separator = ", ";
	}
	return at;
}

/* Each is a part of one that is in. */
static size_t print_halves(const struct ws_space *spaces, size_t n,
			   char words[static WHO_WORDS], size_t at)
{
	size_t halves = 0;

	for (size_t i = 0; i < n; i++)
		halves += spaces[i].kind == WS_SPACE_USER;
	if (!halves)
		return at;
	return at + (size_t)snprintf(words + at, WHO_WORDS - at, " (%s with user %s)",
				     WS_COUNT(halves), halves == 1 ? "half" : "halves");
}

const char *who_counts(const struct ws_space *spaces, size_t n,
		       char words[static WHO_WORDS])
{
	size_t at;

	words[0] = '\0';
	at = print_who(spaces, n, true, words, 0);
	at = print_halves(spaces, n, words, at);
	print_who(spaces, n, false, words, at);
	return words;
}

/* %s: by what it is repaired; how the machine ends, and when. */
static const struct {
	const char *one, *many;
	enum verdict_class class;
} verdicts[] = {
	[WS_COHERENT] = { "is coherent", "are coherent", VERDICT_FINE },
	[WS_HEALS] = { "lacks kernel mappings that will be repaired by the kernel%s, so "
		       "nothing fails",
		       "lack kernel mappings that will be repaired by the kernel%s, so "
		       "nothing fails",
		       VERDICT_REPAIRED },
	[WS_UNKNOWN] = { "cannot be judged", "cannot be judged", VERDICT_UNKNOWN },
	[WS_DIVERGES] = { "has wrong kernel mappings that nothing repairs: an access "
			  "there fails, or reaches the wrong memory",
			  "have wrong kernel mappings that nothing repairs: an access "
			  "there fails, or reaches the wrong memory",
			  VERDICT_WRONG },
	[WS_LEAKS] = { "lets its user mode reach kernel memory",
		       "let their user mode reach kernel memory", VERDICT_LEAK },
	[WS_NESTS] = { "will %s the machine at its next %s",
		       "will %s the machine at their next %s", VERDICT_CRASH },
	[WS_DOUBLE_FAULTS] = { "will crash the machine at a fault or interrupt that "
			       "cannot be delivered",
			       "will crash the machine at a fault or interrupt that "
			       "cannot be delivered",
			       VERDICT_CRASH },
};

enum verdict_class verdict_class(enum ws_verdict verdict)
{
	return verdicts[verdict].class;
}

/* "'s lazy fault handler"; "": by none in particular. */
static const char *repair_words(const struct ws_judgement *judgement,
				char words[static WORDS])
{
	const struct ws_repair *repair = judgement->repair;

	snprintf(words, WORDS, "%s%s", repair ? "'s " : "", repair ? repair->by : "");
	return words;
}

static void nesting_words(const struct ws_judgement *judgement, const char *text,
			  char words[static VERDICT_WORDS])
{
	const char *does = judgement->hangs ? "hang" : "crash";
	const struct ws_nesting *nesting = judgement->nesting;

	if (judgement->no_image)
		snprintf(words, VERDICT_WORDS,
			 "will %s the machine as soon as a CPU enters the kernel there",
			 does);
	else
		snprintf(words, VERDICT_WORDS, text, does,
			 nesting ? nesting->event : "fault");
}

const char *judgement_words(const struct ws_judgement *judgement, bool many,
			    char words[static VERDICT_WORDS])
{
	const char *text = many ? verdicts[judgement->verdict].many
				: verdicts[judgement->verdict].one;
	char repair[WORDS];

	if (judgement->verdict == WS_NESTS)
		nesting_words(judgement, text, words);
	else
		snprintf(words, VERDICT_WORDS, text, repair_words(judgement, repair));
	return words;
}

const char *what_to_do(const struct ws_judgement *judgement)
{
	if (judgement->verdict == WS_HEALS)
		return "Nothing, unless a module there installs an exception handler.";
	if (judgement->verdict == WS_UNKNOWN)
		return "Take a dump that is not cut off, filtered or damaged (the notes name "
		       "what this one lacks), with all processors' registers.";
	if (judgement->verdict == WS_NESTS && judgement->no_image)
		return "Find out who emptied the entry named above, or why the process's page "
		       "tables were made without it: the handlers are where they belong.";
	return judgement->rule ? judgement->rule->fix : "";
}

/* %s: when it is copied, and by what. */
static const char *const meanings[] = {
	[WS_COHERENT] = "maps the kernel as init_mm does",
	[WS_HEALS] =
		"nothing fails: what is not mapped is copied from init_mm%s%s, by the "
		"kernel%s",
	[WS_UNKNOWN] = "cannot be judged: the target lacks something that decides",
	[WS_DIVERGES] =
		"differs from init_mm where nothing repairs it: an access fails, or "
		"reaches other memory",
	[WS_LEAKS] = "lets user mode reach kernel memory",
	[WS_NESTS] = "a fault cannot be handled: each causes the next",
	[WS_DOUBLE_FAULTS] =
		"the processor cannot deliver a fault or interrupt, which is a "
		"double fault",
};

const char *judgement_meaning(const struct ws_judgement *judgement,
			      char words[static VERDICT_WORDS])
{
	const struct ws_repair *repair = judgement->repair;
	const char *text = meanings[judgement->verdict];
	char by[WORDS];

	if (judgement->verdict == WS_NESTS && judgement->nesting)
		text = judgement->nesting->meaning;
	if (judgement->verdict == WS_HEALS)
		snprintf(words, VERDICT_WORDS, text, repair ? " " : "",
			 repair ? repair->when : "", repair_words(judgement, by));
	else
		snprintf(words, VERDICT_WORDS, "%s", text);
	return words;
}

size_t count_everyone(const struct ws_space *spaces, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += spaces[i].counts;
	return count;
}

bool space_has_pid(const struct ws_space *space)
{
	return space->kind == WS_SPACE_PROCESS || space->pid;
}

const char *damaged_words(const struct ws_format *format, const struct ws_space *space,
			  char words[static WORDS])
{
	snprintf(words, WORDS, "0x%" PRIx64 " does not look like a %s", space->root,
		 ws_level_name(format, 0));
	return words;
}

const char *end_words(const struct ws_format *format, enum ws_end end, unsigned level,
		      char words[static WORDS])
{
	switch (end) {
	case WS_END_PAGE:
		snprintf(words, WORDS, "page");
		break;
	case WS_END_HOLE:
		snprintf(words, WORDS, "hole at %s", ws_level_name(format, level));
		break;
	case WS_END_MALFORMED:
		snprintf(words, WORDS, "malformed %s",
			 ws_level_entry_name(format, level));
		break;
	case WS_END_ABSENT:
		snprintf(words, WORDS, "%s not in the target",
			 ws_level_name(format, level));
		break;
	case WS_END_FAILED:
		snprintf(words, WORDS, "%s could not be looked at",
			 ws_level_name(format, level));
		break;
	case WS_END_NONCANONICAL:
		snprintf(words, WORDS, "not an address of %s", ws_format_name(format));
		break;
	}
	return words;
}

/* By WS_KERNEL_READ, WRITE and EXECUTE, and so by the user's three moved down to them. */
static const char rights_letters[][4] = { "---", "r--", "-w-", "rw-",
					  "--x", "r-x", "-wx", "rwx" };

const char *access_words(uint8_t access, char words[static WORDS])
{
	const uint8_t kernel = access & WS_KERNEL_ALL, user = access / WS_USER_READ;

	if (user && user != kernel)
		snprintf(words, WORDS, "%.3s kernel, %.3s user", rights_letters[kernel],
			 rights_letters[user]);
	else
		snprintf(words, WORDS, "%.3s %s", rights_letters[kernel],
			 user ? "user" : "kernel");
	return words;
}

const char *that_were_found(const struct ws_system *system, size_t n)
{
	if (!ws_system_lacks_tasks(system))
		return "";
	return n == 1 ? " that was found" : " that were found";
}
