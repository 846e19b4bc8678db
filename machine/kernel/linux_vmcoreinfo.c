/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VMCOREINFO, as crash_save_vmcoreinfo_init() of kernel/crash_core.c and
 * arch_crash_save_vmcoreinfo() of arch/x86/kernel/crash_core_{32,64}.c of Linux 6.1.192
 * write it: those of its lines that are about something the model has.
 */
#include "machine/kernel/linux.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RELEASE "6.1.192-model"

static void print_symbol(FILE *to, const char *name, uint64_t va)
{
	fprintf(to, "SYMBOL(%s)=%" PRIx64 "\n", name, va);
}

static void print_size(const struct kernel *kernel, FILE *to, enum linux_struct row)
{
	fprintf(to, "SIZE(%s)=%" PRIu64 "\n", linux_structs[row].name,
		linux_size(kernel, row));
}

static void print_offset(const struct kernel *kernel, FILE *to, enum linux_field field)
{
	fprintf(to, "OFFSET(%s)=%" PRIu64 "\n", linux_fields[field].name,
		linux_offset(kernel, field));
}

static void print_memory(const struct kernel *kernel, FILE *to)
{
	const struct linux_books *books = kernel->books;

	if (books->mem_map_pointer) {
		print_symbol(to, "mem_map", books->mem_map_pointer);
		return;
	}
	print_symbol(to, "mem_section", books->mem_section);
	fputs("LENGTH(mem_section)=2048\n", to);
	print_size(kernel, to, MEM_SECTION);
	print_offset(kernel, to, SECTION_MEM_MAP);
	fputs("NUMBER(SECTION_SIZE_BITS)=27\nNUMBER(MAX_PHYSMEM_BITS)=46\n", to);
}

static void print_types(const struct kernel *kernel, FILE *to)
{
	static const uint8_t fields[] = { PAGE_FLAGS,         PAGE_REFCOUNT,
					  PAGE_MAPPING,       PAGE_LRU,
					  PAGE_MAPCOUNT,      PAGE_PRIVATE,
					  PAGE_COMPOUND_DTOR, PAGE_COMPOUND_ORDER,
					  PAGE_COMPOUND_HEAD, LIST_NEXT,
					  LIST_PREV };

	print_size(kernel, to, PAGE_STRUCT);
	print_size(kernel, to, LIST_HEAD);
	for (unsigned i = 0; i < sizeof(fields); i++)
		print_offset(kernel, to, fields[i]);
	fputs("NUMBER(PG_lru)=4\nNUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\n"
	      "NUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\nNUMBER(PG_head_mask)=65536\n"
	      "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n",
	      to);
}

static void print_kallsyms(FILE *to, uint64_t va, const struct linux_kallsyms *t)
{
	print_symbol(to, "kallsyms_names", va + t->names);
	print_symbol(to, "kallsyms_num_syms", va + t->num);
	print_symbol(to, "kallsyms_token_table", va + t->token_table);
	print_symbol(to, "kallsyms_token_index", va + t->token_index);
	print_symbol(to, "kallsyms_offsets", va + t->offsets);
	print_symbol(to, "kallsyms_relative_base", va + t->base);
}

static void print_arch(const struct kernel *kernel, FILE *to, uint64_t swapper)
{
	const struct layout *l = &kernel->layout;

	if (kernel->options.format == KERNEL_I386_PAE)
		fputs("CONFIG_X86_PAE=y\n", to);
	if (l->word == 4)
		return;
	/* phys_base is where the image would be said to lie, at __START_KERNEL_map */
	fprintf(to, "NUMBER(phys_base)=%" PRId64 "\n",
		(int64_t)(l->image_pa - (l->image - UINT64_C(0xffffffff80000000))));
	print_symbol(to, "init_top_pgt", swapper);
	fputs("NUMBER(pgtable_l5_enabled)=0\nKERNELOFFSET=0\n"
	      "NUMBER(KERNEL_IMAGE_SIZE)=536870912\nNUMBER(sme_mask)=0\n",
	      to);
}

static void vmcoreinfo_print(const struct kernel *kernel, FILE *to, uint64_t uts,
			     uint64_t kallsyms, const struct linux_kallsyms *t)
{
	const struct layout *l = &kernel->layout;
	uint64_t swapper = l->image + (kernel->swapper - l->image_pa);

	fprintf(to, "OSRELEASE=%s\nPAGESIZE=%u\n", RELEASE, PAGE);
	print_symbol(to, "init_uts_ns", uts);
	print_offset(kernel, to, UTS_NAME);
	print_symbol(to, "swapper_pg_dir", swapper);
	print_symbol(to, "_stext", l->image);
	print_memory(kernel, to);
	print_types(kernel, to);
	print_kallsyms(to, kallsyms, t);
	print_arch(kernel, to, swapper);
}

/* struct new_utsname: six names of 65 bytes. */
static uint64_t uts_create(struct kernel *kernel)
{
	const char *names[] = { "Linux", "model", RELEASE, "#1 SMP",
				kernel->layout.word == 8 ? "x86_64" : "i686" };
	uint64_t va =
		linux_variable(kernel, "init_uts_ns", linux_size(kernel, UTS_NAMESPACE));

	for (unsigned i = 0; va && i < sizeof(names) / sizeof(names[0]); i++)
		va_write(kernel, va + i * UINT64_C(65), names[i], strlen(names[i]) + 1);
	return va;
}

bool linux_vmcoreinfo_create(struct kernel *kernel)
{
	uint64_t uts = uts_create(kernel), kallsyms;
	char text[PAGE] = "";
	struct linux_kallsyms t;
	FILE *to;

	kallsyms = uts ? linux_kallsyms_create(kernel, &t) : 0;
	kernel->books->vmcoreinfo = pages_take(kernel, 1, PAGE_KERNEL);
	to = fmemopen(text, sizeof(text), "w");
	kernel->host_is_short |= !to;
	if (!kallsyms || !kernel->books->vmcoreinfo || !to) {
		if (to)
			fclose(to);
		return false;
	}
	vmcoreinfo_print(kernel, to, uts, kallsyms, &t);
	if (fclose(to) != 0)
		return false;
	machine_memory_write(kernel->memory, kernel->books->vmcoreinfo, text,
			     sizeof(text));
	return true;
}
