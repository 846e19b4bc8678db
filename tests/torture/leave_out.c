/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * leave_out STEP TOOL DUMP...: what a dump's answers become when it lacks one frame, for
 * each root's frame and every STEP-th other one, and when it lacks a region of 16 MiB, for
 * every region. A verdict may become unknown and a space may lose its owner; anything else
 * that changes is wrong, and so is a better exit status than the whole dump has. STEP 1
 * leaves out every frame; so does WS_TORTURE_STEP=1 in the environment, which `make torture`
 * sets.
 *
 * Each is looked at in a process of its own: who dies there is wrong, too.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture/answer.h"
#include "torture/dump.h"
#include "torture/frame_name.h"
#include "util/cleanup.h"

#define REGION (UINT64_C(16) << 20)
#define SECONDS_MAX 60
#define LINES_MAX 2 /* of a kind about one omission */

static const char *const holds[WRONGS] = {
	[WRONG_REFUSED] = "there is an answer",
	[WRONG_SPACE] = "no space disappears or appears",
	[WRONG_OWNER] = "no space gets another owner",
	[WRONG_VERDICT] = "no verdict changes but to unknown",
	[WRONG_FINDING] = "no finding is invented",
	[WRONG_MODULE] = "modules are true, and what is lost is said",
	[WRONG_SYMBOL] = "no symbol moves",
	[WRONG_PROBE] = "no walk ends otherwise",
	[WRONG_FATE] = "no story ends otherwise",
	[WRONG_STATUS] = "the exit status is no better, or says unknown",
	[WRONG_END] = "no process dies",
};

/* Commands whose exit status is looked at; %s is the dump. */
static const char *const commands[][4] = {
	{ "audit", "%s" },
	{ "probe", "%s", "--all-modules" },
	{ "what-if", "%s", "--spaces=all" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* One dump, and one way to leave something out of it. */
struct run {
	const char *tool, *dump_path, *what;
	struct dump *dump;
	struct answer whole;
	int status[COMMANDS];
	unsigned left_out, wrong;
	unsigned count[WRONGS]; /* omissions that something is wrong with */
	char *lines[WRONGS];
	size_t sizes[WRONGS];
	FILE *log[WRONGS];
};

static unsigned ncases, nfailed;

/* ---- the tool's own word ---- */

static void run_tool(const char *tool, const char *const *command, const char *path)
{
	const char *arguments[8] = { tool };
	unsigned n = 1;

	for (unsigned i = 0; i < 4 && command[i]; i++)
		arguments[n++] = strcmp(command[i], "%s") ? command[i] : path;
	if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
		execv(tool, (char **)arguments);
	_exit(127);
}

/* The exit status, or minus the signal. */
static int tool_status(const char *tool, const char *const *command, const char *path)
{
	pid_t child = fork();
	int status;

	if (!child)
		run_tool(tool, command, path);
	if (child < 0 || waitpid(child, &status, 0) != child)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Where somebody is blind, 0 is wrong; 3 is no answer, and 4 that it is unknown. */
static bool status_may_become(int before, int after)
{
	return after == before || after == 3 || after == 4 || (after == 1 && before == 0);
}

static void compare_status(const struct run *run, FILE *out)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		int after = tool_status(run->tool, commands[i], run->dump->path);

		if (!status_may_become(run->status[i], after))
			fprintf(out, "%d %s: exit status %d -> %d\n",
				after < 0 ? WRONG_END : WRONG_STATUS, commands[i][0],
				run->status[i], after);
	}
}

/* ---- one omission ---- */

static void look(const struct run *run, const struct omission *omission, int to)
{
	FILE *out = fdopen(to, "w");
	struct answer part;

	alarm(SECONDS_MAX);
	answer_get(&part, run->dump->path);
	answer_compare(&run->whole, &part, omission, out);
	answer_release(&part);
	compare_status(run, out);
	_exit(fclose(out) ? 1 : 0);
}

static void log_wrong(struct run *run, const struct omission *omission, const char *name,
		      unsigned kind, const char *words)
{
	fprintf(run->log[kind], "# %#lx (%s): %s\n", omission->pa, name, words);
}

static char *name_of(struct run *run, const struct omission *omission)
{
	char *name = NULL;
	size_t size;
	FILE *f = open_memstream(&name, &size);

	if (!f)
		abort();
	if (omission->last - omission->pa < WS_FRAME_SIZE)
		frame_name(&run->whole, omission->pa, f);
	else
		fprintf(f, "%lu MiB", (omission->last + 1 - omission->pa) >> 20);
	fclose(f);
	return name;
}

/* What a process died of, as a fault of its own. */
static void take_end(struct run *run, const struct omission *omission, const char *name,
		     int status)
{
	run->count[WRONG_END]++;
	log_wrong(run, omission, name, WRONG_END,
		  WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "failed");
}

static void take_words(struct run *run, const struct omission *omission, FILE *in,
		       pid_t child)
{
	ws_autofree char *name = NULL, *line = NULL;
	unsigned told[WRONGS] = { 0 };
	size_t cap = 0;
	int status;

	while (getline(&line, &cap, in) > 0) {
		char *words;
		unsigned long kind = strtoul(line, &words, 10);

		if (kind >= WRONGS)
			abort();
		words[strcspn(words, "\n")] = '\0';
		name = name ? name : name_of(run, omission);
		run->count[kind] += !told[kind];
		if (told[kind]++ < LINES_MAX)
			log_wrong(run, omission, name, (unsigned)kind, words + 1);
	}
	for (unsigned kind = 0; kind < WRONGS; kind++)
		if (told[kind] > LINES_MAX)
			fprintf(run->log[kind], "#   and %u more\n",
				told[kind] - LINES_MAX);
	if (waitpid(child, &status, 0) != child)
		abort();
	if (status && !name)
		name = name_of(run, omission);
	if (status)
		take_end(run, omission, name, status);
	run->wrong += name != NULL;
}

/* The pipe to read from; the child looks, and writes what is wrong. */
static FILE *start_look(struct run *run, const struct omission *omission, pid_t *child)
{
	FILE *in;
	int ends[2];

	fflush(NULL);
	if (pipe(ends))
		abort();
	*child = fork();
	if (*child < 0)
		abort();
	if (!*child) {
		close(ends[0]);
		look(run, omission, ends[1]);
	}
	close(ends[1]);
	in = fdopen(ends[0], "r");
	if (!in)
		abort();
	return in;
}

static void leave_out(struct run *run, const struct omission *omission)
{
	ws_autofclose FILE *in = NULL;
	pid_t child;

	if (!dump_without(run->dump, omission->pa, omission->last + 1 - omission->pa))
		abort();
	in = start_look(run, omission, &child);
	run->left_out++;
	take_words(run, omission, in, child);
}

/* ---- all omissions of a kind ---- */

static bool is_root(const struct run *run, uint64_t pa)
{
	for (size_t s = 0; s < run->whole.nspaces; s++)
		if (run->whole.space[s].root == pa)
			return true;
	return false;
}

static void leave_frames_out(struct run *run, unsigned long step)
{
	size_t n, seen = 0;
	const struct ws_extent *extents = ws_target_extents(run->whole.target, &n);

	for (size_t i = 0; i < n; i++)
		for (uint64_t at = 0; at < extents[i].len; at += WS_FRAME_SIZE) {
			struct omission frame = {
				extents[i].pa + at, extents[i].pa + at + WS_FRAME_SIZE - 1
			};

			if (seen++ % step == 0 || is_root(run, frame.pa))
				leave_out(run, &frame);
		}
}

static void leave_regions_out(struct run *run, unsigned long step)
{
	size_t n;
	const struct ws_extent *extents = ws_target_extents(run->whole.target, &n);
	uint64_t next = 0;

	(void)step;
	for (size_t i = 0; i < n; i++) {
		uint64_t at = extents[i].pa & -REGION,
			 end = extents[i].pa + extents[i].len;

		for (at = at < next ? next : at; at < end; at += REGION) {
			struct omission region = { at, at + REGION - 1 };

			leave_out(run, &region);
			next = at + REGION;
		}
	}
}

/* ---- TAP ---- */

static void tell_case(const struct run *run, unsigned kind)
{
	const char *name = strrchr(run->dump_path, '/');

	printf("%sok %u - %s: %u %s left out: %s\n", run->count[kind] ? "not " : "",
	       ++ncases, name ? name + 1 : run->dump_path, run->left_out, run->what,
	       holds[kind]);
	if (run->count[kind])
		printf("# not so with %u of them:\n", run->count[kind]);
	nfailed += run->count[kind] != 0;
	fputs(run->lines[kind], stdout);
}

static void run_kind(struct run *run, void (*leave)(struct run *, unsigned long),
		     unsigned long step)
{
	for (unsigned kind = 0; kind < WRONGS; kind++) {
		run->count[kind] = 0;
		run->log[kind] = open_memstream(&run->lines[kind], &run->sizes[kind]);
		if (!run->log[kind])
			abort();
	}
	run->left_out = run->wrong = 0;
	leave(run, step);
	for (unsigned kind = 0; kind < WRONGS; kind++) {
		fclose(run->log[kind]);
		/* A kernel without its image may be refused; a frame is not that much. */
		if (kind != WRONG_REFUSED || leave != leave_regions_out)
			tell_case(run, kind);
		free(run->lines[kind]);
	}
	printf("# %s: %u %s left out, %u of them with something wrong\n", run->dump_path,
	       run->left_out, run->what, run->wrong);
	fflush(stdout);
}

static bool torture(const char *tool, const char *path, unsigned long step)
{
	struct dump dump;
	struct run run = { .tool = tool, .dump_path = path, .dump = &dump };

	if (!dump_open(&dump, path))
		return false;
	answer_get(&run.whole, path);
	if (!run.whole.audit || !run.whole.machine) {
		fprintf(stderr, "%s: cannot be audited as it is\n", path);
		return false;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		run.status[i] = tool_status(tool, commands[i], path);
	run.what = "frames";
	run_kind(&run, leave_frames_out, step);
	run.what = "regions";
	run_kind(&run, leave_regions_out, step);
	answer_release(&run.whole);
	dump_close(&dump);
	return true;
}

int main(int argc, char **argv)
{
	const char *asked = getenv("WS_TORTURE_STEP");
	unsigned long step = argc > 3 ? strtoul(asked ? asked : argv[1], NULL, 10) : 0;

	if (!step) {
		fprintf(stderr, "usage: leave_out STEP TOOL DUMP...\n");
		return 2;
	}
	for (int i = 3; i < argc; i++)
		if (!torture(argv[2], argv[i], step))
			return 1;
	printf("1..%u\n", ncases);
	return nfailed ? 1 : 0;
}
