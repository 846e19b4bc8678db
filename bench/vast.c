/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vast.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAME UINT64_C(4096)
#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)
#define HEADERS FRAME /* of the core; memory follows */

/*
 *	pa
 *	 16 MiB  image: text, read-only; from 20 MiB on its data
 *	 32 MiB  module memory
 *	 64 MiB  frames as they are needed: slabs, then each process's tables
 */
#define PA_TEXT (16 * MIB)
#define PA_DATA (20 * MIB)
#define PA_IMAGE_END (24 * MIB)
#define PA_MODULE (32 * MIB)
#define MODULE_PAGES 64u
#define PA_FRAMES (64 * MIB)

#define PA_SWAPPER PA_DATA
#define PA_INIT_TASK (PA_DATA + 0x4000)
#define PA_INIT_MM (PA_DATA + 0x8000)

/* Documentation/arch/x86/x86_64/mm.rst. */
#define PAGE_OFFSET UINT64_C(0xffff888000000000)
#define VMALLOC UINT64_C(0xffffc90000000000)
#define IMAGE UINT64_C(0xffffffff81000000)

/* Of Debian's 6.1, near enough: task_struct takes three pages with its neighbours. */
#define TASK_SIZE 0x2600u
#define TASK_TASKS 0x900u
#define TASK_MM 0x950u
#define TASK_PID 0x9f8u
#define TASK_COMM 0xbd8u
#define TASK_FLAGS 0x2cu
#define MM_SIZE 0x440u
#define MM_PGD 0x48u

/* SDM vol. 3A, tables 4-15 to 4-20. */
#define P UINT64_C(1)
#define RW UINT64_C(2)
#define US UINT64_C(4)
#define AD UINT64_C(0x60)
#define PS UINT64_C(0x80)
#define G UINT64_C(0x100)
#define XD (UINT64_C(1) << 63)

/* A program of three pieces: text and heap, libraries, stack. */
static const struct piece {
	uint64_t va;
	unsigned pages;
} pieces[] = {
	{ 0x555555554000, 200 },
	{ 0x7ffff7c00000, 420 },
	{ 0x7ffffffde000, 33 },
};

struct machine {
	uint8_t *memory;
	uint64_t end, next;
};

static void put(struct machine *m, uint64_t pa, uint64_t value)
{
	memcpy(m->memory + pa, &value, sizeof(value));
}

static uint64_t get(const struct machine *m, uint64_t pa)
{
	uint64_t value;

	memcpy(&value, m->memory + pa, sizeof(value));
	return value;
}

static uint64_t take(struct machine *m, uint64_t bytes)
{
	uint64_t pa = m->next;

	m->next += (bytes + FRAME - 1) & -FRAME;
	return pa;
}

/* ---- page tables ------------------------------------------------------------------ */

static uint64_t entry_at(uint64_t table, uint64_t va, unsigned shift)
{
	return table + (va >> shift & 511) * 8;
}

/* One page of 1 << shift bytes; tables are made on the way to it. */
static void map(struct machine *m, uint64_t root, uint64_t va, uint64_t entry,
		unsigned shift)
{
	uint64_t table = root, user = va < GIB << 17 ? US : 0;

	for (unsigned level = 39; level > shift; level -= 9) {
		uint64_t at = entry_at(table, va, level);

		if (!get(m, at))
			put(m, at, take(m, FRAME) | P | RW | user | AD);
		table = get(m, at) & UINT64_C(0xffffffffff000);
	}
	put(m, entry_at(table, va, shift), entry | (shift > 12 ? PS : 0));
}

static void kernel_half_make(struct machine *m)
{
	for (uint64_t pa = 0; pa < m->end; pa += GIB)
		map(m, PA_SWAPPER, PAGE_OFFSET + pa, pa | P | RW | AD | G | XD, 30);
	for (uint64_t pa = PA_TEXT; pa < PA_IMAGE_END; pa += 2 * MIB)
		map(m, PA_SWAPPER, IMAGE + (pa - PA_TEXT),
		    pa | P | AD | G | (pa < PA_DATA ? 0 : RW | XD), 21);
	for (uint64_t i = 0; i < MODULE_PAGES; i++)
		map(m, PA_SWAPPER, VMALLOC + i * FRAME,
		    (PA_MODULE + i * FRAME) | P | RW | AD | G | XD, 12);
}

static uint64_t root_make(struct machine *m, unsigned n)
{
	uint64_t root = take(m, FRAME);

	memcpy(m->memory + root + FRAME / 2, m->memory + PA_SWAPPER + FRAME / 2,
	       FRAME / 2);
	for (unsigned i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		for (unsigned page = 0; page < pieces[i].pages; page++)
			map(m, root, pieces[i].va + page * FRAME,
			    (m->end / 2 +
			     (n * UINT64_C(1024) + page) * FRAME % (m->end / 2)) |
				    P | RW | US | AD | XD,
			    12);
	return root;
}

/* ---- tasks ------------------------------------------------------------------------ */

static void task_make(struct machine *m, uint64_t pa, const char *comm, uint32_t pid,
		      uint32_t flags, uint64_t mm)
{
	snprintf((char *)m->memory + pa + TASK_COMM, 16, "%s", comm);
	memcpy(m->memory + pa + TASK_PID, &pid, sizeof(pid));
	memcpy(m->memory + pa + TASK_PID + 4, &pid, sizeof(pid));
	memcpy(m->memory + pa + TASK_FLAGS, &flags, sizeof(flags));
	put(m, pa + TASK_MM, mm);
	put(m, pa + TASK_MM + 8, mm);
}

/* Behind the last of the list, whose head is init_task's. */
static void task_link(struct machine *m, uint64_t pa, uint64_t *last, uint64_t *last_va)
{
	uint64_t va = PAGE_OFFSET + pa + TASK_TASKS;
	uint64_t head = IMAGE + (PA_INIT_TASK - PA_TEXT) + TASK_TASKS;

	put(m, *last + TASK_TASKS, va);
	put(m, pa + TASK_TASKS, head);
	put(m, pa + TASK_TASKS + 8, *last_va);
	put(m, PA_INIT_TASK + TASK_TASKS + 8, va);
	*last = pa;
	*last_va = va;
}

/* init, kthreadd, and then the processes. */
static void tasks_make(struct machine *m, unsigned nprocesses)
{
	uint64_t slab = take(m, (nprocesses + UINT64_C(2)) * TASK_SIZE);
	uint64_t mms = take(m, (nprocesses + UINT64_C(1)) * MM_SIZE);
	uint64_t last = PA_INIT_TASK;
	uint64_t last_va = IMAGE + (PA_INIT_TASK - PA_TEXT) + TASK_TASKS;
	unsigned n = 0;

	task_make(m, PA_INIT_TASK, "swapper/0", 0, 0x200002, 0);
	put(m, PA_INIT_TASK + TASK_MM + 8, IMAGE + (PA_INIT_MM - PA_TEXT));
	put(m, PA_INIT_MM + MM_PGD, IMAGE + (PA_SWAPPER - PA_TEXT));
	for (uint32_t pid = 1; pid < nprocesses + 2; pid++) {
		uint64_t task = slab + (uint64_t)pid * TASK_SIZE, mm = mms + n * MM_SIZE;

		if (pid == 2) {
			task_make(m, task, "kthreadd", pid, 0x200040, 0);
		} else {
			put(m, mm + MM_PGD, PAGE_OFFSET + root_make(m, n++));
			task_make(m, task, pid == 1 ? "init" : "sleeper", pid, 0x400100,
				  PAGE_OFFSET + mm);
		}
		task_link(m, task, &last, &last_va);
	}
}

/* ---- the core --------------------------------------------------------------------- */

/* struct QEMUCPUState (QEMU, target/i386/arch_dump.c): registers, CR0 to CR4. */
#define QEMU_STATE 440u
#define QEMU_CR0 392u

static void note_make(uint8_t *note)
{
	const Elf64_Nhdr header = { .n_namesz = 5, .n_descsz = QEMU_STATE };
	const uint32_t version[] = { 1, QEMU_STATE };
	const uint64_t cr[] = { UINT64_C(0x80050033), 0, 0, PA_SWAPPER, 0xa0 };
	uint8_t *state = note + sizeof(header) + 8;

	memcpy(note, &header, sizeof(header));
	memcpy(note + sizeof(header), "QEMU", 5);
	memcpy(state, version, sizeof(version));
	memcpy(state + QEMU_CR0, cr, sizeof(cr));
}

static void headers_make(uint8_t *core, uint64_t size)
{
	const Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
						 ELFDATA2LSB, EV_CURRENT },
				    .e_type = ET_CORE,
				    .e_machine = EM_X86_64,
				    .e_version = EV_CURRENT,
				    .e_phoff = sizeof(header),
				    .e_ehsize = sizeof(header),
				    .e_phentsize = sizeof(Elf64_Phdr),
				    .e_phnum = 2 };
	const Elf64_Phdr phdr[] = { { .p_type = PT_NOTE,
				      .p_offset = 1024,
				      .p_filesz = sizeof(Elf64_Nhdr) + 8 + QEMU_STATE },
				    { .p_type = PT_LOAD,
				      .p_offset = HEADERS,
				      .p_filesz = size,
				      .p_memsz = size } };

	memcpy(core, &header, sizeof(header));
	memcpy(core + sizeof(header), phdr, sizeof(phdr));
	note_make(core + 1024);
}

/* Pages of a cache: what is in them is nobody's. */
static void fill(struct machine *m, uint64_t end)
{
	uint64_t random = 88172645463325252;

	for (uint64_t pa = take(m, 0); pa < end; pa += sizeof(random)) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		put(m, pa, random);
	}
}

int vast_make(const struct vast *vast)
{
	uint64_t size = vast->gib * GIB;
	int fd = memfd_create("vast", MFD_CLOEXEC);
	struct machine m = { .end = size, .next = PA_FRAMES };
	uint8_t *core;

	if (fd < 0 || ftruncate(fd, (off_t)(HEADERS + size)))
		return -1;
	core = mmap(NULL, HEADERS + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (core == MAP_FAILED)
		return -1;
	m.memory = core + HEADERS;
	headers_make(core, size);
	kernel_half_make(&m);
	tasks_make(&m, vast->nprocesses);
	fill(&m, vast->data);
	munmap(core, HEADERS + size);
	return fd;
}
