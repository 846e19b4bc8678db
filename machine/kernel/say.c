/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's story. What is said here is looked up only when somebody listens. */
#include "machine/kernel/say.h"
#include "machine/kernel/gates.h"

#include <stdarg.h>
#include <stdio.h>

static int loaded_pid(const struct kernel *kernel, const struct processor *processor)
{
	const struct process *p = process_of_root(kernel, processor->cpu.r.cr3);

	return p ? p->pid : 0;
}

static void say_va(struct kernel *kernel, const struct processor *processor,
		   enum kernel_voice voice, const char *fmt, va_list args)
{
	char text[512];
	struct kernel_line line = { .voice = voice, .text = text };

	if (!processor)
		processor = &kernel->processor[0];
	line.cpu = processor->number;
	line.pid = loaded_pid(kernel, processor);
	vsnprintf(text, sizeof(text), fmt, args);
	(kernel->options.say)(kernel->options.arg, &line);
}

void kernel_say_line(struct kernel *kernel, const struct processor *processor,
		     enum kernel_voice voice, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_va(kernel, processor, voice, fmt, args);
	va_end(args);
}

void kernel_tell(struct kernel *kernel, const char *fmt, ...)
{
	va_list args;

	if (!kernel->options.say)
		return;
	va_start(args, fmt);
	say_va(kernel, NULL, VOICE_STORY, fmt, args);
	va_end(args);
}

/* ---- who is who ---- */

#define NAME 96

/* "bash (pid 6)". */
static void name_process(const struct process *p, char name[NAME])
{
	snprintf(name, NAME, "%s (pid %d)", p->comm, p->pid);
}

static void name_space(const struct kernel *kernel, const struct processor *processor,
		       char name[NAME])
{
	const struct process *p = process_of_root(kernel, processor->cpu.r.cr3);

	if (p)
		name_process(p, name);
	else
		snprintf(name, NAME, "init_mm");
}

/* "dtrace_page_fault, c4800380". */
static void name_address(const struct kernel *kernel, uint64_t va, char name[NAME])
{
	const struct symbol *symbol = symbol_at(kernel, va);

	if (symbol)
		snprintf(name, NAME, "%s, %08" PRIx64, symbol->name, va);
	else
		snprintf(name, NAME, "%08" PRIx64, va);
}

/* "3,141,226". */
static void name_number(uint64_t n, char name[NAME])
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			name[at++] = ',';
		name[at++] = digits[i];
	}
	name[at] = 0;
}

static const char *table_name(const struct kernel *kernel, unsigned level)
{
	static const char *const names[] = { "", "page table", "page directory",
					     "page directory pointer table",
					     "top-level table" };

	return names[level <= kernel->layout.levels ? level : 0];
}

static const char *const use_names[][2] = {
	[PAGE_RESERVED] = { "page of the kernel's own", "pages of the kernel's own" },
	[PAGE_FREE] = { "free page", "free pages" },
	[PAGE_SLAB] = { "page of kernel structures", "pages of kernel structures" },
	[PAGE_TABLE] = { "page table", "page tables" },
	[PAGE_STACK] = { "page of kernel stacks", "pages of kernel stacks" },
	[PAGE_KERNEL] = { "page of drivers and vmalloc memory",
			  "pages of drivers and vmalloc memory" },
	[PAGE_USER] = { "page of processes' memory", "pages of processes' memory" },
	[PAGE_KMALLOC] = { "page of kmalloc memory", "pages of kmalloc memory" },
};

/* What the kernel has at an address of the direct map: "the page directory of ...". */
static void name_place(struct kernel *kernel, uint64_t va, char *name, size_t size)
{
	uint64_t pa = va - kernel->layout.page_offset, frame = pa & ~(uint64_t)(PAGE - 1);
	uint64_t in_image = pa - kernel->layout.image_pa;
	const struct symbol *symbol = symbol_at(kernel, kernel->layout.image + in_image);
	char who[NAME];

	if (symbol && in_image < kernel->layout.image_size) {
		snprintf(name, size, "the kernel's %s", symbol->name);
		return;
	}
	processes_each(kernel, p)
	{
		bool stack = va >= p->stack && va - p->stack < kernel->layout.stack_size;

		if (p->root != frame && !stack)
			continue;
		name_process(p, who);
		snprintf(name, size, "the %s of %s",
			 stack ? "kernel stack"
			       : table_name(kernel, kernel->layout.levels),
			 who);
		return;
	}
	snprintf(name, size, "a %s", use_names[pages_use(kernel, pa)][0]);
}

/* ---- before an event is delivered ---- */

static void say_page_fault(struct kernel *kernel, const struct processor *processor,
			   const struct machine_event *event)
{
	char who[NAME] = "kernel code";

	if (event->error & MACHINE_PF_U)
		name_space(kernel, processor, who);
	say(kernel, processor, VOICE_PROCESSOR, "%s %s %08" PRIx64 ": %s, #PF, error %u",
	    who, event->error & MACHINE_PF_W ? "writes to" : "touches", event->address,
	    event->error & MACHINE_PF_P ? "that is not allowed" : "no page there",
	    event->error);
}

/* All others begin the sentence that says where the gate leads: "a system call: ". */
static void name_event(const struct machine_event *event, char name[NAME])
{
	const char *vector = machine_vector_name(event->vector);

	if (event->kind == MACHINE_SOFTWARE_INTERRUPT)
		snprintf(name, NAME, "a system call: ");
	else if (event->kind == MACHINE_EXTERNAL_INTERRUPT)
		snprintf(name, NAME, "interrupt %u: ", event->vector);
	else
		snprintf(name, NAME, "%s, error %#x: ", vector ? vector : "an exception",
			 event->error);
}

void say_event(struct kernel *kernel, const struct processor *processor,
	       const struct machine_event *event, struct taking *before)
{
	char handler[NAME], what[NAME] = "";

	before->handler = gate_read(kernel, event->vector);
	before->walk = pgtable_walk(kernel, processor->cpu.r.cr3, before->handler);
	before->sp = processor->cpu.r.cpl == 3 ? tss_stack(kernel, processor)
					       : processor->cpu.r.reg[MACHINE_REG_SP];
	if (event->kind == MACHINE_EXCEPTION && event->vector == MACHINE_PF)
		say_page_fault(kernel, processor, event);
	else
		name_event(event, what);
	name_address(kernel, before->handler, handler);
	say(kernel, processor, VOICE_PROCESSOR, "%sgate %u leads to %s", what,
	    event->vector, handler);
}

/* ---- after all that came of it ---- */

static void say_missing(struct kernel *kernel, const struct processor *processor,
			const struct machine_event *event, const struct taking *before,
			bool hidden)
{
	const struct pgtable_walk *walk = &before->walk;
	uint64_t offset = walk->entry_pa % PAGE;
	char who[NAME];

	name_space(kernel, processor, who);
	say(kernel, processor, VOICE_PROCESSOR,
	    "entry %u of the %s of %s should lead to it, and is empty: %s",
	    (unsigned)(offset / kernel->layout.entry_size),
	    table_name(kernel, walk->level), who,
	    hidden ? "but the TLB remembers the page, and nobody notices"
	    : event->vector == MACHINE_PF
		    ? "a #PF in the attempt to handle a #PF, and so on"
		    : "a #PF in the attempt to handle it");
}

static void append(char *text, size_t size, size_t *len, uint64_t n, enum page_use use)
{
	char number[NAME];

	if (!n || *len >= size)
		return;
	name_number(n, number);
	*len += (size_t)snprintf(text + *len, size - *len, "%s%s %s", *len ? ", " : "",
				 number, use_names[use][n > 1]);
}

/* What the stack has run over, page by page. */
static void say_ruins(struct kernel *kernel, const struct processor *processor,
		      uint64_t from, uint64_t to)
{
	uint64_t pages[PAGE_USES] = { 0 }, offset = kernel->layout.page_offset;
	char text[400] = "";
	size_t len = 0;

	if (to < offset || from - offset > kernel->options.ram || from <= to)
		return;
	for (uint64_t pa = (to - offset) & ~(uint64_t)(PAGE - 1); pa < from - offset;
	     pa += PAGE)
		pages[pages_use(kernel, pa)]++;
	for (unsigned use = 0; use < PAGE_USES; use++)
		append(text, sizeof(text), &len, pages[use], use);
	say(kernel, processor, VOICE_PROCESSOR, "it has run over %s", text);
}

static void say_chain(struct kernel *kernel, const struct processor *processor)
{
	const struct machine_delivery *last = &kernel->ending.story.last;
	char text[128] = "";
	size_t len = 0;

	for (unsigned i = 0; i < last->nevents && len < sizeof(text); i++) {
		const char *name = machine_vector_name(last->event[i].vector);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i ? ", then " : "", name ? name : "an interrupt");
	}
	say(kernel, processor, VOICE_PROCESSOR, "the last attempt: %s%s", text,
	    last->end == MACHINE_SHUTDOWN
		    ? ", and a fault again: triple fault, the processor shuts down"
		    : "");
}

void say_outcome(struct kernel *kernel, const struct processor *processor,
		 const struct machine_event *event, const struct taking *before)
{
	const struct machine_story *story = &kernel->ending.story;
	uint64_t offset = kernel->layout.page_offset, next;
	bool missing = before->walk.pa == NO_PA;
	char frames[NAME], where[160] = "nothing";

	if (missing)
		say_missing(kernel, processor, event, before, !story->nested);
	if (!story->nested && !story->double_fault)
		return;
	next = story->sp - 2 * kernel->layout.word;
	if (next >= offset && next - offset < kernel->options.ram)
		name_place(kernel, next, where, sizeof(where));
	name_number(story->frames, frames);
	say(kernel, processor, VOICE_PROCESSOR,
	    "%s frames later the stack has come down from %08" PRIx64 " to %08" PRIx64
	    ", to %s",
	    frames, before->sp, story->sp, where);
	say_ruins(kernel, processor, before->sp, story->sp);
	say_chain(kernel, processor);
}
