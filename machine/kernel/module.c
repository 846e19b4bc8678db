/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drivers. The kernel lays a module out through the direct map; then it runs in the space
 * that is loaded: insmod touches all of the module's memory, as load_module() does when
 * it copies the file there, and calls its init function. So the loader's own space learns
 * of the module whatever the strategy, and others may not: half of them see it.
 */
#include "machine/kernel/modules.h"
#include "machine/kernel/story.h"

#include <stdio.h>
#include <stdlib.h>

struct module *module_find(const struct kernel *kernel, const char *name)
{
	struct module *m = kernel->modules;

	while (m && strcmp(m->name, name))
		m = m->next;
	return m;
}

static uint64_t irq_word(const struct kernel *kernel, int vector)
{
	return kernel->irq_desc +
	       (unsigned)(vector - KERNEL_IRQ_FIRST) * kernel->layout.word;
}

static uint64_t module_code(const struct module *m, enum code code)
{
	return code == CODE_MODULE_PAGE_FAULT
		       ? m->stub
		       : m->va + MODULE_CODE + (code - CODE_OF_IMAGE) * CODE_SIZE;
}

/* ---- a module's code ---- */

bool run_module_init(struct kernel *kernel, struct processor *processor,
		     uint64_t argument, struct machine_event *event)
{
	const struct module *m = kernel->loading;

	(void)argument;
	if (!m)
		return raise(event, MACHINE_UD, 0);
	if (m->driver.irq &&
	    !data_store(kernel, processor, irq_word(kernel, m->driver.irq),
			module_code(m, CODE_MODULE_INTERRUPT), event))
		return false;
	if (m->stub && !data_store(kernel, processor, m->stub + STUB_OLD,
				   gate_read(kernel, MACHINE_PF), event))
		return false;
	if (!function_return(kernel, processor, 0, event))
		return false;
	if (m->stub)
		gate_write(kernel, MACHINE_PF, m->stub, 0);
	return true;
}

bool run_module_exit(struct kernel *kernel, struct processor *processor,
		     uint64_t argument, struct machine_event *event)
{
	const struct module *m = kernel->loading;
	uint64_t old;

	(void)argument;
	if (!m)
		return raise(event, MACHINE_UD, 0);
	if (m->stub && !data_load(kernel, processor, m->stub + STUB_OLD, &old, event))
		return false;
	if (m->driver.irq &&
	    !data_store(kernel, processor, irq_word(kernel, m->driver.irq), 0, event))
		return false;
	if (!function_return(kernel, processor, 0, event))
		return false;
	if (m->stub)
		gate_write(kernel, MACHINE_PF, old, 0);
	return true;
}

/* What the stub is for does not matter here: it looks, and goes on to the next. */
bool run_module_page_fault(struct kernel *kernel, struct processor *processor,
			   uint64_t argument, struct machine_event *event)
{
	uint64_t count, old;

	if (!data_load(kernel, processor, argument + STUB_COUNT, &count, event) ||
	    !data_load(kernel, processor, argument + STUB_OLD, &old, event) ||
	    !data_store(kernel, processor, argument + STUB_COUNT, count + 1, event))
		return false;
	processor->cpu.r.ip = old;
	tell(kernel, processor, KERNEL_TELLS_KERNEL,
	     "the driver's stub looks at the fault, and jumps to %s",
	     symbol_name(kernel, old));
	return true;
}

bool run_module_interrupt(struct kernel *kernel, struct processor *processor,
			  uint64_t argument, struct machine_event *event)
{
	uint64_t at = argument + DATA_INTERRUPTS, count;

	return data_load(kernel, processor, at, &count, event) &&
	       data_store(kernel, processor, at, count + 1, event) &&
	       function_return(kernel, processor, 0, event);
}

bool run_module_open(struct kernel *kernel, struct processor *processor,
		     uint64_t argument, struct machine_event *event)
{
	(void)argument;
	return function_return(kernel, processor, 0, event);
}

bool run_module_release(struct kernel *kernel, struct processor *processor,
			uint64_t argument, struct machine_event *event)
{
	(void)argument;
	return function_return(kernel, processor, 0, event);
}

/* How much of the buffer a transfer at a position is about, at most `end` bytes of it. */
static uint64_t part(const struct processor *processor, uint64_t at, uint64_t end)
{
	uint64_t wanted = processor->cpu.r.reg[MACHINE_REG_DX];

	if (end > BUFFER_SIZE)
		end = BUFFER_SIZE;
	if (at >= end)
		return 0;
	return end - at < wanted ? end - at : wanted;
}

bool run_module_read(struct kernel *kernel, struct processor *processor,
		     uint64_t argument, struct machine_event *event)
{
	uint64_t user = processor->cpu.r.reg[MACHINE_REG_CX], held, n;
	struct open_file *file = file_of_call(kernel, processor);

	if (!file || !data_load(kernel, processor, argument + DATA_HELD, &held, event))
		return file ? false : raise(event, MACHINE_UD, 0);
	n = part(processor, file->at, held);
	if (!copy_bytes(kernel, processor, argument + MODULE_BUFFER + file->at, user, n,
			event) ||
	    !function_return(kernel, processor, n, event))
		return false;
	file->at += n;
	return true;
}

bool run_module_write(struct kernel *kernel, struct processor *processor,
		      uint64_t argument, struct machine_event *event)
{
	uint64_t user = processor->cpu.r.reg[MACHINE_REG_CX], held, n;
	struct open_file *file = file_of_call(kernel, processor);

	if (!file || !data_load(kernel, processor, argument + DATA_HELD, &held, event))
		return file ? false : raise(event, MACHINE_UD, 0);
	n = part(processor, file->at, BUFFER_SIZE);
	if (held < file->at + n)
		held = file->at + n;
	if (!copy_bytes(kernel, processor, user, argument + MODULE_BUFFER + file->at, n,
			event) ||
	    !data_store(kernel, processor, argument + DATA_HELD, held, event) ||
	    !function_return(kernel, processor, n, event))
		return false;
	file->at += n;
	return true;
}

/* The driver's name is in no register: its bytes carry where its data are. */
bool run_module_proc_read(struct kernel *kernel, struct processor *processor,
			  uint64_t argument, struct machine_event *event)
{
	const struct open_file *file = file_of_call(kernel, processor);
	uint64_t interrupts, faults = 0;
	char text[128];
	int len;

	if (!file || !file->module)
		return raise(event, MACHINE_UD, 0);
	if (!data_load(kernel, processor, argument + DATA_INTERRUPTS, &interrupts,
		       event) ||
	    (file->module->stub &&
	     !data_load(kernel, processor, file->module->stub + STUB_COUNT, &faults,
			event)))
		return false;
	len = snprintf(text, sizeof(text),
		       "%s: %" PRIu64 " page faults, %" PRIu64 " interrupts\n",
		       file->module->name, faults, interrupts);
	return read_text(kernel, processor, text, (size_t)len, event);
}

/* ---- load_module() and its opposite, as far as the processor is concerned ---- */

bool run_sys_init_module(struct kernel *kernel, struct processor *processor,
			 uint64_t argument, struct machine_event *event)
{
	const struct module *m = kernel->loading;
	uint64_t *done = &processor->cpu.r.reg[MACHINE_REG_SI], byte;

	(void)argument;
	if (!m)
		return function_return(kernel, processor, UINT64_MAX, event);
	for (; *done < m->size; *done += PAGE)
		if (!machine_load(&processor->cpu, m->va + *done, 1, MACHINE_READ, &byte,
				  event) ||
		    !machine_store(&processor->cpu, m->va + *done, 1, MACHINE_WRITE, byte,
				   event))
			return false;
	processor->cpu.r.ip = module_code(m, CODE_MODULE_INIT);
	return true;
}

bool run_sys_delete_module(struct kernel *kernel, struct processor *processor,
			   uint64_t argument, struct machine_event *event)
{
	const struct module *m = kernel->loading;

	(void)argument;
	if (!m)
		return function_return(kernel, processor, UINT64_MAX, event);
	processor->cpu.r.ip = module_code(m, CODE_MODULE_EXIT);
	return true;
}

/* Runs the call on processor 0; what the operation has come to. */
static enum kernel_outcome run_call(struct kernel *kernel, struct module *m,
				    unsigned number)
{
	struct processor *processor = &kernel->processor[0];
	uint64_t root = processor->cpu.r.cr3;
	struct machine_event event;
	bool elsewhere = kernel->sync->loads_in_init_mm;

	kernel->loading = m;
	if (elsewhere)
		machine_write_cr3(&processor->cpu, kernel->swapper, &event);
	syscall_run(kernel, processor, number);
	kernel->loading = NULL;
	if (kernel->ending.end != KERNEL_RUNS)
		return KERNEL_STOPPED;
	if (elsewhere && processor->cpu.r.cr3 == kernel->swapper &&
	    process_of_root(kernel, root))
		machine_write_cr3(&processor->cpu, root, &event);
	return kernel->outcome;
}

/* ---- layout ---- */

static void write_operations(struct kernel *kernel, struct module *m, uint64_t at,
			     const enum code code[OPERATIONS])
{
	for (unsigned i = 0; i < OPERATIONS; i++)
		if (code[i])
			va_put(kernel, m->va + at + 8 * i, 8, module_code(m, code[i]));
}

static const enum code dev_operations[OPERATIONS] = {
	[OPERATION_OPEN] = CODE_MODULE_OPEN,
	[OPERATION_READ] = CODE_MODULE_READ,
	[OPERATION_WRITE] = CODE_MODULE_WRITE,
	[OPERATION_RELEASE] = CODE_MODULE_RELEASE,
};
static const enum code proc_operations[OPERATIONS] = {
	[OPERATION_READ] = CODE_MODULE_PROC_READ,
};

static bool has_code(const struct module *m, enum code code)
{
	if (code == CODE_MODULE_PAGE_FAULT)
		return m->stub;
	return code != CODE_MODULE_INTERRUPT || m->driver.irq;
}

static bool write_module(struct kernel *kernel, struct module *m)
{
	char name[sizeof(m->name) + 16];

	for (unsigned code = CODE_OF_IMAGE; code < CODES; code++) {
		uint64_t va = module_code(m, code);

		if (!has_code(m, code))
			continue;
		code_write(kernel, va, code,
			   code == CODE_MODULE_PAGE_FAULT ? m->stub : m->va);
		snprintf(name, sizeof(name), "%s_%s", m->name, code_rows[code].name);
		if (!symbol_add(kernel, m, name, va, CODE_SIZE, 't'))
			return false;
	}
	write_operations(kernel, m, DATA_DEV, dev_operations);
	write_operations(kernel, m, DATA_PROC, proc_operations);
	return true;
}

static bool take_stub(struct kernel *kernel, struct module *m)
{
	uint64_t pa;

	if (!m->driver.hooks_page_fault)
		return true;
	m->stub = m->va + MODULE_STUB;
	if (!kernel->sync->stub_in_direct_map)
		return true;
	pa = pages_take(kernel, 1, PAGE_KERNEL);
	m->stub = pa ? direct(kernel, pa) : 0;
	return pa;
}

static void release(struct kernel *kernel, struct module *m)
{
	if (m->record)
		linux_module_remove(kernel, m);
	symbols_remove(kernel, m);
	if (m->stub && kernel->sync->stub_in_direct_map)
		pages_give(kernel, m->stub - kernel->layout.page_offset, 1);
	if (m->va)
		area_destroy(kernel, m->va, AREA_MODULE);
	free(m);
}

static struct module *create(struct kernel *kernel, const struct kernel_driver *driver)
{
	struct module *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->driver = *driver;
	strcpy(m->name, driver->name);
	m->driver.name = m->name;
	m->size = driver->size ? (driver->size + PAGE - 1) & ~(uint64_t)(PAGE - 1) : PAGE;
	m->va = area_create(kernel, m->size, AREA_MODULE);
	if (m->va && take_stub(kernel, m) && write_module(kernel, m)) {
		if (linux_module_add(kernel, m))
			return m;
		m->record = 0; /* it is in no list */
	}
	release(kernel, m);
	return NULL;
}

/* ---- operations ---- */

static bool good_name(const char *name)
{
	size_t len = name ? strnlen(name, sizeof(((struct module *)0)->name)) : 0;

	if (!len || len == sizeof(((struct module *)0)->name))
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || *name == '/')
			return false;
	return true;
}

static bool irq_is_free(const struct kernel *kernel, int irq)
{
	if (irq < KERNEL_IRQ_FIRST || irq >= KERNEL_IRQ_FIRST + KERNEL_IRQS)
		return false;
	for (const struct module *m = kernel->modules; m; m = m->next)
		if (m->driver.irq == irq)
			return false;
	return true;
}

enum kernel_outcome kernel_insmod(struct kernel *kernel,
				  const struct kernel_driver *driver)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct module *m;

	if (outcome != KERNEL_OK)
		return outcome;
	if (!driver || !good_name(driver->name) || module_find(kernel, driver->name) ||
	    (driver->irq && !irq_is_free(kernel, driver->irq)))
		return KERNEL_INVALID;
	if (driver->size > kernel->options.ram)
		return KERNEL_NO_MEMORY;
	m = create(kernel, driver);
	if (!m)
		return KERNEL_NO_MEMORY;
	tell(kernel, NULL, KERNEL_TELLS_KERNEL,
	     "insmod %s: %" PRIu64 " bytes at %08" PRIx64 "%s", m->name, m->size, m->va,
	     m->stub ? ", and gate 14 will lead to it" : "");
	if (kernel->sync->loaded)
		kernel->sync->loaded(kernel);
	m->next = kernel->modules;
	kernel->modules = m;
	outcome = run_call(kernel, m, SYS_INIT_MODULE);
	if (outcome == KERNEL_OK || outcome == KERNEL_STOPPED)
		return outcome;
	kernel->modules = m->next;
	release(kernel, m);
	return outcome;
}

enum kernel_outcome kernel_rmmod(struct kernel *kernel, const char *name)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct module **at = &kernel->modules, *m;

	if (outcome != KERNEL_OK)
		return outcome;
	m = name ? module_find(kernel, name) : NULL;
	if (!m || m->users)
		return KERNEL_INVALID;
	tell(kernel, NULL, KERNEL_TELLS_KERNEL, "rmmod %s", m->name);
	outcome = run_call(kernel, m, SYS_DELETE_MODULE);
	if (outcome != KERNEL_OK)
		return outcome;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	release(kernel, m);
	return KERNEL_OK;
}

void modules_release(struct kernel *kernel)
{
	while (kernel->modules) {
		struct module *m = kernel->modules;

		kernel->modules = m->next;
		free(m);
	}
}
