/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a script hands to a word: untrusted, and so checked here, once for all words. */
#include "machine/script/internal.h"

#include <ctype.h>
#include <string.h>

static bool is_name(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isgraph((unsigned char)text[i]) || text[i] == '/')
			return false;
	return n > 0;
}

/* Of our objects: "machine", where Lua says userdata. */
static const char *type_name(lua_State *L, int index)
{
	if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING)
		return lua_tostring(L, -1);
	return luaL_typename(L, index);
}

static _Noreturn void unexpected(lua_State *L, int index, const char *want)
{
	script_error(L, false, "argument %d is to be %s, not %s", index - 1, want,
		     type_name(L, index));
}

void *script_object(lua_State *L, int index, const char *noun)
{
	void *object = luaL_testudata(L, index, noun);

	if (!object && index == 1)
		script_error(L, false, "words of a %s follow a colon: %s:word()", noun,
			     noun);
	if (!object)
		unexpected(L, index, lua_pushfstring(L, "a %s", noun));
	return object;
}

/* Lua's numbers that are whole, and not negative unless they are written in hex. */
static bool to_number(lua_State *L, int index, uint64_t *number)
{
	int whole;

	if (lua_type(L, index) != LUA_TNUMBER)
		return false;
	*number = (uint64_t)lua_tointegerx(L, index, &whole);
	return whole;
}

uint64_t script_number(lua_State *L, int index, uint64_t min, uint64_t max)
{
	uint64_t number;

	if (!to_number(L, index, &number))
		unexpected(L, index, "a whole number");
	if (number < min || number > max)
		script_error(L, false, "%I is not between %I and %I", (LUAI_UACINT)number,
			     (LUAI_UACINT)min, (LUAI_UACINT)max);
	return number;
}

const char *script_name(lua_State *L, int index, size_t max)
{
	size_t n;
	const char *name;

	if (lua_type(L, index) != LUA_TSTRING)
		unexpected(L, index, "a name");
	name = lua_tolstring(L, index, &n);
	if (n > max || !is_name(name, n))
		script_error(L, false, "a name has 1 to %d letters, and no blank or '/'",
			     (int)max);
	return name;
}

const char *script_path(lua_State *L, int index)
{
	if (lua_type(L, index) != LUA_TSTRING)
		unexpected(L, index, "a path such as \"/dev/dtrace\"");
	return lua_tostring(L, index);
}

uint64_t script_address(lua_State *L, int index, const struct kernel *kernel)
{
	const char *name;
	uint64_t va;

	if (to_number(L, index, &va))
		return va;
	if (lua_type(L, index) != LUA_TSTRING)
		unexpected(L, index, "an address or the name of a function");
	name = lua_tostring(L, index);
	if (!kernel_symbol(kernel, name, &va))
		script_error(L, false, "there is no function '%s' in this kernel", name);
	return va;
}

/* ---- options in a table ------------------------------------------------------------ */

static const struct script_field *find_field(lua_State *L,
					     const struct script_field *field)
{
	const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";

	for (; field->name; field++)
		if (strcmp(field->name, name) == 0)
			return field;
	script_error(L, false, "there is no option '%s'", luaL_tolstring(L, -2, NULL));
}

static _Noreturn void wrong_field(lua_State *L, const char *name, const char *want)
{
	script_error(L, false, "option '%s' is to be %s", name, want);
}

static uint64_t read_choice(lua_State *L, const struct script_field *field)
{
	luaL_Buffer list;

	if (lua_type(L, -1) == LUA_TSTRING)
		for (unsigned i = 0; field->choice(i); i++)
			if (strcmp(field->choice(i), lua_tostring(L, -1)) == 0)
				return i;
	luaL_buffinit(L, &list);
	luaL_addstring(&list, "one of");
	for (unsigned i = 0; field->choice(i); i++) {
		luaL_addstring(&list, i ? ", " : " ");
		luaL_addstring(&list, field->choice(i));
	}
	luaL_pushresult(&list);
	wrong_field(L, field->name, lua_tostring(L, -1));
}

static uint64_t read_number(lua_State *L, const struct script_field *field)
{
	uint64_t number;

	if (!to_number(L, -1, &number) || number < field->min || number > field->max)
		wrong_field(L, field->name,
			    lua_pushfstring(L, "a whole number from %I to %I",
					    (LUAI_UACINT)field->min,
					    (LUAI_UACINT)field->max));
	return number;
}

static const char *read_text(lua_State *L, const struct script_field *field)
{
	size_t n = 0;
	const char *text = NULL;

	if (lua_type(L, -1) == LUA_TSTRING)
		text = lua_tolstring(L, -1, &n);
	if (!text || n > field->max || !is_name(text, n))
		wrong_field(L, field->name, "a short name");
	return text;
}

static void read_field(lua_State *L, const struct script_field *field,
		       union script_value *value)
{
	switch (field->kind) {
	case SCRIPT_FIELD_TEXT:
		value->text = read_text(L, field);
		return;
	case SCRIPT_FIELD_CHOICE:
		value->number = read_choice(L, field);
		return;
	case SCRIPT_FIELD_NUMBER:
		value->number = read_number(L, field);
		return;
	case SCRIPT_FIELD_YES:
		if (!lua_isboolean(L, -1))
			wrong_field(L, field->name, "true or false");
		value->number = (uint64_t)lua_toboolean(L, -1);
		return;
	}
}

void script_fields(lua_State *L, int index, const struct script_field *fields,
		   union script_value *values)
{
	if (lua_type(L, index) != LUA_TTABLE)
		script_error(L, false, "options stand in braces: { name = value }");
	lua_pushnil(L);
	while (lua_next(L, index)) {
		const struct script_field *field = find_field(L, fields);

		read_field(L, field, &values[field - fields]);
		lua_pop(L, 1);
	}
}

/* ---- text ------------------------------------------------------------------------- */

/* What prints the same every time, and shows nothing of the host's memory. */
static bool is_plain(int type)
{
	return type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER ||
	       type == LUA_TSTRING;
}

static bool prints_pointers(lua_State *L, int index)
{
	size_t n;
	const char *fmt = lua_tolstring(L, index, &n), *end = fmt + n;

	while ((fmt = memchr(fmt, '%', (size_t)(end - fmt)))) {
		fmt += 1 + strspn(fmt + 1, "-+ #0123456789.");
		if (*fmt == 'p')
			return true;
		fmt += fmt < end;
	}
	return false;
}

const char *script_format(lua_State *L, int index)
{
	int last = lua_gettop(L);

	luaL_checktype(L, index, LUA_TSTRING);
	if (prints_pointers(L, index))
		luaL_argerror(L, index, "%p is not for scripts");
	lua_getfield(L, LUA_REGISTRYINDEX, SCRIPT_FORMAT);
	for (int i = index; i <= last; i++) {
		if (!is_plain(lua_type(L, i)))
			luaL_typeerror(L, i, "text or number");
		lua_pushvalue(L, i);
	}
	lua_call(L, last - index + 1, 1);
	return lua_tostring(L, -1);
}
