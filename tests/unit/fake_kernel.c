/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "linux/linux.h"

#define PA_IMAGE (2u << 20)
#define PA_MODULES (4u << 20)

/* P, RW, and PS where an entry maps memory (SDM vol. 3A, 4.3 and 4.5). */
#define TABLE 0x003
#define LARGE 0x083

static void put_entry(struct fake_kernel *kernel, uint64_t table, unsigned index,
		      uint64_t entry)
{
	put_little(kernel->memory + table + index * kernel->word, kernel->word, entry);
}

/* The root lies at 4 KiB; large pages only. */
static void tables_i386(struct fake_kernel *kernel)
{
	kernel->system.layout.page_offset = kernel->system.layout.direct_delta =
		0xc0000000;
	kernel->image = 0xc0000000 + PA_IMAGE;
	kernel->modules = 0xe0000000;
	put_entry(kernel, 0x1000, 0x300, 0 << 22 | LARGE);
	put_entry(kernel, 0x1000, 0x301, 1 << 22 | LARGE);
	put_entry(kernel, 0x1000, 0x380, PA_MODULES | LARGE);
}

static void tables_x86_64(struct fake_kernel *kernel)
{
	kernel->system.layout.page_offset = kernel->system.layout.direct_delta =
		UINT64_C(0xffff888000000000);
	kernel->image = UINT64_C(0xffffffff81000000);
	kernel->modules = UINT64_C(0xffffffffa0000000);
	put_entry(kernel, 0x1000, 273, 0x2000 | TABLE);
	put_entry(kernel, 0x2000, 0, 0x3000 | TABLE);
	for (unsigned i = 0; i < 3; i++)
		put_entry(kernel, 0x3000, i, i << 21 | LARGE);
	put_entry(kernel, 0x1000, 511, 0x4000 | TABLE);
	put_entry(kernel, 0x4000, 510, 0x5000 | TABLE);
	put_entry(kernel, 0x5000, 8, PA_IMAGE | LARGE);
	put_entry(kernel, 0x5000, 256, PA_MODULES | LARGE);
}

void fake_image_constant(struct fake_kernel *kernel)
{
	/* no RW, and bit 63: XD */
	put_entry(kernel, 0x5000, 8, UINT64_C(1) << 63 | PA_IMAGE | 0x081);
}

static enum ws_evidence fake_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	return ws_target_frame(opaque, pa, frame);
}

static void layout_fill(struct fake_kernel *kernel)
{
	struct ws_layout *layout = &kernel->system.layout;

	layout->kernel_first =
		kernel->word == 8 ? UINT64_C(0xffff800000000000) : 0xc0000000;
	layout->image_first = kernel->image;
	layout->image_last = kernel->image + FAKE_AREA - 1;
	layout->image_delta = kernel->image - PA_IMAGE;
	layout->reference = 0x1000;
	layout->word = kernel->word;
}

void fake_create(struct fake_kernel *kernel, unsigned word)
{
	struct ws_system *system = &kernel->system;
	struct ws_piece_of_memory *piece;

	memset(kernel, 0, sizeof(*kernel));
	kernel->word = word;
	kernel->memory = calloc(1, FAKE_MEMORY);
	piece = ws_vec_push(&kernel->target.memory);
	system->ctx = kernel->target.ctx = ws_context_create();
	system->kernel_pages = calloc(WS_KERNEL_PAGES, sizeof(*system->kernel_pages));
	if (!kernel->memory || !piece || !system->ctx || !system->kernel_pages)
		abort();
	*piece = (struct ws_piece_of_memory){ .at = { 0, FAKE_MEMORY },
					      .data = kernel->memory };
	kernel->target.nframes = FAKE_MEMORY / WS_FRAME_SIZE;
	system->target = &kernel->target;
	system->paging = (struct ws_paging){
		.format = ws_format_by_name(word == 8 ? "x86_64" : "i386"),
		.frame = fake_frame,
		.opaque = &kernel->target,
	};
	system->format = system->paging.format;
	(word == 8 ? tables_x86_64 : tables_i386)(kernel);
	layout_fill(kernel);
}

void fake_forget(struct fake_kernel *kernel)
{
	struct ws_system *system = &kernel->system;

	ws_symbols_release(system);
	ws_log_free(system->log);
	system->log = NULL;
	ws_vec_release(&system->modules);
	system->modules_done = false;
	ws_vec_each(&system->notes, note)
		free(*note);
	ws_vec_release(&system->notes);
	ws_error_clear(system->ctx);
	memset(system->kernel_pages, 0, WS_KERNEL_PAGES * sizeof(*system->kernel_pages));
}

void fake_destroy(struct fake_kernel *kernel)
{
	fake_forget(kernel);
	free(kernel->system.vmcoreinfo);
	free(kernel->system.kernel_pages);
	ws_vec_release(&kernel->target.memory);
	ws_vec_release(&kernel->target.cpus);
	ws_context_destroy(kernel->system.ctx);
	free(kernel->memory);
}

uint8_t *fake_at(const struct fake_kernel *kernel, uint64_t va)
{
	if (va - kernel->image < FAKE_AREA)
		return kernel->memory + PA_IMAGE + (va - kernel->image);
	if (va - kernel->modules < FAKE_AREA)
		return kernel->memory + PA_MODULES + (va - kernel->modules);
	abort();
}

void fake_leave_out(struct fake_kernel *kernel, uint64_t va, uint64_t len)
{
	uint64_t pa = (uint64_t)(fake_at(kernel, va) - kernel->memory), end = pa + len;
	struct ws_piece_of_memory *rest = ws_vec_push(&kernel->target.memory);

	if (!rest)
		abort();
	kernel->target.memory.v[0].at.len = pa;
	*rest = (struct ws_piece_of_memory){ .at = { end, FAKE_MEMORY - end },
					     .data = kernel->memory + end,
					     .first_frame = pa / WS_FRAME_SIZE };
}

void fake_map_more(struct fake_kernel *kernel, uint64_t entry)
{
	if (kernel->word == 8)
		put_entry(kernel, 0x5000, 257, entry);
	else
		put_entry(kernel, 0x1000, 0x381, entry);
}

void fake_put32(const struct fake_kernel *kernel, uint64_t va, uint32_t value)
{
	put_little(fake_at(kernel, va), sizeof(value), value);
}

void fake_put_word(const struct fake_kernel *kernel, uint64_t va, uint64_t value)
{
	put_little(fake_at(kernel, va), kernel->word, value);
}

/* ---- kallsyms --------------------------------------------------------------------- */

/* Characters stand for themselves; some of the other codes stand for strings. */
static const char *const token_strings[] = { "sys_",    "do_",      "_fault", "page_",
					     "handler", "asm_exc_", "init",   "_" };
#define FIRST_STRING 0xa0

static const char *token_of(unsigned code, char text[2])
{
	unsigned string = code - FIRST_STRING;

	text[0] = code > ' ' && code < 0x7f ? (char)code : '\0';
	text[1] = '\0';
	return string < sizeof(token_strings) / sizeof(*token_strings)
		       ? token_strings[string]
		       : text;
}

/* Type letter and name, as bytes that name tokens; the longest string that fits first. */
static size_t compress(const struct fake_symbol *symbol, uint8_t *out)
{
	size_t strings = sizeof(token_strings) / sizeof(*token_strings), n = 0, i;
	const char *at = symbol->name;

	out[n++] = symbol->type;
	while (*at) {
		for (i = 0; i < strings; i++)
			if (!strncmp(at, token_strings[i], strlen(token_strings[i])))
				break;
		out[n++] = i < strings ? FIRST_STRING + i : (uint8_t)*at;
		at += i < strings ? strlen(token_strings[i]) : 1;
	}
	return n;
}

static uint64_t aligned(const struct fake_kernel *kernel, enum fake_kallsyms kind,
			uint64_t va)
{
	uint64_t align = kind == FAKE_PLACE ? 4 : kernel->word;

	return (va + align - 1) & -align;
}

static uint64_t write_names(const struct fake_kernel *kernel, uint64_t va,
			    enum fake_kallsyms kind, const struct fake_symbol *symbols,
			    uint32_t n, struct fake_tables *tables)
{
	uint32_t *markers = calloc(n / 256 + 1, sizeof(*markers));
	/* words before 4.20 */
	unsigned marker_width = kind == FAKE_ABSOLUTE ? kernel->word : 4;
	uint8_t name[1024];

	tables->num = aligned(kernel, kind, va);
	fake_put32(kernel, tables->num, n);
	tables->names = va = aligned(kernel, kind, tables->num + 4);
	for (uint32_t i = 0; i < n; i++) {
		size_t len = compress(&symbols[i], name);

		if (i % 256 == 0)
			markers[i / 256] = va - tables->names;
		*fake_at(kernel, va++) = len < 0x80 ? len : (len & 0x7f) | 0x80;
		if (len >= 0x80)
			*fake_at(kernel, va++) = len >> 7;
		memcpy(fake_at(kernel, va), name, len);
		va += len;
	}
	tables->names_end = va;
	va = aligned(kernel, kind, va);
	for (uint32_t i = 0; i < n; i += 256, va += marker_width)
		fake_put32(kernel, va, markers[i / 256]);
	free(markers);
	return va;
}

static uint64_t write_tokens(const struct fake_kernel *kernel, uint64_t va,
			     enum fake_kallsyms kind, struct fake_tables *tables)
{
	uint8_t index[2 * 256];
	char text[2];

	tables->token_table = va = aligned(kernel, kind, va);
	for (unsigned code = 0; code < 256; code++) {
		const char *token = token_of(code, text);

		put_little(index + 2 * code, 2, va - tables->token_table);
		strcpy((char *)fake_at(kernel, va), token);
		va += strlen(token) + 1;
	}
	tables->token_index = aligned(kernel, kind, va);
	memcpy(fake_at(kernel, tables->token_index), index, sizeof(index));
	return tables->token_index + sizeof(index);
}

static uint64_t encode(const struct fake_kernel *kernel, enum fake_kallsyms kind,
		       const struct fake_tables *tables, uint64_t va, uint32_t i)
{
	switch (kind) {
	case FAKE_PERCPU:
		return va < kernel->image ? va : kernel->image - 1 - va;
	case FAKE_PLACE:
		return va - (tables->addresses + 4 * i);
	case FAKE_ABSOLUTE:
		return va;
	default:
		return va - kernel->image;
	}
}

static uint64_t write_addresses(const struct fake_kernel *kernel, uint64_t va,
				enum fake_kallsyms kind,
				const struct fake_symbol *symbols, uint32_t n,
				struct fake_tables *tables)
{
	tables->addresses = va = aligned(kernel, kind, va);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t value = encode(kernel, kind, tables, symbols[i].va, i);

		if (kind == FAKE_ABSOLUTE)
			fake_put_word(kernel, va, value);
		else
			fake_put32(kernel, va, value);
		va += kind == FAKE_ABSOLUTE ? kernel->word : 4;
	}
	if (kind == FAKE_ABSOLUTE || kind == FAKE_PLACE)
		return va;
	tables->base = aligned(kernel, kind, va);
	fake_put_word(kernel, tables->base, kernel->image);
	return tables->base + kernel->word;
}

struct fake_tables fake_kallsyms(const struct fake_kernel *kernel, uint64_t va,
				 enum fake_kallsyms kind,
				 const struct fake_symbol *symbols, uint32_t n)
{
	bool behind = kind == FAKE_REORDERED || kind == FAKE_PLACE;
	struct fake_tables tables = { 0 };

	if (!behind)
		va = write_addresses(kernel, va, kind, symbols, n, &tables);
	va = write_names(kernel, va, kind, symbols, n, &tables);
	va = write_tokens(kernel, va, kind, &tables);
	if (behind)
		write_addresses(kernel, va, kind, symbols, n, &tables);
	return tables;
}

void fake_vmcoreinfo(struct fake_kernel *kernel, enum fake_kallsyms kind,
		     const struct fake_tables *tables)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	fprintf(to,
		"OSRELEASE=0.0.0-fake\nSYMBOL(kallsyms_names)=%lx\n"
		"SYMBOL(kallsyms_num_syms)=%lx\nSYMBOL(kallsyms_token_table)=%lx\n"
		"SYMBOL(kallsyms_token_index)=%lx\n",
		tables->names, tables->num, tables->token_table, tables->token_index);
	fprintf(to, "SYMBOL(kallsyms_%s)=%lx\n",
		kind == FAKE_ABSOLUTE ? "addresses" : "offsets", tables->addresses);
	if (tables->base)
		fprintf(to, "SYMBOL(kallsyms_relative_base)=%lx\n", tables->base);
	fclose(to);
	free(kernel->system.vmcoreinfo);
	kernel->system.vmcoreinfo = text;
}
