/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words that look into page tables, and those that damage them: of a process they mean
 * its own tables, of a machine init_mm's.
 */
#include "machine/kernel/internal.h"
#include "machine/script/internal.h"

#include <inttypes.h>
#include <string.h>

/* Whose tables: pid 0 is init_mm. */
static struct script_process owner(lua_State *L)
{
	const struct script_process *process = luaL_testudata(L, 1, SCRIPT_PROCESS);

	if (process)
		return *process;
	return (struct script_process){ .kernel = script_machine(L, 1) };
}

static struct kernel_walk walk(lua_State *L, const struct script_process *p, uint64_t va)
{
	struct kernel_walk step = { 0 };

	if (kernel_walk(p->kernel, p->pid, va, &step) != KERNEL_OK)
		script_error(L, true, "process %d is gone", p->pid);
	return step;
}

static int look_sees(lua_State *L)
{
	const struct script_process p = owner(L);

	lua_pushboolean(L, walk(L, &p, script_address(L, 2, p.kernel)).present);
	return 1;
}

/* Processors note in the tables who used them; that is no difference. */
static bool same(const struct kernel_walk *a, const struct kernel_walk *b)
{
	const uint64_t accessed_and_dirty = 0x60;

	return a->present == b->present && a->level == b->level &&
	       ((a->entry ^ b->entry) & ~accessed_and_dirty) == 0;
}

static int look_agrees(lua_State *L)
{
	const struct script_process p = owner(L), init_mm = { .kernel = p.kernel };
	uint64_t va = script_address(L, 2, p.kernel);
	struct kernel_walk own = walk(L, &p, va), its = walk(L, &init_mm, va);

	lua_pushboolean(L, same(&own, &its));
	return 1;
}

static int look_entry(lua_State *L)
{
	const struct script_process p = owner(L);
	struct kernel_walk step = walk(L, &p, script_address(L, 2, p.kernel));

	lua_pushinteger(L, (lua_Integer)step.entry);
	lua_pushinteger(L, step.level);
	return 2;
}

static int look_address(lua_State *L)
{
	const struct script_process p = owner(L);

	lua_pushinteger(L, (lua_Integer)script_address(L, 2, p.kernel));
	return 1;
}

/* ---- the probe of dtrace4linux ------------------------------------------------------------- */

#define PROBES 16

struct probe {
	struct script *script;
	struct kernel *kernel;
	int tracer;
	unsigned cpu;
	struct layout layout;
	uint64_t va[PROBES];
	int n;
};

static void say(const struct probe *probe, const char *text)
{
	const struct script_options *options = probe->script->options;
	const struct kernel_line line = { .voice = VOICE_KERNEL,
					  .cpu = probe->cpu,
					  .pid = probe->tracer,
					  .text = text };

	if (options->say)
		options->say(options->arg, &line);
}

static void say_lookups(const struct probe *probe, int pid)
{
	char text[96];

	for (int i = 0; i < probe->n; i++) {
		struct kernel_walk step = { 0 };

		kernel_walk(probe->kernel, pid, probe->va[i], &step);
		snprintf(text, sizeof(text), "#%u %d: lookup%d: %0*" PRIx64 " %u",
			 probe->cpu, probe->tracer, i + 1, 2 * probe->layout.word,
			 step.entry_va, step.level);
		say(probe, text);
	}
}

/*
 * xx_procs() of 16 January 2012 but for its clock: processor and pid of who asks; pid
 * and top-level table of each process; where its entry for each address lies, and at
 * which level.
 */
static int look_probe(lua_State *L)
{
	const struct script_process p = owner(L);
	struct probe probe = { .script = script_of(L), .kernel = p.kernel };
	struct kernel_process process;
	char text[96];

	probe.n = lua_gettop(L) - 1;
	if (probe.n < 1 || probe.n > PROBES)
		script_error(L, false, "a probe is for 1 to %d addresses", PROBES);
	for (int i = 0; i < probe.n; i++)
		probe.va[i] = script_address(L, i + 2, p.kernel);
	probe.tracer = p.pid ? p.pid : kernel_current(p.kernel, 0);
	if (kernel_process(p.kernel, probe.tracer, &process) == KERNEL_OK)
		probe.cpu = process.cpu;
	layout_of(kernel_options(p.kernel)->format, kernel_options(p.kernel)->ram,
		  &probe.layout);
	for (int pid = 0; (pid = kernel_next_pid(p.kernel, pid));) {
		script_charge(L, SCRIPT_LISTENED);
		if (kernel_process(p.kernel, pid, &process) != KERNEL_OK)
			continue;
		snprintf(text, sizeof(text), "#%u %d:%d %0*" PRIx64, probe.cpu,
			 probe.tracer, pid, 2 * probe.layout.word,
			 process.root + probe.layout.page_offset);
		say(&probe, text);
		say_lookups(&probe, pid);
	}
	return 0;
}

/* ---- damage ----------------------------------------------------------------------- */

static int look_hide(lua_State *L)
{
	const struct script_process p = owner(L);
	uint64_t va = script_address(L, 2, p.kernel);

	return script_outcome(L, kernel_hide(p.kernel, p.pid, va), p.kernel, 0);
}

/* Bits of an entry (SDM 4.3 to 4.5). */
static const struct {
	const char *name;
	uint64_t bit;
} bits[] = {
	{ "present", 1ull << 0 }, { "write", 1ull << 1 },  { "user", 1ull << 2 },
	{ "large", 1ull << 7 },   { "global", 1ull << 8 }, { "nx", 1ull << 63 },
};

static uint64_t bits_to_flip(lua_State *L, int index)
{
	const char *name;

	if (lua_type(L, index) != LUA_TSTRING)
		return script_number(L, index, 0, UINT64_MAX);
	name = lua_tostring(L, index);
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if (strcmp(bits[i].name, name) == 0)
			return bits[i].bit;
	script_error(L, false, "there is no bit '%s'", name);
}

static int look_flip(lua_State *L)
{
	const struct script_process p = owner(L);
	uint64_t va = script_address(L, 2, p.kernel), flipped = bits_to_flip(L, 3);

	return script_outcome(L, kernel_flip(p.kernel, p.pid, va, flipped), p.kernel, 0);
}

const luaL_Reg script_look_words[] = {
	{ "sees", look_sees },   { "agrees", look_agrees },
	{ "entry", look_entry }, { "address", look_address },
	{ "probe", look_probe }, { "hide", look_hide },
	{ "flip", look_flip },   { NULL, NULL },
};
