/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unicorn, a library made of QEMU, runs the guest. */
#include "emulators.h"

#include "bench.h"

#include <stdio.h>

#ifdef HAVE_UNICORN

#include "util/cleanup.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unicorn/unicorn.h>

#define DEBUG_EXIT 0xf4

struct run {
	uc_engine *engine;
	uint8_t *ram; /* SPEED_RAM bytes */
	struct emulation *result;
};

static void release(struct run *run)
{
	if (run->engine)
		uc_close(run->engine);
	if (run->ram != MAP_FAILED)
		munmap(run->ram, SPEED_RAM);
}

/* Copies what an ELF file says is to be loaded; false: it is none of ours. */
static bool load(FILE *file, uint8_t *ram, uint32_t *entry)
{
	Elf32_Ehdr head;
	Elf32_Phdr part;

	if (!file || fread(&head, sizeof(head), 1, file) != 1 ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	*entry = head.e_entry;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		if (fseek(file, (long)(head.e_phoff + i * sizeof(part)), SEEK_SET) ||
		    fread(&part, sizeof(part), 1, file) != 1)
			return false;
		if (part.p_type != PT_LOAD || !part.p_filesz)
			continue;
		if (part.p_paddr > SPEED_RAM ||
		    part.p_filesz > SPEED_RAM - part.p_paddr ||
		    fseek(file, (long)part.p_offset, SEEK_SET) ||
		    fread(ram + part.p_paddr, part.p_filesz, 1, file) != 1)
			return false;
	}
	return true;
}

static void write_port(uc_engine *engine, uint32_t port, int size, uint32_t value,
		       void *arg)
{
	(void)size;
	if (port == DEBUG_EXIT)
		uc_emu_stop(engine);
	else
		emulation_hear(arg, (char)value, bench_cpu_seconds());
}

/*
 * The RAM is at SPEED_DIRECT too: Unicorn 2.0 walks the page tables and then takes the
 * linear address for the physical one.
 */
static uc_err execute(struct run *run, uint32_t entry)
{
	uc_hook hook;
	uc_err error = uc_open(UC_ARCH_X86, UC_MODE_32, &run->engine);

	if (!error)
		error = uc_mem_map_ptr(run->engine, 0, SPEED_RAM, UC_PROT_ALL, run->ram);
	if (!error)
		error = uc_mem_map_ptr(run->engine, SPEED_DIRECT, SPEED_RAM, UC_PROT_ALL,
				       run->ram);
	if (!error)
		error = uc_hook_add(run->engine, &hook, UC_HOOK_INSN,
				    (void *)(uintptr_t)write_port, run->result, 1, 0,
				    UC_X86_INS_OUT);
	return error ? error : uc_emu_start(run->engine, entry, 0, 0, 0);
}

void emulate_by_unicorn(const char *guest, struct emulation *result)
{
	ws_cleanup(release) struct run run = {
		.ram = mmap(NULL, SPEED_RAM, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
		.result = result,
	};
	ws_autofclose FILE *file = fopen(guest, "rb");
	uint32_t entry;

	*result = (struct emulation){ .reason = "the guest cannot be loaded" };
	if (run.ram == MAP_FAILED || !load(file, run.ram, &entry))
		return;
	snprintf(result->reason, sizeof(result->reason), "Unicorn says: %s",
		 uc_strerror(execute(&run, entry)));
}

#else

void emulate_by_unicorn(const char *guest, struct emulation *result)
{
	(void)guest;
	*result = (struct emulation){ .reason = "built without libunicorn-dev" };
}

#endif
