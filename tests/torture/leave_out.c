/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * leave_out STEP TOOL DUMP...: what a dump's answers become when it lacks one frame, for
 * each root's frame and every STEP-th other one; when it lacks a region of 16 MiB, for
 * every region; and when it lacks many frames at random; and when one frame is
 * overwritten. A verdict may become unknown and a space may lose its owner; anything else
 * that changes is wrong, and so is a better exit status than the whole dump has. STEP 1
 * leaves out every frame, and more often many of them; so does WS_TORTURE_STEP=1 in the
 * environment, which `make torture` sets. WS_SEED asks for other random numbers than
 * those of every run, and what is reported names the seed that one loss comes of:
 * WS_TORTURE_LOSS=FRAMES:SEED looks at that one loss alone.
 *
 * Each is looked at in a process of its own: who dies there is wrong, too.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/random.h"
#include "torture/answer.h"
#include "torture/dump.h"
#include "torture/frame_name.h"
#include "util/cleanup.h"

#define REGION (UINT64_C(16) << 20)
#define SECONDS_MAX 60 /* of the processor's time: other machines are busy */
#define LINES_MAX 2    /* of a kind about one omission */
#define LOSSES_WHOLE 100
#define LOSSES_SAMPLED 2

static const char *const holds_without[WRONGS] = {
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

static const char *const holds_overwritten[WRONGS] = {
	[WRONG_VERDICT] = "no verdict gets worse but of who uses it as a table",
	[WRONG_FINDING] = "findings are bounded",
	[WRONG_FATE] = "no story ends worse but of who uses it as a table",
	[WRONG_END] = "no process dies",
};

/* Commands whose exit status is looked at; %s is the dump. */
static const char *const commands[][4] = {
	{ "audit", "%s" },
	{ "probe", "%s", "--all-modules" },
	{ "what-if", "%s", "--spaces=all" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

struct run;

/* A way to do harm to a dump. */
struct way {
	const char *what;
	void (*harm)(struct run *run, unsigned long step);
	const char *const *holds; /* a case each; NULL: not looked at */
	void (*compare)(const struct answer *whole, const struct answer *part,
			const struct omission *omission, FILE *out);
	bool has_status; /* of the commands */
};

/* One dump, and one way to do harm to it. */
struct run {
	const char *tool, *dump_path;
	const struct way *way;
	const char
		*pattern; /* that the frame is overwritten with; NULL: it is left out */
	struct dump *dump;
	struct answer whole;
	int status[COMMANDS];
	uint64_t seed; /* of the frames that are left out at random */
	unsigned harmed, wrong;
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

	if (setrlimit(RLIMIT_CPU, &(struct rlimit){ SECONDS_MAX, SECONDS_MAX }))
		abort();
	answer_get(&part, run->dump->path);
	run->way->compare(&run->whole, &part, omission, out);
	answer_release(&part);
	if (run->way->has_status)
		compare_status(run, out);
	_exit(fclose(out) ? 1 : 0);
}

static void log_wrong(struct run *run, const struct omission *omission, const char *name,
		      unsigned kind, const char *words)
{
	fprintf(run->log[kind], "# %#lx (%s): %s\n", omission->piece->pa, name, words);
}

static char *name_of(struct run *run, const struct omission *omission)
{
	char *name = NULL;
	size_t size;
	FILE *f = open_memstream(&name, &size);

	if (!f)
		abort();
	if (omission->n > 1)
		fprintf(f, "and more: WS_TORTURE_LOSS=%zu:%#lx", omission->n, run->seed);
	else if (omission->piece->last - omission->piece->pa < WS_FRAME_SIZE)
		frame_name(&run->whole, omission->piece->pa, f);
	else
		fprintf(f, "%lu MiB",
			(omission->piece->last + 1 - omission->piece->pa) >> 20);
	if (run->pattern)
		fprintf(f, ", %s, seed %#lx", run->pattern, run->seed);
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
	unsigned reported[WRONGS] = { 0 };
	size_t cap = 0;
	int status;

	while (getline(&line, &cap, in) > 0) {
		char *words;
		unsigned long kind = strtoul(line, &words, 10);

		if (kind >= WRONGS)
			abort();
		words[strcspn(words, "\n")] = '\0';
		name = name ? name : name_of(run, omission);
		run->count[kind] += !reported[kind];
		if (reported[kind]++ < LINES_MAX)
			log_wrong(run, omission, name, (unsigned)kind, words + 1);
	}
	for (unsigned kind = 0; kind < WRONGS; kind++)
		if (reported[kind] > LINES_MAX)
			fprintf(run->log[kind], "#   and %u more\n",
				reported[kind] - LINES_MAX);
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

static void look_apart(struct run *run, const struct omission *omission)
{
	ws_autofclose FILE *in = NULL;
	pid_t child;

	in = start_look(run, omission, &child);
	run->harmed++;
	take_words(run, omission, in, child);
}

static void leave_out(struct run *run, const struct dump_piece *piece, size_t n)
{
	const struct omission omission[] = { { piece, n } };

	if (!dump_without(run->dump, omission->piece, omission->n))
		abort();
	look_apart(run, omission);
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
			struct dump_piece frame = {
				extents[i].pa + at, extents[i].pa + at + WS_FRAME_SIZE - 1
			};

			if (seen++ % step == 0 || is_root(run, frame.pa))
				leave_out(run, &frame, 1);
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
			struct dump_piece region = { at, at + REGION - 1 };

			leave_out(run, &region, 1);
			next = at + REGION;
		}
	}
}

/* The dump's frames, in an array of their own; NULL: memory is short. */
static struct dump_piece *all_frames(const struct run *run, size_t *nframes)
{
	size_t n;
	const struct ws_extent *extents = ws_target_extents(run->whole.target, &n);
	struct dump_piece *frames;

	*nframes = 0;
	for (size_t i = 0; i < n; i++)
		*nframes += extents[i].len / WS_FRAME_SIZE;
	frames = calloc(*nframes, sizeof(*frames));
	*nframes = 0;
	for (size_t i = 0; frames && i < n; i++)
		for (uint64_t at = 0; at + WS_FRAME_SIZE <= extents[i].len;
		     at += WS_FRAME_SIZE)
			frames[(*nframes)++] = (struct dump_piece){
				extents[i].pa + at, extents[i].pa + at + WS_FRAME_SIZE - 1
			};
	return frames;
}

/* For whoever has to mend. */
static void say_frames(const struct run *run, const struct dump_piece *frames, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("# %#lx: ", frames[i].pa);
		frame_name(&run->whole, frames[i].pa, stdout);
		putchar('\n');
	}
}

/* So many of the frames, the same ones for the same seed. */
static void lose(struct run *run, size_t lost, uint64_t seed)
{
	struct random random = { run->seed = seed };
	size_t n;
	ws_autofree struct dump_piece *frames = all_frames(run, &n);

	if (!frames)
		abort();
	if (lost >= n) /* then nothing is left to ask */
		return;
	for (size_t i = 0; i < lost; i++) { /* Fisher and Yates, as far as is needed */
		size_t other = i + random_below(&random, n - i);
		struct dump_piece frame = frames[i];

		frames[i] = frames[other];
		frames[other] = frame;
	}
	leave_out(run, frames, lost);
	if (getenv("WS_TORTURE_LOSS"))
		say_frames(run, frames, lost);
}

static void leave_many_out(struct run *run, unsigned long step)
{
	static const size_t sizes[] = { 5, 40, 200 };
	/* on some capture each of these has shown something that had to be mended */
	static const struct {
		size_t lost;
		uint64_t seed;
	} known[] = {
		{ 5, 0x2fdda80dffaacf30 },
		{ 40, INT64_MAX },
		{ 100, 0x51337 },
		{ 100, 0xde55e },
		{ 100, 0xf9670 },
		{ 200, 0x16d0ffdba306b691 },
		{ 200, 0x55c035861ff1cd76 },
		{ 200, 0xba462fd5f4949b55 },
		{ 200, 0x3ddf },
		{ 200, 0x5cce },
		{ 200, 0x7bbd },
		{ 200, 0xc3458 },
		{ 200, 0xcb014 },
		{ 200, 0xc344c },
		{ 200, 0x125de9 },
		{ 300, 0x4d559 },
	};
	struct random seeds = { random_seed() };
	unsigned losses = step == 1 ? LOSSES_WHOLE : LOSSES_SAMPLED;
	const char *loss = getenv("WS_TORTURE_LOSS");
	uint64_t lost, seed;

	if (loss && sscanf(loss, "%lu:%lx", &lost, &seed) == 2) {
		lose(run, lost, seed);
		return;
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(known); i++)
		lose(run, known[i].lost, known[i].seed);
	for (unsigned i = 0; i < losses; i++)
		for (size_t k = 0; k < WS_ARRAY_SIZE(sizes); k++)
			lose(run, sizes[k], random_next(&seeds));
}

/* ---- overwriting ---- */

static void fill_zeros(struct random *random, uint8_t *bytes)
{
	(void)random;
	memset(bytes, 0, WS_FRAME_SIZE);
}

static void fill_ones(struct random *random, uint8_t *bytes)
{
	(void)random;
	memset(bytes, 0xff, WS_FRAME_SIZE);
}

static void fill_random(struct random *random, uint8_t *bytes)
{
	for (unsigned i = 0; i < WS_FRAME_SIZE; i++)
		bytes[i] = (uint8_t)random_next(random);
}

/* As memory that is poisoned when it is freed (include/linux/poison.h), or a text is. */
static void fill_one_byte(struct random *random, uint8_t *bytes)
{
	memset(bytes, (int)random_below(random, 256), WS_FRAME_SIZE);
}

static const struct {
	const char *name;
	void (*fill)(struct random *random, uint8_t *bytes);
} patterns[] = {
	{ "zeros", fill_zeros },
	{ "0xff", fill_ones },
	{ "random bytes", fill_random },
	{ "one byte", fill_one_byte },
};

static void overwrite(struct run *run, uint64_t pa, unsigned pattern)
{
	const struct dump_piece piece = { pa, pa + WS_FRAME_SIZE - 1 };
	const struct omission omission = { &piece, 1 };
	uint8_t bytes[WS_FRAME_SIZE], before[WS_FRAME_SIZE];
	struct random random = { run->seed ^ pa };

	run->pattern = patterns[pattern].name;
	patterns[pattern].fill(&random, bytes);
	if (!dump_overwrite(run->dump, pa, bytes, before))
		abort();
	look_apart(run, &omission);
	if (!dump_overwrite(run->dump, pa, before, bytes))
		abort();
}

/* In make check one pattern a frame, by turns, and roots in addition. */
static void overwrite_frames(struct run *run, unsigned long step)
{
	size_t n;
	ws_autofree struct dump_piece *frames = all_frames(run, &n);

	if (!frames || !dump_without(run->dump, NULL, 0))
		abort();
	run->seed = random_seed();
	for (size_t i = run->seed % step; i < n; i += step)
		for (unsigned p = 0; p < WS_ARRAY_SIZE(patterns); p++)
			if (step == 1 || i / step % WS_ARRAY_SIZE(patterns) == p)
				overwrite(run, frames[i].pa, p);
	for (size_t s = 0; step > 1 && s < run->whole.nspaces; s++)
		overwrite(run, run->whole.space[s].root & -(uint64_t)WS_FRAME_SIZE,
			  (unsigned)(s % WS_ARRAY_SIZE(patterns)));
	run->pattern = NULL;
}

/* ---- TAP ---- */

static void say_case(const struct run *run, unsigned kind)
{
	const char *name = strrchr(run->dump_path, '/');

	printf("%sok %u - %s: %u %s: %s\n", run->count[kind] ? "not " : "", ++ncases,
	       name ? name + 1 : run->dump_path, run->harmed, run->way->what,
	       run->way->holds[kind]);
	if (run->count[kind])
		printf("# not so with %u of them:\n", run->count[kind]);
	nfailed += run->count[kind] != 0;
	fputs(run->lines[kind], stdout);
}

static bool is_case(const struct run *run, unsigned kind)
{
	/* A kernel without its image may be refused; a frame is not that much. */
	return run->way->holds[kind] &&
	       (kind != WRONG_REFUSED || run->way->harm == leave_frames_out);
}

static void run_way(struct run *run, unsigned long step)
{
	for (unsigned kind = 0; kind < WRONGS; kind++) {
		run->count[kind] = 0;
		run->log[kind] = open_memstream(&run->lines[kind], &run->sizes[kind]);
		if (!run->log[kind])
			abort();
	}
	run->harmed = run->wrong = 0;
	run->way->harm(run, step);
	for (unsigned kind = 0; kind < WRONGS; kind++) {
		fclose(run->log[kind]);
		if (is_case(run, kind))
			say_case(run, kind);
		free(run->lines[kind]);
	}
	printf("# %s: %u %s, %u of them with something wrong\n", run->dump_path,
	       run->harmed, run->way->what, run->wrong);
	fflush(stdout);
}

static const struct way ways[] = {
	{ "frames left out", leave_frames_out, holds_without, answer_compare, true },
	{ "regions left out", leave_regions_out, holds_without, answer_compare, true },
	{ "losses of many frames left out", leave_many_out, holds_without, answer_compare,
	  true },
	{ "frames overwritten", overwrite_frames, holds_overwritten,
	  answer_compare_damage, false },
};

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
	for (size_t i = 0; i < COMMANDS; i++) {
		run.status[i] = tool_status(tool, commands[i], path);
		if (run.status[i] < 0 || run.status[i] > 4) {
			fprintf(stderr, "%s: %s ends with %d\n", tool, commands[i][0],
				run.status[i]);
			return false;
		}
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(ways); i++) {
		run.way = &ways[i];
		if (!getenv("WS_TORTURE_LOSS") || ways[i].harm == leave_many_out)
			run_way(&run, step);
	}
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
