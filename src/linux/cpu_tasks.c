/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The task that a processor runs, where neither the task list nor an mm leads to it: by
 * the stack that it runs on.
 *
 *	SP in kernel mode --.
 *	the stack's top ----+-> the stack's base <---- task_struct.stack
 *	in its own tables
 *
 * A word that holds the base is found by a pass over memory, which is made only where
 * tasks are missing. It is task_struct.stack if what lies around it is a task, as far as
 * fields are known. Where two are, nothing is known.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/stacks.h"
#include "linux/tasks.h"
#include "util/cleanup.h"

#define PLACES (1 + WS_STACK_TOPS)

/* What a processor has of addresses in its task's stack; 0: none. */
struct cpu_stacks {
	uint64_t base[PLACES];
	uint64_t comm_va; /* whose it is; */
	bool disputed;    /* or two tasks' */
};

struct search {
	struct ws_system *system;
	int32_t field; /* from comm to task_struct.stack */
	ws_stack_vec stacks;
	WS_VEC(struct cpu_stacks) cpus;
	WS_VEC(uint64_t) unknown; /* bases that are no known task's */
	ws_pa_vec finds[WS_SCAN_WORKERS];
	bool short_of_memory[WS_SCAN_WORKERS];
};

/* A base is in few places; memory that is full of one is hostile. */
#define FINDS_MAX 4096

/* ---- the stacks -------------------------------------------------------------------- */

static bool is_direct(struct ws_system *system, uint64_t va)
{
	uint64_t pa;

	return ws_kernel_translate(system, va, &pa) == WS_READ &&
	       pa == ws_direct_pa(system, va);
}

/*
 * A processor that takes a double fault is on a stack of its own, which is no task's. Where
 * a stack is no known task's, its base follows from how long and where the others are.
 */
static uint64_t base_of(const struct search *s, uint64_t sp)
{
	const struct ws_stack *known = ws_stack_at(&s->stacks, sp);
	const struct ws_stack *stack = &s->stacks.v[0];
	uint64_t address = sp - 1, base = address & -stack->size;

	if (known)
		return known->va;
	return ws_is_kernel_va(s->system, address) && (!is_direct(s->system, stack->va) ||
						       is_direct(s->system, base))
		       ? base
		       : 0;
}

static void read_places(struct search *s, const struct ws_cpu *cpu,
			struct cpu_stacks *stacks)
{
	const struct ws_arch_linux *on_linux = cpu->arch->on_linux;
	uint64_t sp, top[WS_STACK_TOPS];

	if (cpu->arch->kernel_sp(cpu, &sp))
		stacks->base[0] = base_of(s, sp);
	if (!on_linux || !on_linux->stack_tops ||
	    !on_linux->stack_tops(s->system, cpu, top))
		return;
	for (unsigned i = 0; i < WS_STACK_TOPS; i++)
		stacks->base[1 + i] = base_of(s, top[i]);
}

static void take_for(struct cpu_stacks *stacks, uint64_t comm_va)
{
	stacks->disputed |= stacks->comm_va && stacks->comm_va != comm_va;
	stacks->comm_va = comm_va;
}

static void take_base(struct search *s, uint64_t base, uint64_t comm_va)
{
	ws_vec_each(&s->cpus, stacks)
		for (unsigned p = 0; p < PLACES; p++)
			if (stacks->base[p] == base)
				take_for(stacks, comm_va);
}

static bool is_known(const struct search *s, uint64_t base)
{
	ws_vec_each(&s->stacks, stack)
		if (stack->va == base)
			return true;
	return false;
}

static enum ws_status read_cpus(struct search *s)
{
	ws_vec_each(&s->system->target->cpus, cpu) {
		struct cpu_stacks *stacks = ws_vec_push(&s->cpus);

		if (!stacks)
			return ws_fail_memory(s->system->ctx);
		read_places(s, cpu, stacks);
		for (unsigned p = 0; p < PLACES; p++) {
			uint64_t *added;

			if (!stacks->base[p] || is_known(s, stacks->base[p]))
				continue;
			added = ws_vec_push(&s->unknown);
			if (!added)
				return ws_fail_memory(s->system->ctx);
			*added = stacks->base[p];
		}
	}
	ws_vec_each(&s->stacks, stack)
		take_base(s, stack->va, s->system->tasks.v[stack->task].comm_va);
	return WS_OK;
}

/* ---- the pass over memory ---------------------------------------------------------- */

static bool is_unknown(const struct search *s, uint64_t value)
{
	ws_vec_each(&s->unknown, base)
		if (*base == value)
			return true;
	return false;
}

static void look_at_chunk(void *arg, unsigned number, uint64_t pa, const uint8_t *data,
			  size_t len)
{
	struct search *s = arg;
	unsigned word = s->system->layout.word;

	for (size_t at = 0; at + word <= len; at += word) {
		uint64_t value = ws_le_word(data + at, word);
		uint64_t *find;

		if (!is_unknown(s, value) || s->finds[number].n == FINDS_MAX)
			continue;
		find = ws_vec_push(&s->finds[number]);
		if (find)
			*find = pa + at;
		else
			s->short_of_memory[number] = true;
	}
}

/* ---- which of the words it is ------------------------------------------------------ */

static bool has_pids(struct ws_system *system, uint64_t comm_va)
{
	const struct ws_task_fields *fields = &system->fields;
	uint32_t pid, tgid;

	return ws_kernel_u32(system, comm_va + fields->pid, &pid) == WS_READ &&
	       ws_kernel_u32(system, comm_va + fields->tgid, &tgid) == WS_READ && pid &&
	       tgid && pid <= WS_PID_MAX && tgid <= WS_PID_MAX;
}

/* The kernel ends it, whatever a user writes there. */
static bool has_name(struct ws_system *system, uint64_t comm_va)
{
	char comm[WS_COMM_LEN + 1];

	return ws_read_name(system, comm_va, comm) && !comm[WS_COMM_LEN - 1];
}

static bool may_be_mm(const struct ws_system *system, uint64_t va)
{
	return ws_is_kernel_va(system, va) && va % system->layout.word == 0;
}

/*
 * Who has an mm runs in it, and a kernel thread, which has none, in another's (init_mm is
 * one). Who has neither an mm nor the flag is exiting.
 */
static bool has_mms(struct ws_system *system, uint64_t comm_va)
{
	const struct ws_task_fields *fields = &system->fields;
	uint64_t mm, active;
	uint32_t flags;

	if (ws_kernel_word(system, comm_va + fields->mm, &mm) != WS_READ ||
	    (mm && !may_be_mm(system, mm)))
		return false;
	if (fields->active_mm != WS_NO_FIELD &&
	    ws_kernel_word(system, comm_va + fields->active_mm, &active) == WS_READ &&
	    (mm ? active != mm : !may_be_mm(system, active)))
		return false;
	return mm || fields->flags == WS_NO_FIELD ||
	       ws_kernel_u32(system, comm_va + fields->flags, &flags) != WS_READ ||
	       flags & (WS_PF_KTHREAD | WS_PF_EXITING);
}

static bool is_task(struct ws_system *system, uint64_t comm_va)
{
	return has_pids(system, comm_va) && has_name(system, comm_va) &&
	       has_mms(system, comm_va);
}

static void take_find(struct search *s, uint64_t pa)
{
	struct ws_system *system = s->system;
	uint64_t va = ws_direct_va(system, pa), base;

	if (is_task(system, va - s->field) &&
	    ws_kernel_word(system, va, &base) == WS_READ)
		take_base(s, base, va - s->field);
}

/* What is no task's is no answer's ground. */
static enum ws_status search_memory(struct search *s)
{
	struct ws_system *system = s->system;
	enum ws_status status = ws_target_scan(
		system->target, "looking for what processors run", look_at_chunk, s);
	uint8_t *recorder = ws_search_begin(system);

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		if (s->short_of_memory[i] && status == WS_OK)
			status = ws_fail_memory(system->ctx);
		ws_vec_each(&s->finds[i], pa)
			take_find(s, *pa);
		ws_vec_release(&s->finds[i]);
	}
	ws_search_end(system, recorder);
	return status;
}

/* ---- all of it --------------------------------------------------------------------- */

/* By which a task that is in no list is known to be one. */
static bool has_fields(const struct ws_system *system)
{
	const struct ws_task_fields *fields = &system->fields;

	return fields->pid != WS_NO_FIELD && fields->tgid != WS_NO_FIELD &&
	       fields->mm != WS_NO_FIELD;
}

static enum ws_status keep_current(struct search *s, size_t *found)
{
	ws_pa_vec comms = { 0 };
	enum ws_status status = WS_OK;

	ws_vec_each(&s->cpus, stacks) {
		struct ws_current *current = ws_vec_push(&s->system->current);
		uint64_t *comm_va = ws_vec_push(&comms);
		uint64_t base;

		if (!current || !comm_va) {
			status = ws_fail_memory(s->system->ctx);
			break;
		}
		*comm_va = stacks->disputed ? 0 : stacks->comm_va;
		current->comm_va = *comm_va;
		if (!*comm_va ||
		    ws_kernel_word(s->system, *comm_va + s->field, &base) != WS_READ)
			comms.n--;
	}
	if (status == WS_OK && comms.n && has_fields(s->system))
		status = ws_take_comms(s->system, &comms, found);
	ws_vec_release(&comms);
	return status;
}

static enum ws_status find_current(struct search *s, size_t *found)
{
	enum ws_status status = ws_find_stacks(s->system, &s->stacks);

	if (status == WS_OK && s->stacks.n)
		status = read_cpus(s);
	if (status == WS_OK && s->unknown.n && has_fields(s->system) &&
	    ws_system_lacks_tasks(s->system))
		status = search_memory(s);
	return status == WS_OK ? keep_current(s, found) : status;
}

enum ws_status ws_find_cpu_tasks(struct ws_system *system, size_t *found)
{
	struct search s = { .system = system };
	enum ws_status status = WS_OK;

	*found = 0;
	s.field = ws_find_stack_field(system);
	if (s.field != WS_NO_FIELD)
		status = find_current(&s, found);
	ws_vec_release(&s.stacks);
	ws_vec_release(&s.cpus);
	ws_vec_release(&s.unknown);
	return status;
}
