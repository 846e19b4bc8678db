/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a processor. A process that is not in the middle of a fault is in user mode. */
#include "machine/kernel/gates.h"
#include "machine/kernel/gates.h"
#include "machine/kernel/run.h"
#include "machine/kernel/say.h"

struct process *current(const struct kernel *kernel, const struct processor *processor)
{
	return processor->current ? process_find(kernel, processor->current) : NULL;
}

uint64_t stack_top(const struct kernel *kernel, const struct process *process)
{
	return process->stack + kernel->layout.stack_size;
}

/* ---- modes ---- */

/* clang-format off */
static const uint64_t flat[2][4] = { /* kernel code, data; user code, data */
	{ 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff },
	{ 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00affb000000ffff, 0x00cff3000000ffff },
};
/* clang-format on */

static void set_mode(struct kernel *kernel, struct processor *processor, bool user)
{
	const struct layout *l = &kernel->layout;
	const uint64_t *raw = flat[l->word == 8];
	struct machine_registers *r = &processor->cpu.r;

	r->seg[MACHINE_SEG_CS] = user ? machine_descriptor(l->user_cs, raw[2])
				      : machine_descriptor(l->kernel_cs, raw[0]);
	r->seg[MACHINE_SEG_SS] = user ? machine_descriptor(l->user_ds, raw[3])
				      : machine_descriptor(l->kernel_ds, raw[1]);
	r->seg[MACHINE_SEG_DS] = r->seg[MACHINE_SEG_ES] =
		machine_descriptor(l->user_ds, raw[3]);
	r->cpl = user ? 3 : 0;
	r->flags = FLAGS_FIXED | FLAGS_IF;
}

void enter_kernel_mode(struct kernel *kernel, struct processor *processor, uint64_t ip,
		       uint64_t sp)
{
	set_mode(kernel, processor, false);
	processor->cpu.r.ip = ip;
	processor->cpu.r.reg[MACHINE_REG_SP] = sp;
}

void enter_user_mode(struct kernel *kernel, struct processor *processor)
{
	set_mode(kernel, processor, true);
	processor->cpu.r.ip = kernel->layout.user_first;
	processor->cpu.r.reg[MACHINE_REG_SP] = kernel->layout.user_last - 15;
}

/* ---- switches ---- */

/* Linux's switch_mm(): nothing to do where a lazy processor has the space still. */
static bool load_space(struct kernel *kernel, struct processor *processor, uint64_t root)
{
	struct machine_event event;

	if (processor->cpu.r.cr3 == root)
		return true;
	if (machine_write_cr3(&processor->cpu, root, &event))
		return true;
	end(kernel, processor, KERNEL_PANICS,
	    "panic: the processor refuses the new CR3, its page directory pointers are "
	    "broken");
	return false;
}

static void idle(struct kernel *kernel, struct processor *processor)
{
	uint64_t top = processor->idle_stack + kernel->layout.stack_size;

	processor->current = 0;
	tss_set_stack(kernel, processor, top);
	enter_kernel_mode(kernel, processor, code_va(kernel, CODE_DEFAULT_IDLE), top);
}

void sched_switch(struct kernel *kernel, struct processor *processor,
		  struct process *next)
{
	if (!next) {
		idle(kernel, processor);
		return;
	}
	if (!load_space(kernel, processor, next->root))
		return;
	processor->current = next->pid;
	tss_set_stack(kernel, processor, stack_top(kernel, next));
	say(kernel, processor, VOICE_KERNEL,
	    "processor %u goes on with %s (pid %d), CR3 is %08" PRIx64, processor->number,
	    next->comm, next->pid, next->root);
	if (!next->in_fault) {
		enter_user_mode(kernel, processor);
		return;
	}
	next->in_fault = false;
	enter_kernel_mode(kernel, processor, code_va(kernel, CODE_FINISH_TASK_SWITCH),
			  next->sp);
	next->sp = stack_top(kernel, next);
}

/* Linux's leave_mm(). */
void sched_abandon(struct kernel *kernel, uint64_t root)
{
	for (unsigned i = 0; i < kernel->options.cpus; i++)
		if (kernel->processor[i].cpu.r.cr3 == root)
			load_space(kernel, &kernel->processor[i], kernel->swapper);
}

/* ---- operations ---- */

enum kernel_outcome sched_enter(struct kernel *kernel, int pid, struct process **process,
				struct processor **processor)
{
	enum kernel_outcome outcome = operation_begin(kernel);

	if (outcome != KERNEL_OK)
		return outcome;
	*process = process_find(kernel, pid);
	if (!*process)
		return KERNEL_INVALID;
	*processor = &kernel->processor[(*process)->cpu];
	if ((*processor)->current == pid)
		return KERNEL_OK;
	sched_switch(kernel, *processor, *process);
	if (kernel->ending.end == KERNEL_RUNS)
		run(kernel, *processor);
	return sched_leave(kernel, pid, *processor);
}

enum kernel_outcome sched_leave(struct kernel *kernel, int pid,
				const struct processor *processor)
{
	if (kernel->ending.end != KERNEL_RUNS)
		return KERNEL_STOPPED;
	if (machine_memory_failed(kernel->memory))
		return KERNEL_NO_MEMORY;
	if (kernel->outcome != KERNEL_OK && kernel->outcome_pid == pid)
		return kernel->outcome;
	return processor->current == pid ? KERNEL_OK : KERNEL_SLEEPS;
}

enum kernel_outcome kernel_switch(struct kernel *kernel, unsigned cpu, int pid)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct processor *processor;
	struct process *process;

	if (outcome != KERNEL_OK)
		return outcome;
	if (cpu >= kernel->options.cpus)
		return KERNEL_INVALID;
	processor = &kernel->processor[cpu];
	if (!pid) {
		sched_switch(kernel, processor, NULL);
		return KERNEL_OK;
	}
	process = process_find(kernel, pid);
	if (!process || process->cpu != cpu)
		return KERNEL_INVALID;
	return sched_enter(kernel, pid, &process, &processor);
}

enum kernel_outcome kernel_migrate(struct kernel *kernel, int pid, unsigned cpu)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct process *process;

	if (outcome != KERNEL_OK)
		return outcome;
	process = process_find(kernel, pid);
	if (!process || cpu >= kernel->options.cpus)
		return KERNEL_INVALID;
	if (process->cpu == cpu)
		return KERNEL_OK;
	if (kernel->processor[process->cpu].current == pid)
		sched_switch(kernel, &kernel->processor[process->cpu], NULL);
	process->cpu = cpu;
	if (kernel->books)
		linux_task_change(kernel, process);
	return KERNEL_OK;
}

enum kernel_outcome kernel_preempt_in_fault(struct kernel *kernel, int pid, int next)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct process *from, *to;

	if (outcome != KERNEL_OK)
		return outcome;
	from = process_find(kernel, pid);
	to = process_find(kernel, next);
	if (!from || !to || from == to || from->cpu != to->cpu)
		return KERNEL_INVALID;
	from->preempt_next = next;
	return KERNEL_OK;
}

void kernel_flush_tlb(struct kernel *kernel, unsigned cpu)
{
	if (cpu < kernel->options.cpus)
		machine_tlb_flush(&kernel->processor[cpu].cpu);
}

int kernel_current(const struct kernel *kernel, unsigned cpu)
{
	return cpu < kernel->options.cpus ? kernel->processor[cpu].current : 0;
}

const struct machine_cpu *kernel_cpu(const struct kernel *kernel, unsigned cpu)
{
	return cpu < kernel->options.cpus ? &kernel->processor[cpu].cpu : NULL;
}
