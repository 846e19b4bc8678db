/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a machine: what its kernel and its hardware are made to do. */
#include "machine/script/internal.h"

#include <string.h>

struct kernel *script_machine(lua_State *L, int index)
{
	return *(struct kernel **)script_object(L, index, SCRIPT_MACHINE);
}

static unsigned processor(lua_State *L, int index, const struct kernel *kernel)
{
	unsigned cpus = kernel_options(kernel)->cpus;

	if (lua_isnoneornil(L, index))
		return 0;
	return (unsigned)script_number(L, index, 0, cpus ? cpus - 1 : 0);
}

/* ---- machine { } ------------------------------------------------------------------- */

static const char *format_name(unsigned i)
{
	static const char *const names[] = {
		[KERNEL_I386] = "i386",
		[KERNEL_I386_PAE] = "i386-pae",
		[KERNEL_X86_64] = "x86_64",
		NULL,
	};

	return names[i];
}

static const char *sync_name(unsigned i)
{
	return i < KERNEL_SYNCS ? kernel_strategies[i].name : NULL;
}

static const char *tlb_name(unsigned i)
{
	static const char *const names[] = {
		[MACHINE_TLB_NONE] = "none",
		[MACHINE_TLB_SDM] = "sdm",
		[MACHINE_TLB_TCG] = "tcg",
		NULL,
	};

	return names[i];
}

static const char *processor_name(unsigned i)
{
	static const char *const names[] = { "sdm", "tcg", NULL };

	return names[i];
}

enum { FORMAT, SYNC, TLB, PROCESSOR, PROCESSORS, RAM, DEBUG_PAGEALLOC, QUIET, MACHINE };

static const struct script_field machine_fields[] = {
	[FORMAT] = { "format", SCRIPT_FIELD_CHOICE, .choice = format_name },
	[SYNC] = { "sync", SCRIPT_FIELD_CHOICE, .choice = sync_name },
	[TLB] = { "tlb", SCRIPT_FIELD_CHOICE, .choice = tlb_name },
	[PROCESSOR] = { "processor", SCRIPT_FIELD_CHOICE, .choice = processor_name },
	[PROCESSORS] = { "processors", SCRIPT_FIELD_NUMBER, 1, KERNEL_CPUS },
	[RAM] = { "ram", SCRIPT_FIELD_NUMBER, 1, SCRIPT_RAM },
	[DEBUG_PAGEALLOC] = { "debug_pagealloc", SCRIPT_FIELD_YES },
	[QUIET] = { "quiet", SCRIPT_FIELD_YES },
	{ .name = NULL },
};

static struct kernel *create(lua_State *L, const union script_value *v)
{
	const struct script_options *listener = script_of(L)->options;
	const struct kernel_options options = {
		.format = (uint8_t)v[FORMAT].number,
		.sync = (uint8_t)v[SYNC].number,
		.tlb = (uint8_t)v[TLB].number,
		.departures = v[PROCESSOR].number ? MACHINE_TCG : 0,
		.cpus = (unsigned)v[PROCESSORS].number,
		.ram = v[RAM].number << 20,
		.debug_pagealloc = v[DEBUG_PAGEALLOC].number,
		.say = v[QUIET].number ? NULL : listener->say,
		.arg = listener->arg,
	};
	const char *why = NULL;
	struct kernel *kernel = kernel_create(&options, &why);

	if (!kernel && !why)
		script_short(L);
	if (!kernel)
		script_error(L, false, "no such machine: %s", why);
	return kernel;
}

int script_machine_create(lua_State *L)
{
	struct script *script = script_of(L);
	union script_value v[MACHINE] = {
		[FORMAT].number = KERNEL_I386,
		[SYNC].number = KERNEL_SYNC_LAZY,
		[TLB].number = MACHINE_TLB_SDM,
		[PROCESSORS].number = 1,
		[RAM].number = 64,
	};
	struct kernel **object;

	if (!lua_isnoneornil(L, 1))
		script_fields(L, 1, machine_fields, v);
	script->ram += v[RAM].number;
	if (script->nkernels == SCRIPT_MACHINES || script->ram > SCRIPT_RAM)
		script_error(L, false, "a script has %d machines and %d MiB of memory",
			     SCRIPT_MACHINES, SCRIPT_RAM);
	script_charge(L, SCRIPT_OPERATION);
	object = lua_newuserdatauv(L, sizeof(*object), 0);
	*object = create(L, v);
	script->kernel[script->nkernels++] = *object;
	luaL_setmetatable(L, SCRIPT_MACHINE);
	return 1;
}

/* ---- processes --------------------------------------------------------------------- */

static int machine_fork(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);
	const char *comm = lua_isnoneornil(L, 2) ? NULL : script_name(L, 2, 15);
	int pid = 0;
	enum kernel_outcome outcome = kernel_fork(kernel, 1, comm, &pid);

	script_process_push(L, kernel, pid);
	return script_outcome(L, outcome, kernel, 1);
}

static int machine_process(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);
	int pid = (int)script_number(L, 2, 1, INT32_MAX);
	struct kernel_process process;

	if (kernel_process(kernel, pid, &process) != KERNEL_OK)
		script_error(L, true, "there is no process %d", pid);
	script_process_push(L, kernel, pid);
	return 1;
}

static int machine_processes(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);
	lua_Integer n = 0;

	lua_newtable(L);
	for (int pid = 0; (pid = kernel_next_pid(kernel, pid));) {
		script_process_push(L, kernel, pid);
		lua_seti(L, -2, ++n);
	}
	return 1;
}

/* ---- drivers and kernel memory ---------------------------------------------------- */

enum { NAME, SIZE, HOOKS_PAGE_FAULT, IRQ, DRIVER };

static const struct script_field driver_fields[] = {
	[NAME] = { "name", SCRIPT_FIELD_TEXT, .max = 55 },
	[SIZE] = { "size", SCRIPT_FIELD_NUMBER, 1, UINT32_MAX },
	[HOOKS_PAGE_FAULT] = { "hooks_page_fault", SCRIPT_FIELD_YES },
	[IRQ] = { "irq", SCRIPT_FIELD_NUMBER, KERNEL_IRQ_FIRST,
		  KERNEL_IRQ_FIRST + KERNEL_IRQS - 1 },
	{ .name = NULL },
};

static int machine_insmod(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);
	union script_value v[DRIVER] = { 0 };
	struct kernel_driver driver;

	if (lua_type(L, 2) == LUA_TSTRING)
		v[NAME].text = script_name(L, 2, driver_fields[NAME].max);
	else
		script_fields(L, 2, driver_fields, v);
	if (!v[NAME].text)
		script_error(L, false, "a driver has a name: { name = \"dtrace\" }");
	driver = (struct kernel_driver){
		.name = v[NAME].text,
		.size = v[SIZE].number,
		.hooks_page_fault = v[HOOKS_PAGE_FAULT].number,
		.irq = (int)v[IRQ].number,
	};
	return script_outcome(L, kernel_insmod(kernel, &driver), kernel, 0);
}

static int machine_rmmod(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);

	return script_outcome(L, kernel_rmmod(kernel, script_name(L, 2, 55)), kernel, 0);
}

static int came_to_address(lua_State *L, enum kernel_outcome outcome,
			   const struct kernel *kernel, uint64_t va)
{
	lua_pushinteger(L, (lua_Integer)va);
	return script_outcome(L, outcome, kernel, 1);
}

static int machine_vmalloc(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);
	uint64_t size = script_number(L, 2, 1, INT64_MAX), va = 0;
	enum kernel_outcome outcome = kernel_vmalloc(kernel, size, &va);

	return came_to_address(L, outcome, kernel, va);
}

static int machine_vfree(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);

	return script_outcome(L, kernel_vfree(kernel, script_address(L, 2, kernel)),
			      kernel, 0);
}

static int machine_kmalloc(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);
	uint64_t va = 0;
	enum kernel_outcome outcome = kernel_kmalloc(kernel, &va);

	return came_to_address(L, outcome, kernel, va);
}

static int machine_kfree(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);

	return script_outcome(L, kernel_kfree(kernel, script_address(L, 2, kernel)),
			      kernel, 0);
}

/* ---- hardware --------------------------------------------------------------------- */

static int machine_interrupt(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);
	int vector = (int)script_number(L, 2, KERNEL_IRQ_FIRST,
					KERNEL_IRQ_FIRST + KERNEL_IRQS - 1);

	return script_outcome(
		L, kernel_interrupt(kernel, processor(L, 3, kernel), vector), kernel, 0);
}

static int machine_idle(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);

	return script_outcome(L, kernel_switch(kernel, processor(L, 2, kernel), 0),
			      kernel, 0);
}

static int machine_flush_tlb(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);

	script_charge(L, SCRIPT_OPERATION);
	kernel_flush_tlb(kernel, processor(L, 2, kernel));
	return 0;
}

/* ---- how it ends ------------------------------------------------------------------ */

static int machine_ended(lua_State *L)
{
	static const char *const names[] = {
		[KERNEL_RUNS] = "runs",
		[KERNEL_PANICS] = "panics",
		[KERNEL_RESETS] = "resets",
		[KERNEL_HANGS] = "hangs",
	};

	lua_pushstring(L, names[kernel_ending(script_machine(L, 1))->end]);
	return 1;
}

static int machine_frames(lua_State *L)
{
	const struct kernel_ending *ending = kernel_ending(script_machine(L, 1));

	lua_pushinteger(
		L, ending->end == KERNEL_RUNS ? 0 : (lua_Integer)ending->story.frames);
	return 1;
}

static int machine_check(lua_State *L)
{
	struct kernel *kernel = script_machine(L, 1);
	const char *wrong;

	script_charge(L, SCRIPT_LISTENED);
	wrong = kernel_check(kernel);
	if (wrong)
		script_error(L, true, "the kernel's books are wrong: %s", wrong);
	return 0;
}

static int machine_dump(lua_State *L)
{
	struct script *script = script_of(L);
	struct kernel *kernel = script_machine(L, 1);

	if (script->dumped)
		script_error(L, false, "there was a dump before");
	if (kernel_host_is_short(kernel))
		script_short(L);
	script->dumped = kernel;
	if (script->options->look)
		script->options->look(script->options->arg, kernel);
	if (!script->options->until_dump)
		return 0;
	script->stopped = true;
	return lua_error(L);
}

const luaL_Reg script_machine_words[] = {
	{ "fork", machine_fork },
	{ "process", machine_process },
	{ "processes", machine_processes },
	{ "insmod", machine_insmod },
	{ "rmmod", machine_rmmod },
	{ "vmalloc", machine_vmalloc },
	{ "vfree", machine_vfree },
	{ "kmalloc", machine_kmalloc },
	{ "kfree", machine_kfree },
	{ "interrupt", machine_interrupt },
	{ "idle", machine_idle },
	{ "flush_tlb", machine_flush_tlb },
	{ "ended", machine_ended },
	{ "frames", machine_frames },
	{ "check", machine_check },
	{ "dump", machine_dump },
	{ "try", script_try },
	{ NULL, NULL },
};
