/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "torture/frame_name.h"
#include "x86/registers.h"

/* A task_struct's fields lie around its name. */
#define TASK_BEFORE 3072
#define TASK_AFTER 1024

struct naming {
	const struct answer *whole;
	uint64_t pa; /* of the frame */
	FILE *out;
	unsigned n; /* said so far */
	const struct ws_space *space;
};

static void say(struct naming *naming)
{
	if (naming->n++)
		fputs("; ", naming->out);
}

/* Whether init_mm maps some page of [va, last] to the frame. */
static bool holds(const struct naming *naming, uint64_t va, uint64_t last)
{
	uint64_t pa;

	for (va &= ~(uint64_t)(WS_FRAME_SIZE - 1);; va += WS_FRAME_SIZE) {
		if (ws_kernel_translate(naming->whole->system, va, &pa) == WS_READ &&
		    (pa & ~(uint64_t)(WS_FRAME_SIZE - 1)) == naming->pa)
			return true;
		if (last - va < WS_FRAME_SIZE)
			return false;
	}
}

static bool say_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct naming *naming = arg;

	if ((pa & ~(uint64_t)(WS_FRAME_SIZE - 1)) != naming->pa)
		return true;
	say(naming);
	fprintf(naming->out, "%s of %u %s for %#lx",
		ws_level_name(ws_system_paging(naming->whole->system)->format, level),
		naming->space->pid, naming->space->comm, va);
	return true;
}

/* One space is enough: most kernel tables are everybody's. */
static void name_tables(struct naming *naming)
{
	const struct ws_paging *paging = ws_system_paging(naming->whole->system);
	unsigned before = naming->n;

	for (size_t s = 0; s < naming->whole->nspaces && naming->n == before; s++) {
		naming->space = &naming->whole->space[s];
		if (naming->space->kind != WS_SPACE_FREED)
			(void)!ws_tables(paging, naming->space->root, 0, UINT64_MAX, 0,
					 say_table, naming);
	}
}

static void name_needs(struct naming *naming)
{
	size_t n;
	const struct ws_need *needs = ws_audit_needs(naming->whole->audit, &n);

	for (size_t i = 0; i < n; i++) {
		if (!holds(naming, needs[i].va, needs[i].last))
			continue;
		say(naming);
		fputs(needs[i].what, naming->out);
	}
}

static void name_tasks(struct naming *naming)
{
	const struct ws_system *system = naming->whole->system;

	ws_vec_each(&system->tasks, task) {
		if (holds(naming, task->comm_va - TASK_BEFORE,
			  task->comm_va + TASK_AFTER)) {
			say(naming);
			fprintf(naming->out, "task %u %s", task->pid, task->comm);
		}
		if (task->mm && holds(naming, task->mm, task->mm + 255)) {
			say(naming);
			fprintf(naming->out, "mm of %u %s", task->pid, task->comm);
		}
	}
}

static void name_modules(struct naming *naming)
{
	for (size_t i = 0; i < naming->whole->nmodules; i++) {
		const struct ws_module *module = &naming->whole->module[i];

		if (holds(naming, module->module, module->module)) {
			say(naming);
			fprintf(naming->out, "struct module of %s", module->name);
		}
		for (unsigned r = 0; r < module->nregions; r++) {
			const struct ws_region *region = &module->region[r];

			if (!region->len ||
			    !holds(naming, region->va, region->va + region->len - 1))
				continue;
			say(naming);
			fprintf(naming->out, "module %s", module->name);
		}
	}
}

static void name_image(struct naming *naming)
{
	const struct ws_layout *layout = &naming->whole->system->layout;
	uint64_t va = naming->pa + layout->image_delta;
	struct ws_symbol symbol;

	if (!layout->image_last || va < layout->image_first || va > layout->image_last)
		return;
	say(naming);
	fprintf(naming->out, "kernel image %#lx", va);
	if (ws_symbol_at(naming->whole->system, va, &symbol) == WS_OK)
		fprintf(naming->out, ", behind %s", symbol.name);
}

void frame_name(const struct answer *whole, uint64_t pa, FILE *out)
{
	struct naming naming = { .whole = whole, .pa = pa, .out = out };

	name_tables(&naming);
	name_needs(&naming);
	name_tasks(&naming);
	name_modules(&naming);
	name_image(&naming);
	ws_vec_each(&whole->system->target->cpus, cpu)
		if ((cpu->reg[X86_CR3] & ~(uint64_t)(WS_FRAME_SIZE - 1)) == pa) {
			say(&naming);
			fputs("a processor's CR3", out);
		}
	if (!naming.n)
		fprintf(out, "%#lx in the direct map",
			pa + whole->system->layout.page_offset);
}
