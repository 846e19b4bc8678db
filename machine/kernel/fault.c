/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exceptions and interrupts as the kernel handles them; Linux's arch/x86/mm/fault.c and
 * traps.c in outline. An entry pushes struct pt_regs, its work is done by the function it
 * jumps to, and a return pops all that again.
 *
 * The page-fault handler is in three parts, since it may be left in the middle: what kind
 * of fault; then, where it may sleep, the page; then the return.
 */
#include "machine/kernel/run.h"
#include "machine/kernel/say.h"

/* Words above struct pt_regs: error code or -1, then what IRET takes. */
enum { FRAME_ERROR, FRAME_IP, FRAME_CS, FRAME_WORDS };

static bool frame_peek(struct kernel *kernel, struct processor *processor, unsigned which,
		       uint64_t *value, struct machine_event *event)
{
	return stack_peek(kernel, processor, registers_words(kernel) + which, value,
			  event);
}

static void jump(struct kernel *kernel, struct processor *processor, enum code code)
{
	processor->cpu.r.ip = code_va(kernel, code);
}

/* ---- entries and returns ---- */

bool run_page_fault(struct kernel *kernel, struct processor *processor, uint64_t argument,
		    struct machine_event *event)
{
	(void)argument;
	if (!registers_push(kernel, processor, event))
		return false;
	jump(kernel, processor, CODE_DO_PAGE_FAULT);
	return true;
}

bool run_ret_from_exception(struct kernel *kernel, struct processor *processor,
			    uint64_t argument, struct machine_event *event)
{
	uint64_t dropped;

	(void)argument;
	return registers_pop(kernel, processor, event) &&
	       stack_pop(kernel, processor, &dropped, event) &&
	       interrupt_return(kernel, processor, event);
}

/* An interrupt of a driver: the vector is in the bytes of its entry. */
bool run_interrupt(struct kernel *kernel, struct processor *processor, uint64_t argument,
		   struct machine_event *event)
{
	uint64_t irq = argument % KERNEL_IRQS, handler;

	if (!stack_push(kernel, processor, ~irq, event) ||
	    !registers_push(kernel, processor, event) ||
	    !data_load(kernel, processor, kernel->irq_desc + irq * kernel->layout.word,
		       &handler, event) ||
	    !stack_push(kernel, processor, code_va(kernel, CODE_RET_FROM_INTR), event))
		return false;
	processor->interrupts++;
	if (!handler)
		return stack_pop(kernel, processor, &processor->cpu.r.ip, event);
	processor->cpu.r.ip = handler;
	return true;
}

bool run_ret_from_intr(struct kernel *kernel, struct processor *processor,
		       uint64_t argument, struct machine_event *event)
{
	if (!run_ret_from_exception(kernel, processor, argument, event))
		return false;
	if (processor->interrupts)
		processor->interrupts--;
	return true;
}

/* ---- the end of a process, or of all ---- */

static bool in_kernel(struct kernel *kernel, struct processor *processor)
{
	struct machine_event event;
	uint64_t cs;

	return !frame_peek(kernel, processor, FRAME_CS, &cs, &event) || !(cs & 3);
}

/* Linux's oops_end() and do_exit(): who may not die takes the machine along. */
static void die(struct kernel *kernel, struct processor *processor, const char *why)
{
	struct process *p = current(kernel, processor);
	bool kernel_mode = in_kernel(kernel, processor);
	enum kernel_outcome outcome = kernel_mode ? KERNEL_OOPS : KERNEL_KILLED;

	say(kernel, processor, VOICE_KERNEL, "%s: %s", why,
	    kernel_mode ? "the kernel has tripped over itself, an oops"
			: "the process gets SIGSEGV");
	if (processor->interrupts || !p) {
		end(kernel, processor, KERNEL_PANICS,
		    processor->interrupts ? "panic: fatal exception in interrupt"
					  : "panic: attempted to kill the idle task");
		return;
	}
	if (p->pid == 1) {
		end(kernel, processor, KERNEL_PANICS, "panic: attempted to kill init");
		return;
	}
	if (kernel->outcome != KERNEL_NO_MEMORY || kernel->outcome_pid != p->pid)
		kernel->outcome = outcome;
	kernel->outcome_pid = p->pid;
	say(kernel, processor, VOICE_KERNEL, "%s (pid %d) is gone", p->comm, p->pid);
	sched_switch(kernel, processor, NULL);
	process_remove(kernel, p);
}

bool run_double_fault(struct kernel *kernel, struct processor *processor,
		      uint64_t argument, struct machine_event *event)
{
	(void)argument;
	(void)event;
	end(kernel, processor, KERNEL_PANICS,
	    "the double-fault handler runs on a stack of its own: panic, an orderly end");
	return true;
}

/* ---- #UD, #GP and the like ---- */

bool run_exception_with_error(struct kernel *kernel, struct processor *processor,
			      uint64_t argument, struct machine_event *event)
{
	(void)argument;
	if (!registers_push(kernel, processor, event))
		return false;
	die(kernel, processor, "an exception nobody expects");
	return true;
}

bool run_exception(struct kernel *kernel, struct processor *processor, uint64_t argument,
		   struct machine_event *event)
{
	return stack_push(kernel, processor, UINT64_MAX, event) &&
	       run_exception_with_error(kernel, processor, argument, event);
}

/* ---- the exception table ---- */

/* What a copy to or from user memory goes on with where that is not there. */
bool run_fixup(struct kernel *kernel, struct processor *processor, uint64_t argument,
	       struct machine_event *event)
{
	(void)argument;
	processor->cpu.r.reg[MACHINE_REG_AX] = UINT64_MAX;
	return stack_pop(kernel, processor, &processor->cpu.r.ip, event);
}

/* Linux's fixup_exception(): the frame returns elsewhere. */
static bool fix_up(struct kernel *kernel, struct processor *processor, bool any)
{
	unsigned word = registers_words(kernel) + FRAME_IP;
	const struct code_row *row;
	struct machine_event event;
	uint64_t ip;

	if (!in_kernel(kernel, processor) || processor->interrupts ||
	    !stack_peek(kernel, processor, word, &ip, &event))
		return false;
	row = code_at(kernel, ip);
	if (!row || !(row->copies || (any && row->run == run_follow_pointer)))
		return false;
	if (!stack_poke(kernel, processor, word, code_va(kernel, CODE_FIXUP), &event))
		return false;
	jump(kernel, processor, CODE_RET_FROM_EXCEPTION);
	return true;
}

/* ---- page faults ---- */

static void bad_area(struct kernel *kernel, struct processor *processor, const char *why)
{
	if (!fix_up(kernel, processor, false))
		die(kernel, processor, why);
}

static void kernel_address(struct kernel *kernel, struct processor *processor,
			   uint64_t address, uint32_t error)
{
	bool absent = !(error & (MACHINE_PF_P | MACHINE_PF_U | MACHINE_PF_RSVD));

	if (absent && kernel->sync->fault &&
	    kernel->sync->fault(kernel, processor, address))
		jump(kernel, processor, CODE_RET_FROM_EXCEPTION);
	else
		die(kernel, processor,
		    error & MACHINE_PF_U ? "a process has no business there"
					 : "a pointer that leads nowhere");
}

/* CR2 and the error code go on in DX and AX: a second fault changes CR2. */
bool run_do_page_fault(struct kernel *kernel, struct processor *processor,
		       uint64_t argument, struct machine_event *event)
{
	struct machine_registers *r = &processor->cpu.r;
	uint64_t error;

	(void)argument;
	if (!frame_peek(kernel, processor, FRAME_ERROR, &error, event))
		return false;
	r->reg[MACHINE_REG_AX] = error;
	r->reg[MACHINE_REG_DX] = r->cr2;
	if (is_kernel_va(kernel, r->cr2))
		kernel_address(kernel, processor, r->cr2, (uint32_t)error);
	else if (error & MACHINE_PF_RSVD)
		die(kernel, processor, "a corrupted page table");
	else if (!current(kernel, processor) || processor->interrupts)
		die(kernel, processor, "a user address, and no process");
	else
		jump(kernel, processor, CODE_HANDLE_MM_FAULT);
	return true;
}

static bool permits(const struct vma *vma, uint32_t error)
{
	if (error & MACHINE_PF_W && !(vma->protection & KERNEL_PROT_WRITE))
		return false;
	return !(error & MACHINE_PF_I) || vma->protection & KERNEL_PROT_EXEC;
}

/* "Half way through the kernel handler, it decides to take a context switch." */
static bool give_way(struct kernel *kernel, struct processor *processor,
		     struct process *p, struct process *next, struct machine_event *event)
{
	struct machine_registers *r = &processor->cpu.r;

	if (!stack_push(kernel, processor, r->reg[MACHINE_REG_DX], event) ||
	    !stack_push(kernel, processor, r->reg[MACHINE_REG_AX], event))
		return false;
	p->preempt_next = 0;
	p->sp = r->reg[MACHINE_REG_SP];
	p->in_fault = true;
	say(kernel, processor, VOICE_KERNEL,
	    "half way through the fault of %s (pid %d) the scheduler switches to %s (pid %d)",
	    p->comm, p->pid, next->comm, next->pid);
	sched_switch(kernel, processor, next);
	return true;
}

bool run_finish_task_switch(struct kernel *kernel, struct processor *processor,
			    uint64_t argument, struct machine_event *event)
{
	struct machine_registers *r = &processor->cpu.r;
	uint64_t error, address;

	(void)argument;
	if (!stack_pop(kernel, processor, &error, event) ||
	    !stack_pop(kernel, processor, &address, event))
		return false;
	r->reg[MACHINE_REG_AX] = error;
	r->reg[MACHINE_REG_DX] = address;
	jump(kernel, processor, CODE_HANDLE_MM_FAULT);
	return true;
}

/*
 * No page for it: the operation is reported, and the fault is left as if it were handled.
 */
static void out_of_memory(struct kernel *kernel, struct processor *processor)
{
	say(kernel, processor, VOICE_KERNEL, "there is no free page for it");
	kernel->outcome = KERNEL_NO_MEMORY;
	kernel->outcome_pid = processor->current;
	if (!in_kernel(kernel, processor))
		jump(kernel, processor, CODE_RET_FROM_EXCEPTION);
	else if (!fix_up(kernel, processor, true))
		die(kernel, processor, "out of memory in the kernel");
}

static struct process *to_give_way_to(const struct kernel *kernel,
				      const struct process *p)
{
	struct process *next =
		p->preempt_next ? process_find(kernel, p->preempt_next) : NULL;

	return next && next != p && next->cpu == p->cpu ? next : NULL;
}

bool run_handle_mm_fault(struct kernel *kernel, struct processor *processor,
			 uint64_t argument, struct machine_event *event)
{
	struct machine_registers *r = &processor->cpu.r;
	uint64_t address = r->reg[MACHINE_REG_DX];
	uint32_t error = (uint32_t)r->reg[MACHINE_REG_AX];
	struct process *p = current(kernel, processor), *next;
	const struct vma *vma = p ? vma_find(p, address) : NULL;

	(void)argument;
	if (!vma || !permits(vma, error)) {
		bad_area(kernel, processor,
			 vma ? "its mapping forbids that" : "it has no memory there");
		return true;
	}
	next = to_give_way_to(kernel, p);
	if (next)
		return give_way(kernel, processor, p, next, event);
	if (!(error & MACHINE_PF_P) && !user_map(kernel, p, address, vma->protection)) {
		out_of_memory(kernel, processor);
		return true;
	}
	say(kernel, processor, VOICE_KERNEL, "%s (pid %d) gets a page at %08" PRIx64,
	    p->comm, p->pid, address & ~(uint64_t)(PAGE - 1));
	jump(kernel, processor, CODE_RET_FROM_EXCEPTION);
	return true;
}
