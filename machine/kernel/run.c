/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running: deliver an event, then one function after the other wherever the processor
 * stands, each of which may raise the next event; until user mode, idleness, or the end.
 * There is no recursion here, so a fault in a handler costs the simulated stack only.
 */
#include "machine/kernel/run.h"
#include "machine/kernel/say.h"

/* A storm that is longer has filled all memory many times over. */
#define MOST_FRAMES (UINT64_C(1) << 32)
/* Functions run by one operation; a longer one goes round in circles. */
#define MOST_STEPS (1u << 22)

void end(struct kernel *kernel, const struct processor *processor, enum kernel_end how,
	 const char *why)
{
	const struct process *loaded;

	if (kernel->ending.end != KERNEL_RUNS)
		return;
	say(kernel, processor, VOICE_KERNEL, "%s", why);
	loaded = process_of_root(kernel, kernel->root_before);
	kernel->ending.end = how;
	kernel->ending.cpu = processor->number;
	kernel->ending.pid = loaded ? loaded->pid : 0;
}

/* Delivers it; false: that ended the machine. */
static bool deliver(struct kernel *kernel, struct processor *processor,
		    const struct machine_event *event)
{
	struct machine_story *story = &kernel->ending.story;
	struct taking before;

	kernel->ending.first = *event;
	kernel->root_before = processor->cpu.r.cr3;
	if (kernel->options.say)
		say_event(kernel, processor, event, &before);
	machine_follow(&processor->cpu, event, MOST_FRAMES, story);
	if (kernel->options.say)
		say_outcome(kernel, processor, event, &before);
	if (story->fate == MACHINE_SURVIVES || story->fate == MACHINE_OTHER_TASK)
		return true;
	if (story->fate == MACHINE_RESETS)
		end(kernel, processor, KERNEL_RESETS, "the machine starts anew");
	else
		end(kernel, processor, KERNEL_HANGS, "the machine is stuck");
	return false;
}

bool run(struct kernel *kernel, struct processor *processor)
{
	struct machine_event event;

	for (unsigned steps = 0; steps < MOST_STEPS; steps++) {
		if (processor->cpu.r.cpl == 3)
			return true;
		processor->halted = false;
		if (!code_step(kernel, processor, &event) &&
		    !deliver(kernel, processor, &event))
			return false;
		if (kernel->ending.end != KERNEL_RUNS)
			return false;
		if (processor->halted)
			return true;
	}
	end(kernel, processor, KERNEL_HANGS, "the kernel goes round in circles");
	return false;
}

bool run_event(struct kernel *kernel, struct processor *processor,
	       const struct machine_event *event)
{
	return deliver(kernel, processor, event) && run(kernel, processor);
}

enum kernel_outcome operation_begin(struct kernel *kernel)
{
	kernel->outcome = KERNEL_OK;
	if (kernel->ending.end != KERNEL_RUNS)
		return KERNEL_STOPPED;
	return machine_memory_failed(kernel->memory) ? KERNEL_NO_MEMORY : KERNEL_OK;
}

const char *kernel_outcome_name(enum kernel_outcome outcome)
{
	static const char *const names[] = {
		[KERNEL_OK] = "ok",
		[KERNEL_INVALID] = "invalid",
		[KERNEL_NO_MEMORY] = "no memory",
		[KERNEL_SLEEPS] = "sleeps",
		[KERNEL_KILLED] = "killed",
		[KERNEL_OOPS] = "oops",
		[KERNEL_STOPPED] = "stopped",
	};

	return outcome <= KERNEL_STOPPED ? names[outcome] : "unknown";
}

const struct kernel_ending *kernel_ending(const struct kernel *kernel)
{
	return &kernel->ending;
}

/* ---- accesses ---- */

/* Handled faults one access may take: tables are made once, entries copied once. */
#define MOST_TRIES 16

/* One access in user mode. */
static bool try_access(struct kernel *kernel, struct processor *processor, unsigned kind,
		       uint64_t va, uint8_t *value, struct machine_event *event)
{
	struct machine_cpu *cpu = &processor->cpu;
	uint64_t word;

	if (kind == MACHINE_WRITE) {
		if (!machine_store(cpu, va, 1, MACHINE_WRITE | MACHINE_USER, *value,
				   event))
			return false;
		pages_written(kernel, cpu->stored);
		return true;
	}
	if (!machine_load(cpu, va, 1, kind | MACHINE_USER, &word, event))
		return false;
	*value = (uint8_t)word;
	return true;
}

enum kernel_outcome kernel_user_access(struct kernel *kernel, int pid, unsigned kind,
				       uint64_t va, uint8_t *value)
{
	struct processor *processor;
	struct machine_event event;
	struct process *process;
	enum kernel_outcome outcome = sched_enter(kernel, pid, &process, &processor);

	if (outcome == KERNEL_OK && (kind > MACHINE_FETCH || !value))
		outcome = KERNEL_INVALID;
	for (unsigned tries = 0; outcome == KERNEL_OK; tries++) {
		if (try_access(kernel, processor, kind, va, value, &event))
			return KERNEL_OK;
		if (tries == MOST_TRIES) {
			end(kernel, processor, KERNEL_HANGS,
			    "the same fault comes again and again");
			return KERNEL_STOPPED;
		}
		run_event(kernel, processor, &event);
		outcome = sched_leave(kernel, pid, processor);
	}
	return outcome;
}

enum kernel_outcome kernel_kernel_access(struct kernel *kernel, int pid, unsigned kind,
					 uint64_t va, uint8_t *value)
{
	struct machine_registers *r;
	struct processor *processor;
	struct process *process;
	enum kernel_outcome outcome = sched_enter(kernel, pid, &process, &processor);

	if (outcome != KERNEL_OK)
		return outcome;
	if (kind > MACHINE_FETCH || !value)
		return KERNEL_INVALID;
	r = &processor->cpu.r;
	r->reg[MACHINE_REG_BX] = kind;
	r->reg[MACHINE_REG_CX] = va;
	r->reg[MACHINE_REG_DX] = *value;
	syscall_run(kernel, processor, SYS_FOLLOW);
	outcome = sched_leave(kernel, pid, processor);
	if (outcome == KERNEL_OK && kind != MACHINE_WRITE)
		*value = (uint8_t)r->reg[MACHINE_REG_AX];
	return outcome;
}

enum kernel_outcome kernel_interrupt(struct kernel *kernel, unsigned cpu, int vector)
{
	struct machine_event event = { .kind = MACHINE_EXTERNAL_INTERRUPT };
	enum kernel_outcome outcome = operation_begin(kernel);

	if (outcome != KERNEL_OK)
		return outcome;
	if (cpu >= kernel->options.cpus || vector < KERNEL_IRQ_FIRST ||
	    vector >= KERNEL_IRQ_FIRST + KERNEL_IRQS)
		return KERNEL_INVALID;
	event.vector = (uint8_t)vector;
	run_event(kernel, &kernel->processor[cpu], &event);
	return kernel->ending.end == KERNEL_RUNS ? kernel->outcome : KERNEL_STOPPED;
}

/* follow_pointer(kind, va, value): what a wrong pointer in a driver does. */
bool run_follow_pointer(struct kernel *kernel, struct processor *processor,
			uint64_t argument, struct machine_event *event)
{
	struct machine_cpu *cpu = &processor->cpu;
	uint64_t va = cpu->r.reg[MACHINE_REG_CX], word = cpu->r.reg[MACHINE_REG_DX];
	unsigned kind = cpu->r.reg[MACHINE_REG_BX] & MACHINE_KIND;

	(void)argument;
	if (kind == MACHINE_WRITE) {
		if (!machine_store(cpu, va, 1, MACHINE_WRITE, word, event))
			return false;
		pages_written(kernel, cpu->stored);
	} else if (!machine_load(cpu, va, 1, kind, &word, event)) {
		return false;
	}
	cpu->r.reg[MACHINE_REG_AX] = word;
	return stack_pop(kernel, processor, &cpu->r.ip, event);
}

/* HLT in a loop. */
bool run_default_idle(struct kernel *kernel, struct processor *processor,
		      uint64_t argument, struct machine_event *event)
{
	(void)kernel;
	(void)argument;
	(void)event;
	processor->halted = true;
	return true;
}
