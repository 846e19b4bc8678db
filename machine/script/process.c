/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a process, and of the files it opened. */
#include "machine/script/internal.h"

struct script_process *script_process(lua_State *L, int index)
{
	return script_object(L, index, SCRIPT_PROCESS);
}

int script_process_pid(lua_State *L, int index, const struct kernel *kernel)
{
	const struct script_process *process = script_process(L, index);

	if (process->kernel != kernel)
		script_error(L, false, "that is a process of another machine");
	return process->pid;
}

void script_process_push(lua_State *L, struct kernel *kernel, int pid)
{
	struct script_process *process = lua_newuserdatauv(L, sizeof(*process), 0);

	*process = (struct script_process){ kernel, pid };
	luaL_setmetatable(L, SCRIPT_PROCESS);
}

static int came_to(lua_State *L, const struct script_process *p,
		   enum kernel_outcome outcome)
{
	return script_outcome(L, outcome, p->kernel, 0);
}

static int came_to_number(lua_State *L, const struct script_process *p,
			  enum kernel_outcome outcome, uint64_t number)
{
	lua_pushinteger(L, (lua_Integer)number);
	return script_outcome(L, outcome, p->kernel, 1);
}

/* ---- its life --------------------------------------------------------------------- */

static int process_fork(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);
	const char *comm = lua_isnoneornil(L, 2) ? NULL : script_name(L, 2, 15);
	int pid = 0;
	enum kernel_outcome outcome = kernel_fork(p->kernel, p->pid, comm, &pid);

	script_process_push(L, p->kernel, pid);
	return script_outcome(L, outcome, p->kernel, 1);
}

static int process_exec(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);

	return came_to(L, p, kernel_exec(p->kernel, p->pid, script_name(L, 2, 15)));
}

static int process_exit(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);

	return came_to(L, p, kernel_exit(p->kernel, p->pid));
}

enum { SIZE, WRITABLE, EXECUTABLE, MMAP };

static const struct script_field mmap_fields[] = {
	[SIZE] = { "size", SCRIPT_FIELD_NUMBER, 1, INT64_MAX },
	[WRITABLE] = { "write", SCRIPT_FIELD_YES },
	[EXECUTABLE] = { "execute", SCRIPT_FIELD_YES },
	{ .name = NULL },
};

static int process_mmap(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);
	union script_value v[MMAP] = {
		[SIZE].number = MACHINE_FRAME_SIZE, [WRITABLE].number = true
	};
	enum kernel_outcome outcome;
	unsigned protection;
	uint64_t va = 0;

	if (!lua_isnoneornil(L, 2))
		script_fields(L, 2, mmap_fields, v);
	protection = (v[WRITABLE].number ? KERNEL_PROT_WRITE : 0) |
		     (v[EXECUTABLE].number ? KERNEL_PROT_EXEC : 0);
	outcome = kernel_mmap(p->kernel, p->pid, v[SIZE].number, protection, &va);
	return came_to_number(L, p, outcome, va);
}

static int process_munmap(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);
	uint64_t va = script_address(L, 2, p->kernel);

	return came_to(L, p, kernel_munmap(p->kernel, p->pid, va));
}

/* ---- accesses --------------------------------------------------------------------- */

typedef enum kernel_outcome access_fn(struct kernel *kernel, int pid, unsigned kind,
				      uint64_t va, uint8_t *value);

static int read_by(lua_State *L, access_fn *access)
{
	const struct script_process *p = script_process(L, 1);
	uint64_t va = script_address(L, 2, p->kernel);
	uint8_t value = 0;
	enum kernel_outcome outcome = access(p->kernel, p->pid, MACHINE_READ, va, &value);

	return came_to_number(L, p, outcome, value);
}

static int write_by(lua_State *L, access_fn *access)
{
	const struct script_process *p = script_process(L, 1);
	uint64_t va = script_address(L, 2, p->kernel);
	uint8_t value = (uint8_t)script_number(L, 3, 0, UINT8_MAX);

	return came_to(L, p, access(p->kernel, p->pid, MACHINE_WRITE, va, &value));
}

static int fetch_by(lua_State *L, access_fn *access)
{
	const struct script_process *p = script_process(L, 1);
	uint64_t va = script_address(L, 2, p->kernel);
	uint8_t value = 0;

	return came_to(L, p, access(p->kernel, p->pid, MACHINE_FETCH, va, &value));
}

static int process_read(lua_State *L)
{
	return read_by(L, kernel_user_access);
}

static int process_write(lua_State *L)
{
	return write_by(L, kernel_user_access);
}

static int process_execute(lua_State *L)
{
	return fetch_by(L, kernel_user_access);
}

static int process_kernel_read(lua_State *L)
{
	return read_by(L, kernel_kernel_access);
}

static int process_kernel_write(lua_State *L)
{
	return write_by(L, kernel_kernel_access);
}

static int process_kernel_execute(lua_State *L)
{
	return fetch_by(L, kernel_kernel_access);
}

/* ---- scheduler -------------------------------------------------------------------- */

/* There has to be one: what is asked of a process that is gone fails. */
static struct kernel_process about(lua_State *L, const struct script_process *p)
{
	struct kernel_process process;

	if (kernel_process(p->kernel, p->pid, &process) != KERNEL_OK)
		script_error(L, true, "process %d is gone", p->pid);
	return process;
}

static int process_run(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);

	return came_to(L, p, kernel_switch(p->kernel, about(L, p).cpu, p->pid));
}

static int process_migrate(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);
	unsigned cpu = (unsigned)script_number(L, 2, 0, KERNEL_CPUS - 1);

	return came_to(L, p, kernel_migrate(p->kernel, p->pid, cpu));
}

static int process_preempt_in_fault(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);
	int next = script_process_pid(L, 2, p->kernel);

	return came_to(L, p, kernel_preempt_in_fault(p->kernel, p->pid, next));
}

/* ---- what it is ------------------------------------------------------------------- */

static int process_pid(lua_State *L)
{
	lua_pushinteger(L, script_process(L, 1)->pid);
	return 1;
}

static int process_comm(lua_State *L)
{
	lua_pushstring(L, about(L, script_process(L, 1)).comm);
	return 1;
}

static int process_processor(lua_State *L)
{
	lua_pushinteger(L, about(L, script_process(L, 1)).cpu);
	return 1;
}

static int process_running(lua_State *L)
{
	lua_pushboolean(L, about(L, script_process(L, 1)).running);
	return 1;
}

static int process_in_fault(lua_State *L)
{
	lua_pushboolean(L, about(L, script_process(L, 1)).in_fault);
	return 1;
}

static int process_alive(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);
	struct kernel_process process;

	lua_pushboolean(L, kernel_process(p->kernel, p->pid, &process) == KERNEL_OK);
	return 1;
}

/* ---- files ------------------------------------------------------------------------ */

struct open_file {
	struct script_process process;
	int fd;
};

static int process_open(lua_State *L)
{
	const struct script_process *p = script_process(L, 1);
	const char *path = script_path(L, 2);
	int fd = -1;
	enum kernel_outcome outcome = kernel_open(p->kernel, p->pid, path, &fd);
	struct open_file *file = lua_newuserdatauv(L, sizeof(*file), 0);

	*file = (struct open_file){ *p, fd };
	luaL_setmetatable(L, SCRIPT_FILE);
	return script_outcome(L, outcome, p->kernel, 1);
}

typedef enum kernel_outcome transfer_fn(struct kernel *kernel, int pid, int fd,
					uint64_t va, uint64_t len, uint64_t *done);

static int transfer(lua_State *L, transfer_fn *call)
{
	const struct open_file *file = script_object(L, 1, SCRIPT_FILE);
	const struct script_process *p = &file->process;
	uint64_t va = script_address(L, 2, p->kernel), done = 0;
	uint64_t len = script_number(L, 3, 0, INT64_MAX);
	enum kernel_outcome outcome = call(p->kernel, p->pid, file->fd, va, len, &done);

	return came_to_number(L, p, outcome, done);
}

static int file_read(lua_State *L)
{
	return transfer(L, kernel_read);
}

static int file_write(lua_State *L)
{
	return transfer(L, kernel_write);
}

static int file_close(lua_State *L)
{
	const struct open_file *file = script_object(L, 1, SCRIPT_FILE);
	const struct script_process *p = &file->process;

	return came_to(L, p, kernel_close(p->kernel, p->pid, file->fd));
}

const luaL_Reg script_file_words[] = {
	{ "read", file_read }, { "write", file_write }, { "close", file_close },
	{ "try", script_try }, { NULL, NULL },
};

int script_process_equals(lua_State *L)
{
	const struct script_process *a = luaL_testudata(L, 1, SCRIPT_PROCESS);
	const struct script_process *b = luaL_testudata(L, 2, SCRIPT_PROCESS);

	lua_pushboolean(L, a && b && a->kernel == b->kernel && a->pid == b->pid);
	return 1;
}

const luaL_Reg script_process_words[] = {
	{ "fork", process_fork },
	{ "exec", process_exec },
	{ "exit", process_exit },
	{ "mmap", process_mmap },
	{ "munmap", process_munmap },
	{ "read", process_read },
	{ "write", process_write },
	{ "execute", process_execute },
	{ "kernel_read", process_kernel_read },
	{ "kernel_write", process_kernel_write },
	{ "kernel_execute", process_kernel_execute },
	{ "open", process_open },
	{ "run", process_run },
	{ "migrate", process_migrate },
	{ "preempt_in_fault", process_preempt_in_fault },
	{ "pid", process_pid },
	{ "comm", process_comm },
	{ "processor", process_processor },
	{ "running", process_running },
	{ "in_fault", process_in_fault },
	{ "alive", process_alive },
	{ "try", script_try },
	{ NULL, NULL },
};
