/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that a script can say: the words without an object, and whose the others are. */
#include "machine/script/internal.h"

#include <string.h>

static int word_format(lua_State *L)
{
	script_format(L, 1);
	return 1;
}

static int word_story(lua_State *L)
{
	const struct script_options *options = script_of(L)->options;
	struct kernel_line line = { .voice = VOICE_STORY };

	script_charge(L, SCRIPT_LISTENED);
	line.text = script_format(L, 1);
	if (strlen(line.text) > SCRIPT_LINE)
		script_error(L, false, "a line of the story has %d letters at most",
			     SCRIPT_LINE);
	if (options->say)
		options->say(options->arg, &line);
	return 0;
}

/* The line of the script itself says best what did not hold. */
static void push_source_line(lua_State *L, const struct script *script)
{
	const char *at = script->text, *end = at + script->size, *stop;
	lua_Debug frame;

	if (!script_line(L, &frame))
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

static void add_classes(lua_State *L)
{
	script_class(L, SCRIPT_MACHINE, script_machine_words, script_look_words);
	script_class(L, SCRIPT_PROCESS, script_process_words, script_look_words);
	lua_pushcfunction(L, script_process_equals);
	lua_setfield(L, -2, "__eq");
	script_class(L, SCRIPT_FILE, script_file_words, NULL);
	lua_pop(L, 3);
}

/* The globals are an empty table in front of the words, so that none is ever replaced. */
void script_words(lua_State *L)
{
	add_classes(L);
	keep_format(L);
	lua_newtable(L);
	lua_createtable(L, 0, 2);
	luaL_newlib(L, words);
	script_be_strict(L, no_word, "");
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, no_global);
	lua_setfield(L, -2, "__newindex");
	lua_setmetatable(L, -2);
}
