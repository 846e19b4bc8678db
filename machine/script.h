/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scenarios: Lua scripts that run a story on the model kernel, and assert how it ends.
 * docs/scenarios.md has the words that a script may use.
 *
 * A script is untrusted text. It has no way to files, clocks, processes or addresses of
 * the host; its memory, its time and the simulated memory are limited. What it does is
 * the same every time.
 */
#ifndef MACHINE_SCRIPT_H
#define MACHINE_SCRIPT_H

#include "machine/kernel/kernel.h"

/* A scenario that is part of the program. */
struct script_scenario {
	const char *name;    /* "naughty-bug" */
	const char *summary; /* its first line, a comment */
	const char *text;    /* all of it; ends with a NUL that is not part of it */
	size_t size;
};

/* By name; ends with a NULL name. */
extern const struct script_scenario script_scenarios[];

struct script_options {
	/* The name of a scenario; or, where there is a '/' in it, the path of a file. */
	const char *scenario;
	/* Stop where the script says m:dump(): the rest of it is not run. */
	bool until_dump;
	/*
	 * Called with each thing that happens; NULL: nobody listens. A kernel that is
	 * handed out says no more.
	 */
	void (*say)(void *arg, const struct kernel_line *line);
	/*
	 * The kernel at the moment of m:dump(), before the script goes on; NULL: nobody
	 * wants to see it. A script without m:dump() is looked at where it ends. The
	 * kernel stays the script's.
	 */
	void (*look)(void *arg, struct kernel *kernel);
	void *arg;
};

enum script_status {
	SCRIPT_HOLDS,      /* it went as the script says */
	SCRIPT_FAILS,      /* it did not: an assertion, an operation that was refused */
	SCRIPT_BAD,        /* the script makes no sense, or wants too much */
	SCRIPT_UNKNOWN,    /* there is no such scenario */
	SCRIPT_UNREADABLE, /* nor such a file */
	SCRIPT_NO_MEMORY,  /* of the host */
};

/*
 * Runs a scenario. *kernel is the machine at m:dump() when until_dump stopped it there,
 * else the script's last machine; the caller destroys it. NULL for *kernel: not wanted.
 *
 * Where it is not SCRIPT_HOLDS, *kernel is NULL and *why says what is wrong, with file
 * and line as far as there are any ("my.lua:3: a machine has no 'frok'"); the caller
 * frees it. It is NULL when memory is short even for that.
 */
enum script_status script_run(const struct script_options *options,
			      struct kernel **kernel, char **why);

#endif
