/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a driver's functions do, and the two calls that lead to its first and its last. */
#include "machine/kernel/gates.h"
#include "machine/kernel/modules.h"
#include "machine/kernel/say.h"
#include "machine/event.h"

#include <stdio.h>

static uint64_t irq_word(const struct kernel *kernel, int vector)
{
	return kernel->irq_desc +
	       (unsigned)(vector - KERNEL_IRQ_FIRST) * kernel->layout.word;
}

uint64_t module_code(const struct module *m, enum code code)
{
	return code == CODE_MODULE_PAGE_FAULT
		       ? m->stub
		       : m->va + MODULE_CODE + (code - CODE_OF_IMAGE) * CODE_SIZE;
}

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
	say(kernel, processor, VOICE_KERNEL,
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
