/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "made_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "audit/arch.h"
#include "common/memory.h"
#include "linux/symtab.h"
#include "util/bits.h"

/* Roots and tables are taken from here on; a test has what is below to itself. */
#define TABLES (MADE_RAM + (4u << 20))
#define ROOT_SIZE 0x4000u

/*
 * Kernel pages, a row a family of formats (DDI 0406C B3.5.1; B3.6.1 and DDI 0487 D8.3.1;
 * the RISC-V privileged specification, "Sv39 page table entry").
 */
static const struct kind {
	const char *prefix;
	unsigned
		address; /* log2: how far an address is moved left in an entry, from 12 */
	uint64_t table, page[MADE_CONSTANT + 1];
} kinds[] = {
	{ "arm-lpae",
	  12,
	  3,
	  { 0, 0x783, UINT64_C(1) << 54 | 0x703, UINT64_C(1) << 54 | 0x783 } },
	{ "arm64",
	  12,
	  3,
	  { 0, UINT64_C(1) << 54 | 0x483, UINT64_C(3) << 53 | 0x403,
	    UINT64_C(3) << 53 | 0x483 } },
	{ "arm", 12, 1, { 0, 0x21e, 0x01f, 0x21f } },
	{ "riscv", 10, 1, { 0, 0xeb, 0xe7, 0xe3 } },
};

static const struct kind *kind_of(const struct ws_format *format)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strncmp(format->name, kinds[i].prefix, strlen(kinds[i].prefix)))
			return &kinds[i];
	abort();
}

static uint8_t *at(const struct made_kernel *kernel, uint64_t pa)
{
	if (pa - MADE_RAM >= MADE_MEMORY)
		abort();
	return kernel->memory + (pa - MADE_RAM);
}

static enum ws_evidence made_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	return ws_target_frame(opaque, pa, frame);
}

void made_create(struct made_kernel *kernel, const char *format, unsigned word,
		 uint64_t direct)
{
	struct ws_system *system = &kernel->system;
	struct ws_layout *layout = &system->layout;
	struct ws_piece_of_memory *piece;

	memset(kernel, 0, sizeof(*kernel));
	kernel->memory = calloc(1, MADE_MEMORY);
	kernel->free = TABLES;
	system->ctx = kernel->target.ctx = ws_context_create();
	system->kernel_pages = calloc(WS_KERNEL_PAGES, sizeof(*system->kernel_pages));
	system->symtab = ws_symtab_create(system->ctx);
	piece = ws_vec_push(&kernel->target.memory);
	if (!kernel->memory || !system->ctx || !system->kernel_pages || !system->symtab ||
	    !piece)
		abort();
	*piece = (struct ws_piece_of_memory){ .at = { MADE_RAM, MADE_MEMORY },
					      .data = kernel->memory };
	kernel->target.nframes = MADE_MEMORY / WS_FRAME_SIZE;
	system->target = &kernel->target;
	system->format = ws_format_by_name(format);
	system->paging = (struct ws_paging){ .format = system->format,
					     .frame = made_frame,
					     .opaque = &kernel->target };
	system->modules_done = true;
	system->init_known = true;
	layout->word = word;
	layout->page_offset = direct;
	layout->direct_delta = direct - MADE_RAM;
	layout->kernel_first = word == 8 ? ~(UINT64_MAX >> (65 - system->format->va_bits))
					 : direct - (16u << 20);
	layout->image_first = direct;
	layout->image_last = direct + (4u << 20) - 1;
	layout->image_delta = layout->direct_delta;
	layout->reference = made_root(kernel);
	made_space(kernel, WS_SPACE_INIT, layout->reference);
}

static void forget(struct made_kernel *kernel)
{
	struct ws_system *system = &kernel->system;

	ws_audit_destroy(kernel->audit);
	kernel->audit = NULL;
	ws_vec_each(&system->notes, note)
		free(*note);
	ws_vec_release(&system->notes);
	ws_error_clear(system->ctx);
	memset(system->kernel_pages, 0, WS_KERNEL_PAGES * sizeof(*system->kernel_pages));
}

void made_destroy(struct made_kernel *kernel)
{
	forget(kernel);
	ws_symbols_release(&kernel->system);
	free(kernel->system.kernel_pages);
	ws_vec_release(&kernel->system.spaces);
	ws_vec_release(&kernel->system.regions);
	ws_vec_release(&kernel->target.memory);
	ws_vec_release(&kernel->target.cpus);
	ws_context_destroy(kernel->system.ctx);
	free(kernel->memory);
}

uint64_t made_root(struct made_kernel *kernel)
{
	uint64_t root = (kernel->free + ROOT_SIZE - 1) & -(uint64_t)ROOT_SIZE;

	kernel->free = root + ROOT_SIZE;
	return root;
}

static uint64_t entry_at(const struct made_kernel *kernel, uint64_t pa)
{
	return ws_le_word(at(kernel, pa), 1u << kernel->system.format->entry_log2);
}

static void put_entry(struct made_kernel *kernel, uint64_t pa, uint64_t entry)
{
	put_little(at(kernel, pa), 1u << kernel->system.format->entry_log2, entry);
}

void made_map(struct made_kernel *kernel, uint64_t root, uint64_t va, uint64_t pa,
	      enum made_rights rights)
{
	const struct ws_format *format = kernel->system.format;
	const struct kind *kind = kind_of(format);
	uint64_t table = root;

	for (unsigned l = 0;; l++) {
		const struct ws_level *level = &format->level[l];
		uint64_t index = va >> level->shift & ((UINT64_C(1) << level->bits) - 1);
		uint64_t where = table + (index << format->entry_log2);
		uint64_t entry = entry_at(kernel, where);

		if (l + 1u == format->nlevels) {
			put_entry(kernel, where,
				  rights ? pa >> 12 << kind->address | kind->page[rights]
					 : 0);
			return;
		}
		if (!entry) {
			entry = kernel->free >> 12 << kind->address | kind->table;
			kernel->free += WS_FRAME_SIZE;
			put_entry(kernel, where, entry);
		}
		table = entry >> kind->address << 12 & UINT64_C(0xfffffffff000);
	}
}

uint32_t made_space(struct made_kernel *kernel, enum ws_space_kind kind, uint64_t root)
{
	struct ws_space *space = ws_vec_push(&kernel->system.spaces);

	if (!space)
		abort();
	*space = (struct ws_space){ .kind = (uint8_t)kind,
				    .root = root,
				    .counts = kind == WS_SPACE_INIT ||
					      kind == WS_SPACE_PROCESS };
	strcpy(space->comm, kind == WS_SPACE_INIT ? "init_mm" : "made");
	return (uint32_t)(kernel->system.spaces.n - 1);
}

void made_symbol(struct made_kernel *kernel, const char *name, uint64_t va, char type)
{
	struct ws_symtab *symtab = kernel->system.symtab;
	const struct ws_symtab_entry entry = { .va = va,
					       .type = type,
					       .module = WS_KERNEL_SYMBOL };

	if (ws_symtab_add(symtab, WS_FROM_KALLSYMS, &entry, name, strlen(name)) ||
	    ws_symtab_seal(symtab))
		abort();
}

void made_put32(struct made_kernel *kernel, uint64_t pa, uint32_t value)
{
	put_little(at(kernel, pa), sizeof(value), value);
}

void made_put_word(struct made_kernel *kernel, uint64_t pa, uint64_t value)
{
	put_little(at(kernel, pa), kernel->system.layout.word, value);
}

void made_leave_out(struct made_kernel *kernel, uint64_t pa)
{
	struct ws_piece_of_memory *rest = ws_vec_push(&kernel->target.memory);
	uint64_t offset = (pa & -(uint64_t)WS_FRAME_SIZE) - MADE_RAM;
	uint64_t end = offset + WS_FRAME_SIZE;

	if (!rest)
		abort();
	kernel->target.memory.v[0].at.len = offset;
	*rest = (struct ws_piece_of_memory){ .at = { MADE_RAM + end, MADE_MEMORY - end },
					     .data = kernel->memory + end,
					     .first_frame = offset / WS_FRAME_SIZE };
}

/* ---- what a run comes to ------------------------------------------------------------- */

void made_run(struct made_kernel *kernel, const struct ws_family *family)
{
	struct ws_audit *audit = calloc(1, sizeof(*audit));

	forget(kernel);
	if (!audit || ws_regions_find(&kernel->system))
		abort();
	audit->ctx = kernel->system.ctx;
	audit->system = &kernel->system;
	audit->arch = ws_arch_of(kernel->system.format)->audit;
	audit->family = family;
	kernel->audit = audit;
	if (family->run(audit) || audit->short_of_memory)
		abort();
}

unsigned made_count(const struct made_kernel *kernel, const char *rule, uint32_t space)
{
	unsigned n = 0;

	ws_vec_each(&kernel->audit->findings, finding)
		n += !strcmp(finding->rule->id, rule) &&
		     (space == WS_NO_SPACE || finding->space == space);
	return n;
}

unsigned made_findings(const struct made_kernel *kernel)
{
	return (unsigned)kernel->audit->findings.n;
}

bool made_finds(const struct made_kernel *kernel, const char *words)
{
	ws_vec_each(&kernel->audit->findings, finding)
		if (strstr(finding->text, words))
			return true;
	return false;
}

/* Of the system, or of the run. */
bool made_notes(const struct made_kernel *kernel, const char *words)
{
	ws_vec_each(&kernel->system.notes, note)
		if (strstr(*note, words))
			return true;
	ws_vec_each(&kernel->audit->notes, note)
		if (strstr(*note, words))
			return true;
	return false;
}

bool made_lacks(const struct made_kernel *kernel, const char *words)
{
	ws_vec_each(&kernel->audit->lacks, lack)
		if (strstr(lack->what, words))
			return true;
	return false;
}
