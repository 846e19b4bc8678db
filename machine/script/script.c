/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run of a scenario: where its text comes from, and what came of it. */
#include "machine/script/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/bom.h"
#include "util/text.h"

static enum script_status fail(char **why, enum script_status status, const char *fmt,
			       ...) __attribute__((format(printf, 3, 4)));

static enum script_status fail(char **why, enum script_status status, const char *fmt,
			       ...)
{
	va_list args;

	va_start(args, fmt);
	*why = ws_text_of_args(fmt, args);
	va_end(args);
	return status;
}

/* ---- text ------------------------------------------------------------------------- */

static const struct script_scenario *find_scenario(const char *name)
{
	for (const struct script_scenario *s = script_scenarios; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

/* Up to SCRIPT_TEXT bytes and one more, which shows that there are too many. */
static bool read_all(int fd, char *text, size_t *size)
{
	ssize_t n;

	while (*size <= SCRIPT_TEXT &&
	       (n = read(fd, text + *size, SCRIPT_TEXT + 1 - *size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		*size += (size_t)n;
	}
	return true;
}

/* Only a regular file: a terminal or a pipe may never end, and /dev/zero never does. */
static enum script_status read_open(int fd, const char *path, char *text, size_t *size,
				    char **why)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(why, SCRIPT_UNREADABLE, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(why, SCRIPT_UNREADABLE, "%s: not a file", path);
	if (!read_all(fd, text, size))
		return fail(why, SCRIPT_UNREADABLE, "%s: %s", path, strerror(errno));
	if (*size > SCRIPT_TEXT)
		return fail(why, SCRIPT_BAD, "%s: longer than a script may be, %d KiB",
			    path, SCRIPT_TEXT >> 10);
	return SCRIPT_HOLDS;
}

/* *text is to be freed, whatever comes of it. */
static enum script_status read_file(const char *path, char **text, size_t *size,
				    char **why)
{
	enum script_status status;
	int fd;

	*text = malloc(SCRIPT_TEXT + 1);
	if (!*text)
		return SCRIPT_NO_MEMORY;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	status = read_open(fd, path, *text, size, why);
	if (fd >= 0)
		close(fd);
	return status;
}

/* ---- a run ------------------------------------------------------------------------ */

/*
 * As the lua command has it: a byte order mark is nothing, and a first line that begins
 * with # says what to run the script with. Its end stays, so that lines keep their
 * numbers.
 */
static void skip_head(struct script *script)
{
	size_t skip = ws_bom(script->text, script->size);

	if (skip < script->size && script->text[skip] == '#')
		while (skip < script->size && script->text[skip] != '\n')
			skip++;
	script->text += skip;
	script->size -= skip;
}

/* In a protected call, so that a lack of memory on the way is an error like another. */
static int run_protected(lua_State *L)
{
	struct script *script = script_of(L);

	skip_head(script);
	/* Lua believes what a compiled script says. */
	if (script->size && *script->text == *LUA_SIGNATURE)
		script_error(L, false, "%s: not text", script->chunk + 1);
	if (luaL_loadbufferx(L, script->text, script->size, script->chunk, "t"))
		return lua_error(L);
	script_words(L);
	if (!lua_setupvalue(L, -2, 1))
		return luaL_error(L, "a chunk without _ENV");
	lua_call(L, 0, 0);
	if (!script->nkernels)
		script_error(L, false, "%s: it makes no machine", script->chunk + 1);
	return 0;
}

/* A story that a kernel ran without the memory it needed is none, however it ends. */
static bool is_short(const struct script *script)
{
	for (unsigned i = 0; i < script->nkernels; i++)
		if (kernel_host_is_short(script->kernel[i]))
			return true;
	return false;
}

/* A word that failed has said what kind of failure it was; all else is Lua's. */
static enum script_status judge(const struct script *script, int result, char **why)
{
	if (is_short(script))
		return SCRIPT_NO_MEMORY;
	if (result == LUA_OK || script->stopped)
		return SCRIPT_HOLDS;
	if (script->out_of_memory)
		return SCRIPT_NO_MEMORY;
	if (result == LUA_ERRMEM)
		return fail(why, SCRIPT_BAD, "%s: it wants more memory than a script has",
			    script->starved);
	return fail(why, script->failed ? SCRIPT_FAILS : SCRIPT_BAD, "%s",
		    lua_tostring(script->L, -1));
}

static enum script_status run_text(struct script *script, char **why)
{
	enum script_status status;

	if (!sandbox_open(script))
		return SCRIPT_NO_MEMORY;
	lua_pushcfunction(script->L, script_add_place);
	lua_pushcfunction(script->L, run_protected);
	status = judge(script, lua_pcall(script->L, 0, 0, 1), why);
	sandbox_close(script);
	return status;
}

/* Keeps the one kernel that somebody may want to see, and ends the others. */
static struct kernel *take_kernel(struct script *script, bool wanted)
{
	struct kernel *kept = NULL;

	if (wanted)
		kept = script->stopped ? script->dumped
				       : script->kernel[script->nkernels - 1];
	for (unsigned i = 0; i < script->nkernels; i++)
		if (script->kernel[i] != kept)
			kernel_destroy(script->kernel[i]);
	return kept;
}

static enum script_status run_chunk(struct script *script, struct kernel **kernel,
				    char **why)
{
	const struct script_options *options = script->options;
	enum script_status status = run_text(script, why);
	bool holds = status == SCRIPT_HOLDS;

	if (holds && options->look && !script->dumped)
		options->look(options->arg, script->kernel[script->nkernels - 1]);
	*kernel = take_kernel(script, holds);
	return status;
}

static enum script_status run_file(struct script *script, struct kernel **kernel,
				   char **why)
{
	const char *path = script->options->scenario;
	char *text = NULL, *chunk = NULL;
	enum script_status status = read_file(path, &text, &script->size, why);

	if (status == SCRIPT_HOLDS && asprintf(&chunk, "@%s", path) < 0)
		status = SCRIPT_NO_MEMORY;
	if (status == SCRIPT_HOLDS) {
		script->text = text;
		script->chunk = chunk;
		status = run_chunk(script, kernel, why);
	}
	free(chunk);
	free(text);
	return status;
}

static enum script_status run_scenario(struct script *script, struct kernel **kernel,
				       char **why)
{
	const char *name = script->options->scenario;
	const struct script_scenario *scenario = find_scenario(name);
	char chunk[64];

	if (!scenario)
		return fail(why, SCRIPT_UNKNOWN, "there is no scenario '%s'", name);
	snprintf(chunk, sizeof(chunk), "@%s.lua", name);
	script->chunk = chunk;
	script->text = scenario->text;
	script->size = scenario->size;
	return run_chunk(script, kernel, why);
}

enum script_status script_run(const struct script_options *options,
			      struct kernel **kernel, char **why)
{
	struct script script = { .options = options };
	struct kernel *ended = NULL;
	enum script_status status;

	*why = NULL;
	if (strchr(options->scenario, '/'))
		status = run_file(&script, &ended, why);
	else
		status = run_scenario(&script, &ended, why);
	if (status == SCRIPT_NO_MEMORY)
		fail(why, status, "%s: memory is short", options->scenario);
	if (kernel)
		*kernel = ended;
	else if (ended)
		kernel_destroy(ended);
	return status;
}
