/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simulated machine over the target's memory: what a story begins on. */
#include <stdlib.h>

#include "util/sorted.h"
#include "x86/registers.h"
#include "x86/whatif/whatif.h"
#include "x86/entry.h"

/* What QEMU's TCG has (TCG_PHYS_ADDR_BITS, target/i386/cpu.h); no dump says. */
#define MAXPHYADDR 40
#define MAXPHYADDR_MAX 52

const char *ws_processor_name(enum ws_processor processor)
{
	static const char *const names[] = {
		[WS_PROCESSOR_MANUAL] = "sdm",
		[WS_PROCESSOR_EMULATED] = "tcg",
		[WS_PROCESSOR_NO_TLB] = "none",
	};

	return names[processor];
}

/* The machine asks for each frame once a story. */
static const uint8_t *lend_frame(void *opaque, uint64_t pa)
{
	struct ws_machine *machine = opaque;
	const struct ws_paging *paging = &machine->system->paging;
	const uint8_t *frame;
	enum ws_evidence evidence = paging->frame(paging->opaque, pa, &frame);
	size_t i;

	if (machine->tss_pa && pa / WS_FRAME_SIZE == machine->tss_pa / WS_FRAME_SIZE)
		return machine->tss;
	i = ws_lower_bound(machine->before.v, machine->before.n, at,
			   at->pa < (pa & ~(uint64_t)(WS_FRAME_SIZE - 1)));
	if (i < machine->before.n &&
	    machine->before.v[i].pa / WS_FRAME_SIZE == pa / WS_FRAME_SIZE)
		return machine->before.v[i].bytes;
	if (evidence != WS_READ && !machine->missing++)
		machine->missing_pa = pa;
	return frame;
}

static bool holds_frame(void *opaque, uint64_t pa)
{
	struct ws_machine *machine = opaque;

	return ws_target_piece(machine->system->target, pa);
}

enum ws_status x86_machine_create(struct ws_audit *audit, struct ws_machine **machine)
{
	struct ws_system *system = audit->system;
	struct ws_machine *made;
	char words[X86_LACKING];
	bool here;

	*machine = NULL;
	if (!ws_start_cpu(system, system->layout.reference, &here))
		return x86_lacks_tables(system->target, words)
			       ? ws_fail(system->ctx, WS_ERR_UNSUPPORTED,
					 "this target keeps no processor's %s: without "
					 "IDT, GDT and TSS no fault can be delivered",
					 words)
			       : ws_fail(system->ctx, WS_ERR_UNSUPPORTED,
					 "this target has no processor whose control "
					 "registers fit its page tables and whose IDT has "
					 "gates: no fault can be delivered");
	made = calloc(1, sizeof(*made));
	if (!made)
		return ws_fail_memory(system->ctx);
	made->audit = audit;
	made->system = system;
	made->memory = machine_memory_create(
		&(struct machine_backing){ .frame = lend_frame,
					   .holds = holds_frame,
					   .opaque = made,
					   .memory_end = ws_memory_end(audit) },
		0);
	if (!made->memory) {
		free(made);
		return ws_fail_memory(system->ctx);
	}
	*machine = made;
	return WS_OK;
}

void ws_machine_destroy(struct ws_machine *machine)
{
	if (!machine)
		return;
	if (machine->has_cpu)
		machine_cpu_release(&machine->cpu);
	machine_memory_destroy(machine->memory);
	ws_vec_release(&machine->stacks);
	ws_vec_release(&machine->runs);
	ws_vec_release(&machine->before);
	free(machine);
}

/* Wide enough for the target's own memory. */
static uint8_t physical_width(const struct ws_system *system)
{
	uint64_t last = system->target->memory_end - 1;
	uint8_t width = system->paging.pa_bits ? system->paging.pa_bits : MAXPHYADDR;

	while (width < MAXPHYADDR_MAX && last >> width)
		width++;
	return width < 32 ? 32 : width;
}

static void choose_processor(struct ws_machine *machine, enum ws_processor processor)
{
	static const uint8_t tlbs[] = {
		[WS_PROCESSOR_MANUAL] = MACHINE_TLB_SDM,
		[WS_PROCESSOR_EMULATED] = MACHINE_TLB_TCG,
		[WS_PROCESSOR_NO_TLB] = MACHINE_TLB_NONE,
	};
	const struct machine_model model = {
		.features = MACHINE_HAS_ALL,
		.departures = processor == WS_PROCESSOR_EMULATED ? MACHINE_TCG : 0,
		.maxphyaddr = physical_width(machine->system),
		.c_bit = machine->system->encryption.bit,
		.tlb = tlbs[processor],
	};

	if (machine->has_cpu && machine->processor == processor)
		return;
	if (machine->has_cpu)
		machine_cpu_release(&machine->cpu);
	machine_cpu_init(&machine->cpu, &model, machine->memory);
	machine->processor = (uint8_t)processor;
	machine->has_cpu = true;
}

void ws_machine_load(struct ws_machine *machine, enum ws_processor processor,
		     const struct machine_registers *registers)
{
	choose_processor(machine, processor);
	machine_memory_reset(machine->memory);
	machine->runs.n = 0;
	machine->missing = 0;
	machine_cpu_load(&machine->cpu, registers);
	if (machine->system->format == &ws_format_i386_pae)
		machine_cpu_read_pdptes(&machine->cpu);
}
