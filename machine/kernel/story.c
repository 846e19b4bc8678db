/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's story. What is told here is looked up only when somebody listens. */
#include "machine/kernel/story.h"
#include "machine/kernel/run.h"

#include <stdarg.h>
#include <stdio.h>

static int loaded_pid(const struct kernel *kernel, const struct processor *processor)
{
	const struct process *p = process_of_root(kernel, processor->cpu.r.cr3);

	return p ? p->pid : 0;
}

static void tell_va(struct kernel *kernel, const struct processor *processor,
		    enum kernel_teller teller, const char *fmt, va_list args)
{
	char text[512];
	struct kernel_line line = { .teller = teller, .text = text };

	if (!processor)
		processor = &kernel->processor[0];
	line.cpu = processor->number;
	line.pid = loaded_pid(kernel, processor);
	vsnprintf(text, sizeof(text), fmt, args);
	(kernel->options.tell)(kernel->options.arg, &line);
}

void kernel_tell_line(struct kernel *kernel, const struct processor *processor,
		      enum kernel_teller teller, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tell_va(kernel, processor, teller, fmt, args);
	va_end(args);
}

void kernel_tell(struct kernel *kernel, const char *fmt, ...)
{
	va_list args;

	if (!kernel->options.tell)
		return;
	va_start(args, fmt);
	tell_va(kernel, NULL, KERNEL_TELLS_STORY, fmt, args);
	va_end(args);
}

/* ---- who is who ---- */

/* "pid 3", "init_mm". */
static const char *space_name(const struct kernel *kernel,
			      const struct processor *processor, char buf[32])
{
	int pid = loaded_pid(kernel, processor);

	if (!pid)
		return "init_mm";
	snprintf(buf, 32, "pid %d", pid);
	return buf;
}

static const char *level_name(const struct kernel *kernel, unsigned level)
{
	static const char *const names[] = { "", "page table", "page directory",
					     "page directory pointer table",
					     "top-level table" };

	return kernel->layout.word == 8 && level == 2 ? "page middle directory"
						      : names[level];
}

/* What the frame is, and whose: "the page directory of pid 3". */
static void describe_frame(struct kernel *kernel, uint64_t pa, char *buf, size_t size)
{
	static const char *const uses[] = {
		[PAGE_RESERVED] = "the kernel's image or low memory",
		[PAGE_FREE] = "a free page",
		[PAGE_SLAB] = "kernel structures",
		[PAGE_TABLE] = "a page table",
		[PAGE_STACK] = "an idle task's stack",
		[PAGE_KERNEL] = "vmalloc memory",
		[PAGE_KMALLOC] = "kmalloc memory",
		[PAGE_USER] = "a page of a process's memory",
	};
	uint64_t va = direct(kernel, pa);

	processes_each(kernel, p)
	{
		if (p->root == (pa & ~(uint64_t)(PAGE - 1))) {
			snprintf(buf, size, "the top-level table of pid %d", p->pid);
			return;
		}
		if (va >= p->stack && va - p->stack < kernel->layout.stack_size) {
			snprintf(buf, size, "the kernel stack of pid %d", p->pid);
			return;
		}
	}
	snprintf(buf, size, "%s", uses[pages_use(kernel, pa)]);
}

/* ---- events ---- */

static void tell_missing(struct kernel *kernel, const struct processor *processor,
			 uint64_t va, const char *then)
{
	struct pgtable_walk walk =
		pgtable_walk(kernel, processor->cpu.r.cr3 & ~UINT64_C(0xfff), va);
	uint64_t table = walk.entry_pa & ~(uint64_t)(PAGE - 1);
	char space[32];

	if (walk.pa != NO_PA)
		return;
	tell(kernel, processor, KERNEL_TELLS_PROCESSOR,
	     "entry %u of the %s of %s is empty: %s",
	     (unsigned)((walk.entry_pa - table) / kernel->layout.entry_size),
	     level_name(kernel, walk.level), space_name(kernel, processor, space), then);
}

void tell_event(struct kernel *kernel, const struct processor *processor,
		const struct machine_event *event)
{
	const char *name = machine_vector_name(event->vector);
	uint64_t handler = gate_read(kernel, event->vector);
	const char *mode = processor->cpu.r.cpl == 3 ? "user" : "kernel";

	if (event->kind == MACHINE_SOFTWARE_INTERRUPT)
		tell(kernel, processor, KERNEL_TELLS_PROCESSOR, "int %#x: a system call",
		     event->vector);
	else if (event->kind == MACHINE_EXTERNAL_INTERRUPT)
		tell(kernel, processor, KERNEL_TELLS_PROCESSOR,
		     "interrupt %u arrives in %s mode", event->vector, mode);
	else if (event->vector == MACHINE_PF)
		tell(kernel, processor, KERNEL_TELLS_PROCESSOR,
		     "%08" PRIx64 " is touched in %s mode: %s. #PF, error %u",
		     event->address, mode,
		     event->error & MACHINE_PF_P ? "that is not allowed"
						 : "no page is there",
		     event->error);
	else
		tell(kernel, processor, KERNEL_TELLS_PROCESSOR,
		     "%s in %s mode, error %#x", name ? name : "an exception", mode,
		     event->error);
	tell(kernel, processor, KERNEL_TELLS_PROCESSOR, "gate %u leads to %08" PRIx64,
	     event->vector, handler);
	tell_missing(
		kernel, processor, handler,
		"the handler's first byte cannot be fetched, and that is another #PF");
}

void tell_outcome(struct kernel *kernel, const struct processor *processor,
		  const struct machine_event *event, uint64_t sp_before)
{
	const struct machine_story *story = &kernel->ending.story;
	uint64_t from = kernel->layout.page_offset, sp = story->sp;
	char what[64] = "nothing that is mapped";

	(void)event;
	(void)sp_before;
	if (!story->nested && !story->double_fault)
		return;
	if (sp > from && sp - from <= kernel->options.ram)
		describe_frame(kernel, sp - 1 - from, what, sizeof(what));
	tell(kernel, processor, KERNEL_TELLS_PROCESSOR,
	     "%" PRIu64 " frames later the stack has come down to %08" PRIx64
	     ", where the next one meets %s",
	     story->frames, sp, what);
	if (story->double_fault)
		tell(kernel, processor, KERNEL_TELLS_PROCESSOR,
		     "a fault on the way to a page fault's handler: #DF");
	if (story->fate == MACHINE_RESETS)
		tell(kernel, processor, KERNEL_TELLS_PROCESSOR,
		     "and a fault on the way to that one's: triple fault, the machine resets");
}
