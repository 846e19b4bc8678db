/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Lua state without a library. What a scenario can say is a table of words; there is
 * no way from them to the host, none to catch an error (so that a limit is final), and
 * nothing whose order or text differs from run to run (pairs(), addresses of objects).
 */
#include "machine/script/internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOOK_EVERY 1000
#define CLOCK_EVERY 100000

/* The innermost line of the script that is running; false: none is. */
static bool find_line(lua_State *L, lua_Debug *frame)
{
	for (int level = 0; lua_getstack(L, level, frame); level++)
		if (lua_getinfo(L, "Sl", frame) && frame->currentline > 0)
			return true;
	return false;
}

_Noreturn void script_error(lua_State *L, bool failed, const char *fmt, ...)
{
	lua_Debug frame;
	va_list args;

	script_of(L)->failed = failed;
	if (find_line(L, &frame))
		lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
	else
		lua_pushliteral(L, "");
	va_start(args, fmt);
	lua_pushvfstring(L, fmt, args);
	va_end(args);
	lua_concat(L, 2);
	lua_error(L);
	abort(); /* lua_error() does not return, but is not declared so */
}

_Noreturn void script_short(lua_State *L)
{
	script_of(L)->out_of_memory = true;
	lua_pushnil(L); /* a message would need memory */
	lua_error(L);
	abort();
}

/* Words called by words, and Lua's parser where it is too deep, do not say where. */
int script_add_place(lua_State *L)
{
	const char *message = lua_tostring(L, 1);
	lua_Debug frame;

	if (!message)
		return 1;
	if (find_line(L, &frame)) {
		if (strncmp(message, frame.short_src, strlen(frame.short_src)) != 0)
			lua_pushfstring(L, "%s:%d: %s", frame.short_src,
					frame.currentline, message);
	} else if (!strchr(message, ':')) {
		lua_pushfstring(L, "%s: %s", script_of(L)->chunk + 1, message);
	}
	return 1;
}

/* ---- limits ---------------------------------------------------------------------- */

/* Keeps where it happened: an error of memory has no room to say so later. */
static void *deny(struct script *script, bool host)
{
	lua_Debug frame;

	script->out_of_memory |= host;
	if (!*script->starved) {
		snprintf(script->starved, sizeof(script->starved), "%s",
			 script->chunk + 1);
		if (script->L && find_line(script->L, &frame))
			snprintf(script->starved, sizeof(script->starved), "%s:%d",
				 frame.short_src, frame.currentline);
	}
	return NULL;
}

static void *allocate(void *arg, void *block, size_t old, size_t size)
{
	struct script *script = arg;
	void *moved;

	if (!block)
		old = 0; /* it says what kind of object it is for */
	if (!size) {
		script->bytes -= old;
		free(block);
		return NULL;
	}
	if (size > old) {
		if (size - old > SCRIPT_MEMORY - script->bytes ||
		    script->allocated + size > SCRIPT_ALLOCATED)
			return deny(script, false);
		script->allocated += size;
	}
	moved = realloc(block, size);
	if (!moved)
		return deny(script, true);
	script->bytes = script->bytes - old + size;
	return moved;
}

/*
 * An operation may take long by itself: an exit among many mappings, a load that tells a
 * hundred thousand processes. The clock ends what steps do not; nothing else sees it.
 */
static void check_clock(lua_State *L, struct script *script)
{
	struct timespec now;

	script->clock_read = script->steps;
	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0 &&
	    now.tv_sec - script->begun >= SCRIPT_SECONDS)
		script_error(L, false, "it takes too long: stopped after %d seconds",
			     SCRIPT_SECONDS);
}

void script_charge(lua_State *L, unsigned n)
{
	struct script *script = script_of(L);

	script->steps += n;
	if (script->steps - script->clock_read >= CLOCK_EVERY)
		check_clock(L, script);
	if (script->steps > SCRIPT_STEPS)
		script_error(L, false,
			     "it does not come to an end: stopped after %d steps",
			     SCRIPT_STEPS);
}

static void count(lua_State *L, lua_Debug *frame)
{
	(void)frame;
	script_charge(L, HOOK_EVERY);
}

bool sandbox_open(struct script *script)
{
	lua_State *L = lua_newstate(allocate, script);
	struct timespec now;

	if (!L)
		return false;
	*(struct script **)lua_getextraspace(L) = script;
	lua_sethook(L, count, LUA_MASKCOUNT, HOOK_EVERY);
	script->L = L;
	script->begun = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) ? 0 : now.tv_sec;
	return true;
}

void sandbox_close(struct script *script)
{
	if (script->L)
		lua_close(script->L);
	script->L = NULL;
}

/* ---- words without an object ------------------------------------------------------ */

static int word_format(lua_State *L)
{
	script_format(L, 1);
	return 1;
}

static int word_story(lua_State *L)
{
	const struct script_options *options = script_of(L)->options;
	struct kernel_line line = { .teller = KERNEL_TELLS_STORY };

	script_charge(L, SCRIPT_TOLD);
	line.text = script_format(L, 1);
	if (strlen(line.text) > SCRIPT_LINE)
		script_error(L, false, "a line of the story has %d letters at most",
			     SCRIPT_LINE);
	if (options->tell)
		options->tell(options->arg, &line);
	return 0;
}

/* The line of the script itself says best what did not hold. */
static void push_source_line(lua_State *L, const struct script *script)
{
	const char *at = script->text, *end = at + script->size, *stop;
	lua_Debug frame;

	if (!find_line(L, &frame))
		frame.currentline = 0;
	for (int line = 1; line < frame.currentline && at < end; at++)
		line += *at == '\n';
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	stop = memchr(at, '\n', (size_t)(end - at));
	lua_pushlstring(L, at, (size_t)((stop ? stop : end) - at));
}

static int word_assert(lua_State *L)
{
	luaL_checkany(L, 1);
	if (lua_toboolean(L, 1))
		return 0;
	if (lua_gettop(L) > 1)
		script_format(L, 2);
	else
		push_source_line(L, script_of(L));
	script_error(L, true, "this does not hold: %s", lua_tostring(L, -1));
}

static int next_item(lua_State *L)
{
	lua_Integer i = luaL_checkinteger(L, 2) + 1;

	lua_pushinteger(L, i);
	return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
}

static int word_ipairs(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_pushcfunction(L, next_item);
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	return 3;
}

static const luaL_Reg words[] = {
	{ "machine", script_machine_create },
	{ "story", word_story },
	{ "assert", word_assert },
	{ "format", word_format },
	{ "ipairs", word_ipairs },
	{ NULL, NULL },
};

static int no_word(lua_State *L)
{
	script_error(L, false, "there is no word '%s'", luaL_tolstring(L, 2, NULL));
}

static int no_global(lua_State *L)
{
	const char *name = luaL_tolstring(L, 2, NULL);

	script_error(L, false, "'%s' is new here: say local %s = ...", name, name);
}

/* What the table at the top does not have, missing() is to complain about. */
static void be_strict(lua_State *L, lua_CFunction missing, const char *noun)
{
	lua_createtable(L, 0, 1);
	lua_pushstring(L, noun);
	lua_pushcclosure(L, missing, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
}

/*
 * Lua's own string.format(). The rest of that library stays out of reach: a pattern can
 * run for ever where no hook counts.
 */
static void keep_format(lua_State *L)
{
	lua_pushcfunction(L, luaopen_string);
	lua_call(L, 0, 1);
	lua_getfield(L, -1, "format");
	lua_setfield(L, LUA_REGISTRYINDEX, SCRIPT_FORMAT);
	/* The library has given its functions to all strings, as methods. */
	lua_pushliteral(L, "");
	lua_pushnil(L);
	lua_setmetatable(L, -2);
	lua_pop(L, 2);
}

/* The globals are an empty table in front of the words, so that none is ever replaced. */
void sandbox_words(lua_State *L)
{
	keep_format(L);
	lua_newtable(L);
	lua_createtable(L, 0, 2);
	luaL_newlib(L, words);
	be_strict(L, no_word, "");
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, no_global);
	lua_setfield(L, -2, "__newindex");
	lua_setmetatable(L, -2);
}

/* ---- objects ---------------------------------------------------------------------- */

static int no_method(lua_State *L)
{
	script_error(L, false, "a %s has no '%s'", lua_tostring(L, lua_upvalueindex(1)),
		     luaL_tolstring(L, 2, NULL));
}

static int no_field(lua_State *L)
{
	script_error(L, false, "nothing can be put into a %s",
		     lua_tostring(L, lua_upvalueindex(1)));
}

void script_class(lua_State *L, const char *noun, const luaL_Reg *own,
		  const luaL_Reg *shared)
{
	luaL_newmetatable(L, noun);
	lua_newtable(L);
	luaL_setfuncs(L, own, 0);
	if (shared)
		luaL_setfuncs(L, shared, 0);
	be_strict(L, no_method, noun);
	lua_setfield(L, -2, "__index");
	lua_pushstring(L, noun);
	lua_pushcclosure(L, no_field, 1);
	lua_setfield(L, -2, "__newindex");
}

/* ---- outcomes --------------------------------------------------------------------- */

int script_try(lua_State *L)
{
	struct script *script = script_of(L);
	const char *word = script_name(L, 2, 32);

	lua_getfield(L, 1, word);
	lua_insert(L, 1);
	lua_remove(L, 3);
	script->trying = true;
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	if (script->trying)
		script_error(L, false, "'%s' always works: there is nothing to try",
			     word);
	return lua_gettop(L);
}

static const char *const ends[] = {
	[KERNEL_RUNS] = "it runs",
	[KERNEL_PANICS] = "it panics",
	[KERNEL_RESETS] = "it resets",
	[KERNEL_HANGS] = "it hangs",
};

/* What an outcome means to somebody who did not expect it. */
static const char *meaning(enum kernel_outcome outcome, const struct kernel *kernel)
{
	switch (outcome) {
	case KERNEL_INVALID:
		return "there is no such thing, or not now";
	case KERNEL_NO_MEMORY:
		return "the machine's memory is full";
	case KERNEL_KILLED:
		return "the process was killed for it";
	case KERNEL_OOPS:
		return "the kernel tripped, and the process is gone";
	case KERNEL_STOPPED:
		return ends[kernel_ending(kernel)->end];
	default:
		return "";
	}
}

int script_outcome(lua_State *L, enum kernel_outcome outcome, const struct kernel *kernel,
		   int n)
{
	struct script *script = script_of(L);
	bool fine = outcome == KERNEL_OK || outcome == KERNEL_SLEEPS;

	if (kernel_host_is_short(kernel))
		script_short(L);
	script_charge(L, kernel_options(kernel)->tell ? SCRIPT_TOLD : SCRIPT_OPERATION);
	if (outcome != KERNEL_OK) {
		lua_pop(L, n);
		n = 0;
	}
	if (!script->trying) {
		if (fine)
			return n;
		script_error(L, true, "%s: %s", kernel_outcome_name(outcome),
			     meaning(outcome, kernel));
	}
	script->trying = false;
	lua_pushstring(L, kernel_outcome_name(outcome));
	lua_insert(L, -1 - n);
	return n + 1;
}
