/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a word or Lua gives up: a long jump, with the line of the script where it was. */
#include "machine/script/internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool script_line(lua_State *L, lua_Debug *frame)
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
	if (script_line(L, &frame))
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
	if (script_line(L, &frame)) {
		if (strncmp(message, frame.short_src, strlen(frame.short_src)) != 0)
			lua_pushfstring(L, "%s:%d: %s", frame.short_src,
					frame.currentline, message);
	} else if (!strchr(message, ':')) {
		lua_pushfstring(L, "%s: %s", script_of(L)->chunk + 1, message);
	}
	return 1;
}
