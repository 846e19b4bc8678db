/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Lua state without a library. What a scenario can say is a table of words; there is
 * no way from them to the host, none to catch an error (so that a limit is final), and
 * nothing whose order or text differs from run to run (pairs(), addresses of objects).
 */
#include "machine/script/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOOK_EVERY 1000
#define CLOCK_EVERY 100000

/* ---- limits ---------------------------------------------------------------------- */

/* Keeps where it happened: an error of memory has no room to say so later. */
static void *deny(struct script *script, bool host)
{
	lua_Debug frame;

	script->out_of_memory |= host;
	if (!*script->starved) {
		snprintf(script->starved, sizeof(script->starved), "%s",
			 script->chunk + 1);
		if (script->L && script_line(script->L, &frame))
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
 * An operation may take long by itself: an exit among many mappings, a load that updates
 * a hundred thousand processes. The clock ends what steps do not; nothing else sees it.
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

/* ---- objects ---------------------------------------------------------------------- */

void script_be_strict(lua_State *L, lua_CFunction missing, const char *noun)
{
	lua_createtable(L, 0, 1);
	lua_pushstring(L, noun);
	lua_pushcclosure(L, missing, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
}

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
	script_be_strict(L, no_method, noun);
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
	script_charge(L,
		      kernel_options(kernel)->say ? SCRIPT_LISTENED : SCRIPT_OPERATION);
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
