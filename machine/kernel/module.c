/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drivers. The kernel lays a module out through the direct map; then it runs in the space
 * that is loaded: insmod touches all of the module's memory, as load_module() does when
 * it copies the file there, and calls its init function. So the loader's own space learns
 * of the module whatever the strategy, and others may not: half of them see it.
 */
#include "machine/kernel/modules.h"
#include "machine/kernel/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct module *module_find(const struct kernel *kernel, const char *name)
{
	struct module *m = kernel->modules;

	while (m && strcmp(m->name, name))
		m = m->next;
	return m;
}

/* ---- init_module() and delete_module() ---- */

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
	struct module *m = host_allocate(kernel, sizeof(*m));

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
	say(kernel, NULL, VOICE_KERNEL, "insmod %s: %" PRIu64 " bytes at %08" PRIx64 "%s",
	    m->name, m->size, m->va, m->stub ? ", and gate 14 will lead to it" : "");
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
	say(kernel, NULL, VOICE_KERNEL, "rmmod %s", m->name);
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
