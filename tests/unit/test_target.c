/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Targets that are as they should be: what they say of memory, registers and format. */
#include "common/frames.h"
#include "common/random.h"
#include "containers.h"
#include "mk/mk.h"
#include "paging/format.h"
#include "target/kdump_file.h"
#include "target/target.h"
#include "util/cleanup.h"
#include "x86/entry.h"
#include "x86/registers.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A dump of text, opened. */
struct dump {
	struct mk mk;
	int fd;
	char path[32];
	struct ws_context *ctx;
	struct ws_target *target;
};

static struct dump dump_open(const char *text, const struct ws_target_options *options)
{
	struct dump d = { .ctx = ws_context_create() };

	assert_non_null(d.ctx);
	assert_true(mk_build(&d.mk, text));
	d.fd = mk_file(&d.mk, d.path);
	if (ws_target_open(d.ctx, d.path, options, &d.target))
		fail_msg("%s", ws_error(d.ctx, 0));
	return d;
}

static void dump_close(struct dump *d)
{
	ws_target_close(d->target);
	ws_context_destroy(d->ctx);
	close(d->fd);
	mk_release(&d->mk);
}

#define autodump ws_cleanup(dump_close) struct dump

static void assert_frame(struct dump *d, uint64_t pa)
{
	uint8_t expected[WS_FRAME_SIZE], read[WS_FRAME_SIZE];
	const uint8_t *frame = target_frame(d->target, pa + 123);

	mk_frame(pa, expected);
	assert_non_null(frame);
	assert_memory_equal(frame, expected, sizeof(expected));
	assert_ptr_equal(target_frame(d->target, pa), frame);
	assert_true(ws_target_read(d->target, pa, read, sizeof(read)) == WS_READ);
	assert_memory_equal(read, expected, sizeof(expected));
}

/* What one pass reported: every frame once, and rightly. */
struct tally {
	pthread_mutex_t lock;
	uint64_t frames, sum, wrong;
};

static void tally_chunk(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			size_t len)
{
	struct tally *tally = arg;
	uint8_t expected[WS_FRAME_SIZE];

	pthread_mutex_lock(&tally->lock);
	tally->wrong += worker >= WS_SCAN_WORKERS || len > WS_SCAN_CHUNK ||
			len % WS_FRAME_SIZE || pa % WS_FRAME_SIZE;
	for (size_t i = 0; i < len; i += WS_FRAME_SIZE) {
		mk_frame(pa + i, expected);
		tally->wrong += memcmp(data + i, expected, WS_FRAME_SIZE) != 0;
		tally->sum += pa + i;
		tally->frames++;
	}
	pthread_mutex_unlock(&tally->lock);
}

/* Memory is these ranges of whole frames, with mk_frame()'s bytes, and no others. */
static void assert_memory(struct dump *d, const struct ws_extent *range, size_t n)
{
	struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct ws_extent *extents;
	uint64_t frames = 0, sum = 0;
	size_t nextents;

	extents = ws_target_extents(d->target, &nextents);
	assert_int_equal(nextents, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(extents[i].pa, range[i].pa);
		assert_int_equal(extents[i].len, range[i].len);
		for (uint64_t at = 0; at < range[i].len; at += WS_FRAME_SIZE) {
			assert_frame(d, range[i].pa + at);
			frames++;
			sum += range[i].pa + at;
		}
		assert_null(target_frame(d->target, range[i].pa - 1));
		assert_null(target_frame(d->target, range[i].pa + range[i].len));
	}
	assert_int_equal(ws_target_scan(d->target, "scan", tally_chunk, &tally), WS_OK);
	assert_int_equal(tally.wrong, 0);
	assert_int_equal(tally.frames, frames);
	assert_int_equal(tally.sum, sum);
	assert_int_equal(d->target->ndamaged, 0);
}

#define assert_memory_is(d, ...)                                          \
	assert_memory(d, (const struct ws_extent[]){ __VA_ARGS__ },       \
		      sizeof((const struct ws_extent[]){ __VA_ARGS__ }) / \
			      sizeof(struct ws_extent))

/* ---- ELF -------------------------------------------------------------------------- */

static void elf64(void **state)
{
	autodump d = dump_open("ehdr64 phnum=3\n"
			       "phdr64 offset=0x1000 paddr=0x100000000 filesz=0x3000 "
			       "memsz=0x3000\n"
			       "phdr64 offset=0x4000 paddr=0x10000 filesz=0x2000 "
			       "memsz=0x2000\n"
			       "phdr64 offset=0x6000 paddr=0x12000\n"
			       "at 0x1000\nframes 0x100000000 3\nframes 0x10000 2",
			       NULL);

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "elf");
	assert_string_equal(ws_target_path(d.target), d.path);
	assert_null(ws_target_vmcoreinfo(d.target));
	assert_memory_is(&d, { 0x10000, 0x2000 }, { 0x100000000, 0x3000 });
}

/*
 * Frames that were looked at stay where they are, however many come after: more than a block
 * of them holds, and than there were slots for. They are asked for in no order.
 */
#define KEPT_FRAMES 5000u
static void frames_stay(void **state)
{
	static const uint8_t *kept[KEPT_FRAMES];
	autodump d = dump_open("ehdr64\n"
			       "phdr64 offset=0x1234 paddr=0x100000 filesz=0x1388000 "
			       "memsz=0x1388000\nat 0x1234\nframes 0x100000 5000\n",
			       NULL);

	(void)state;
	for (unsigned i = 0; i < KEPT_FRAMES; i++) {
		unsigned n = i * 2999 % KEPT_FRAMES;

		kept[n] = target_frame(d.target, 0x100000 + n * WS_FRAME_SIZE);
		assert_non_null(kept[n]);
	}
	for (unsigned n = 0; n < KEPT_FRAMES; n++) {
		assert_frame(&d, 0x100000 + n * WS_FRAME_SIZE);
		assert_ptr_equal(target_frame(d.target, 0x100000 + n * WS_FRAME_SIZE),
				 kept[n]);
	}
	assert_null(target_frame(d.target, 0x100000 + KEPT_FRAMES * WS_FRAME_SIZE));
}

static void elf32(void **state)
{
	autodump d = dump_open("ehdr32\n"
			       "phdr32 offset=0x54 paddr=0xfffff000 filesz=0x1000 "
			       "memsz=0x1000\n"
			       "frames 0xfffff000 1",
			       NULL);

	(void)state;
	assert_memory_is(&d, { 0xfffff000, 0x1000 });
}

/* Neighbours in memory that are none in the file: one extent, and reads across. */
static void elf_seam(void **state)
{
	uint8_t bytes[16], expected[WS_FRAME_SIZE];
	autodump d = dump_open("ehdr64 phnum=2\n"
			       "phdr64 offset=0x2000 paddr=0x1000 filesz=0x1000 "
			       "memsz=0x1000\n"
			       "phdr64 offset=0x1000 paddr=0x2000 filesz=0x1000 "
			       "memsz=0x1000\n"
			       "at 0x1000\nframes 0x2000 1\nframes 0x1000 1",
			       NULL);

	(void)state;
	assert_memory_is(&d, { 0x1000, 0x2000 });
	assert_true(ws_target_read(d.target, 0x1ff8, bytes, sizeof(bytes)) == WS_READ);
	mk_frame(0x1000, expected);
	assert_memory_equal(bytes, expected + 0xff8, 8);
	mk_frame(0x2000, expected);
	assert_memory_equal(bytes + 8, expected, 8);
	assert_false(ws_target_read(d.target, 0x2ff8, bytes, sizeof(bytes)) == WS_READ);
}

/* Ends that are not a frame's: their bytes can be read, their frames are none. */
static void elf_ragged(void **state)
{
	uint8_t bytes[WS_FRAME_SIZE];
	autodump d = dump_open("ehdr64 phnum=2\n"
			       "phdr64 offset=0x1800 paddr=0x1800 filesz=0x2000 "
			       "memsz=0x2000\n"
			       "phdr64 offset=0x5100 paddr=0x5100 filesz=0x100 "
			       "memsz=0x100\n"
			       "at 0x1000\nframes 0x1000 5",
			       NULL);

	(void)state;
	assert_null(target_frame(d.target, 0x1800));
	assert_null(target_frame(d.target, 0x3000));
	assert_null(target_frame(d.target, 0x5100));
	assert_frame(&d, 0x2000);
	assert_int_equal(d.target->nframes, 1);
	assert_true(ws_target_read(d.target, 0x1800, bytes, 0x800) == WS_READ);
	assert_true(ws_target_read(d.target, 0x5100, bytes, 0x100) == WS_READ);
	assert_int_equal(bytes[1], 0x51);
	assert_false(ws_target_read(d.target, 0x5100, bytes, 0x101) == WS_READ);
	assert_false(ws_target_read(d.target, 0x17ff, bytes, 2) == WS_READ);
}

/* What is past p_filesz was left out: it is not zero. */
static void elf_filtered(void **state)
{
	autodump d = dump_open("ehdr64\n"
			       "phdr64 offset=0x1000 paddr=0 filesz=0x1000 memsz=0x4000\n"
			       "at 0x1000\nframes 0 1",
			       NULL);

	(void)state;
	assert_memory_is(&d, { 0, 0x1000 });
}

/* As /proc/vmcore does, which has the kernel image a second time. */
static void elf_repetition(void **state)
{
	autodump d = dump_open("ehdr64 phnum=2\n"
			       "phdr64 offset=0x4000 paddr=0x2000 filesz=0x1000 "
			       "memsz=0x1000\n"
			       "phdr64 offset=0x1000 paddr=0x1000 filesz=0x3000 "
			       "memsz=0x3000\n"
			       "at 0x1000\nframes 0x1000 3\nframes 0x2000 1",
			       NULL);

	(void)state;
	assert_memory_is(&d, { 0x1000, 0x3000 });
}

/* ---- /proc/kcore ---- */

/* Its PRSTATUS is zero, and of nobody. */
#define KCORE_NOTES                                                     \
	"at 0x400\nnhdr descsz=336 type=1\ntext \"CORE\\0\\0\\0\\0\"\n" \
	"at 0x564\nnhdr descsz=8 type=4\ntext \"CORE\\0\\0\\0\\0\"\nu64 0\n"

/*
 * The image was read at another moment, and holds nothing that the direct map has not;
 * vmalloc has no physical address.
 */
static void kcore(void **state)
{
	autodump d = dump_open(
		"ehdr64 phnum=5\nphdr64 type=4 offset=0x400 filesz=0x180\n"
		"phdr64 vaddr=0xffffffff81001000 offset=0x4000 paddr=0x1000 "
		"filesz=0x1000 memsz=0x1000\n"
		"phdr64 vaddr=0xffffc90000000000 offset=0x5000 paddr=-1 filesz=0x1000 "
		"memsz=0x1000\n"
		"phdr64 vaddr=0xffff888000001000 offset=0x1000 paddr=0x1000 "
		"filesz=0x2000 memsz=0x2000\n"
		"phdr64 vaddr=0xffff888000008000 offset=0x3000 paddr=0x8000 "
		"filesz=0x1000 memsz=0x1000\n" KCORE_NOTES
		"at 0x1000\nframes 0x1000 2\nframes 0x8000 1\nframes 0xa000 2\n",
		NULL);

	(void)state;
	assert_memory_is(&d, { 0x1000, 0x2000 }, { 0x8000, 0x1000 });
	assert_int_equal(d.target->cpus.n, 0);
	assert_non_null(strstr(ws_target_note(d.target, 0), "a copy of /proc/kcore"));
	assert_null(ws_target_note(d.target, 1));
}

/* Without the direct map, as perf copies it, the image is all there is. */
static void kcore_image(void **state)
{
	autodump d = dump_open(
		"ehdr64 phnum=2\n"
		"phdr64 vaddr=0xffffffff81001000 offset=0x1000 paddr=0x1000 "
		"filesz=0x1000 memsz=0x1000\n"
		"phdr64 vaddr=0xffffc90000000000 offset=0x2000 paddr=-1 filesz=0x1000 "
		"memsz=0x1000\n"
		"at 0x1000\nframes 0x1000 1\nframes 0xa000 1\n",
		NULL);

	(void)state;
	assert_memory_is(&d, { 0x1000, 0x1000 });
}

/*
 * Before 4.11: all addresses are 0, and the last segment was the first. The direct map has
 * holes, and ends before one as wide as vmalloc's distance.
 */
static void kcore_unplaced(void **state)
{
	autodump d = dump_open(
		"ehdr32 phnum=5 machine=3\nphdr32 type=4 offset=0x200 filesz=0x1c\n"
		"phdr32 vaddr=0xc09ff000 offset=0x4000 filesz=0x1000 memsz=0x1000\n"
		"phdr32 vaddr=0xc1200000 offset=0x5000 filesz=0x1000 memsz=0x1000\n"
		"phdr32 vaddr=0xc0200000 offset=0x2000 filesz=0x2000 memsz=0x2000\n"
		"phdr32 vaddr=0xc0001000 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
		"at 0x200\nnhdr descsz=8 type=4\ntext \"CORE\\0\\0\\0\\0\"\nu64 0\n"
		"at 0x1000\nframes 0x1000 1\nframes 0x200000 2\nframes 0x9ff000 1\n"
		"frames 0x1200000 1\n",
		NULL);

	(void)state;
	assert_memory_is(&d, { 0x1000, 0x1000 }, { 0x200000, 0x2000 },
			 { 0x9ff000, 0x1000 });
	/* What the kernel has no address for is not in it, and may be anywhere. */
	assert_int_equal(d.target->memory_end, UINT64_C(1) << 52);
}

static void elf_many_headers(void **state)
{
	autodump d = dump_open("ehdr64 phnum=0xffff phoff=0x1000 shoff=64 shnum=1\n"
			       "shdr64 info=2\n"
			       "at 0x1000\n"
			       "phdr64 offset=0x2000 filesz=0x1000 memsz=0x1000\n"
			       "phdr64 offset=0x3000 paddr=0x5000 filesz=0x1000 "
			       "memsz=0x1000\n"
			       "at 0x2000\nframes 0 1\nframes 0x5000 1",
			       NULL);

	(void)state;
	assert_memory_is(&d, { 0, 0x1000 }, { 0x5000, 0x1000 });
}

/* ---- registers and VMCOREINFO ----------------------------------------------------- */

/* PRSTATUS of two processors, then QEMU's notes of the same two. */
#define NOTES                                                                   \
	"nhdr descsz=336 type=1\ntext \"CORE\\0\\0\\0\\0\"\n"                   \
	"prstatus64 rax=1 rip=2\n"                                              \
	"nhdr descsz=336 type=1\ntext \"CORE\\0\\0\\0\\0\"\n"                   \
	"prstatus64 rax=3 rip=4\n"                                              \
	"nhdr descsz=440 type=0\ntext \"QEMU\\0\\0\\0\\0\"\n"                   \
	"qemu rax=11 r8=8 r15=15 rip=22 rsp=33 rflags=44 cs_selector=0x10 "     \
	"cs_limit=5 cs_flags=0xaf9b00 cs_base=6 tr_base=7 gdt_base=9 "          \
	"idt_base=10 cr0=0x80050033 cr2=12 cr3=0x1234000 cr4=0x20\n"            \
	"nhdr descsz=440 type=0\ntext \"QEMU\\0\\0\\0\\0\"\n"                   \
	"qemu rax=55 cr3=0x5678000\n"                                           \
	"nhdr namesz=11 descsz=14\ntext \"VMCOREINFO\\0\\0OSRELEASE=6.1\\n\"\n" \
	"u16 0\n"
#define NOTES_SIZE "1676"

/* By the names of the manual; a part of a segment by its own. */
static void assert_registers(const struct ws_cpu *cpu)
{
	static const struct {
		const char *name;
		uint64_t value;
	} known[] = { { "rax", 11 },        { "r15", 15 },     { "rflags", 44 },
		      { "cr3", 0x1234000 }, { "cs", 0x10 },    { "cs.limit", 5 },
		      { "cs.base", 6 },     { "idt.base", 10 } };
	static const char *const unknown[] = { "eax", "cr1",     "cr3.base",
					       "cs.", "cs.size", "" };
	enum ws_register_group group;
	uint64_t value;
	unsigned n = 0;

	for (size_t i = 0; i < WS_ARRAY_SIZE(known); i++) {
		assert_true(ws_cpu_register(cpu, known[i].name, &value));
		assert_int_equal(value, known[i].value);
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(unknown); i++)
		assert_false(ws_cpu_register(cpu, unknown[i], &value));
	while (ws_cpu_register_at(cpu, n, &group))
		n++;
	assert_int_equal(n, 18 + 4 + 10 + 1);
	assert_string_equal(ws_cpu_register_at(cpu, 18, &group), "cr0");
	assert_int_equal(group, WS_REGISTER_CONTROL);
	assert_string_equal(ws_cpu_register_at(cpu, n - 2, &group), "idt");
	assert_int_equal(group, WS_REGISTER_SEGMENT);
}

static void assert_notes(struct dump *d)
{
	const struct ws_cpu *cpu = ws_target_cpu(d->target, 0);

	assert_int_equal(d->target->cpus.n, 2);
	assert_true(x86_has_control(&cpu[0]) && x86_has_control(&cpu[1]));
	assert_int_equal(cpu[0].reg[X86_AX], 11);
	assert_int_equal(cpu[0].reg[X86_SP], 33);
	assert_int_equal(cpu[0].reg[X86_R8], 8);
	assert_int_equal(cpu[0].reg[X86_R15], 15);
	assert_int_equal(cpu[0].reg[X86_IP], 22);
	assert_int_equal(cpu[0].reg[X86_FLAGS], 44);
	assert_int_equal(cpu[0].reg[X86_CS], 0x10);
	assert_int_equal(cpu[0].reg[X86_CS + WS_SEGMENT_LIMIT], 5);
	assert_int_equal(cpu[0].reg[X86_CS + WS_SEGMENT_FLAGS], 0xaf9b00);
	assert_int_equal(cpu[0].reg[X86_CS + WS_SEGMENT_BASE], 6);
	assert_int_equal(cpu[0].reg[X86_TR + WS_SEGMENT_BASE], 7);
	assert_int_equal(cpu[0].reg[X86_GDT + WS_SEGMENT_BASE], 9);
	assert_int_equal(cpu[0].reg[X86_IDT + WS_SEGMENT_BASE], 10);
	assert_int_equal(cpu[0].reg[X86_CR0], 0x80050033);
	assert_int_equal(cpu[0].reg[X86_CR2], 12);
	assert_int_equal(cpu[0].reg[X86_CR3], 0x1234000);
	assert_int_equal(cpu[0].reg[X86_CR4], 0x20);
	assert_int_equal(cpu[1].reg[X86_AX], 55);
	assert_int_equal(cpu[1].reg[X86_CR3], 0x5678000);
	assert_string_equal(ws_target_vmcoreinfo(d->target), "OSRELEASE=6.1\n");
	assert_ptr_equal(d->target->format, &ws_format_x86_64);
	assert_registers(&cpu[0]);
}

static void notes(void **state)
{
	autodump d = dump_open("ehdr64 phnum=2\n"
			       "phdr64 type=4 offset=0x1000 filesz=" NOTES_SIZE "\n"
			       "phdr64 offset=0x2000 filesz=0x1000 memsz=0x1000\n"
			       "at 0x1000\n" NOTES "at 0x2000\nframes 0 1",
			       NULL);

	(void)state;
	assert_int_equal(d.target->memory.n, 1);
	assert_notes(&d);
}

/* What a capture says of modules is read as it is written; where it does not, it is not. */
static void modules_note(void **state)
{
	autodump d = dump_open("ehdr64 phnum=1\n"
			       "phdr64 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
			       "at 0x1000\nframes 0 1",
			       NULL);

	(void)state;
	for (unsigned said = 0; said < 2; said++) {
		struct ws_taken_from from = { .format = &ws_format_x86_64,
					      .no_modules = said,
					      .modules_absent = 0x5000 };
		uint8_t *bytes;
		size_t size;

		d.target->modules_sought = false;
		d.target->modules_absent = 0;
		assert_int_equal(ws_target_write_notes(d.target, &from, &bytes, &size),
				 WS_OK);
		assert_int_equal(ws_target_parse_notes(d.target, bytes, size, 0, false),
				 WS_OK);
		assert_int_equal(d.target->modules_sought, said);
		assert_int_equal(d.target->modules_absent, said * 0x5000);
		free(bytes);
	}
}

static void prstatus32(void **state)
{
	uint64_t value;
	const struct ws_cpu *cpu;
	autodump d = dump_open("ehdr32 phnum=2\n"
			       "phdr32 type=4 offset=116 filesz=164\n"
			       "phdr32 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
			       "nhdr descsz=144 type=1\ntext \"CORE\\0\\0\\0\\0\"\n"
			       "prstatus32 ebx=1 ecx=2 edx=3 esi=4 edi=5 ebp=6 eax=7 "
			       "eip=8 cs=0x60 eflags=10 esp=11 ss=0x68\n"
			       "at 0x1000\nframes 0 1",
			       NULL);
	static const uint64_t expected[X86_GENERAL] = {
		[X86_BX] = 1, [X86_CX] = 2, [X86_DX] = 3, [X86_SI] = 4,     [X86_DI] = 5,
		[X86_BP] = 6, [X86_AX] = 7, [X86_IP] = 8, [X86_FLAGS] = 10, [X86_SP] = 11,
	};

	(void)state;
	cpu = ws_target_cpu(d.target, 0);
	assert_null(ws_target_cpu(d.target, 1));
	assert_memory_equal(cpu->reg, expected, sizeof(expected));
	assert_int_equal(cpu->reg[X86_CS], 0x60);
	assert_int_equal(cpu->reg[X86_SS], 0x68);
	assert_false(x86_has_control(cpu));
	assert_false(ws_cpu_register(cpu, "cr3", &value));
	assert_false(ws_cpu_register(cpu, "cs.base", &value));
	assert_true(ws_cpu_register(cpu, "eax", &value));
	assert_int_equal(value, 7);
	assert_null(d.target->format);
}

static void prstatus64(void **state)
{
	const struct ws_cpu *cpu;
	autodump d = dump_open("ehdr64 phnum=2\n"
			       "phdr64 type=4 offset=176 filesz=356\n"
			       "phdr64 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
			       "nhdr descsz=336 type=1\ntext \"CORE\\0\\0\\0\\0\"\n"
			       "prstatus64 r15=15 rbp=6 rbx=1 r8=8 rax=7 rcx=2 rdx=3 "
			       "rsi=4 rdi=5 rip=9 cs=0x10 rflags=10 rsp=11 ss=0x18\n"
			       "at 0x1000\nframes 0 1",
			       NULL);
	static const uint64_t expected[X86_GENERAL] = {
		[X86_BX] = 1, [X86_CX] = 2,  [X86_DX] = 3,     [X86_SI] = 4,
		[X86_DI] = 5, [X86_BP] = 6,  [X86_AX] = 7,     [X86_R8] = 8,
		[X86_IP] = 9, [X86_SP] = 11, [X86_FLAGS] = 10, [X86_R15] = 15,
	};

	(void)state;
	cpu = ws_target_cpu(d.target, 0);
	assert_null(ws_target_cpu(d.target, 1));
	assert_memory_equal(cpu->reg, expected, sizeof(expected));
	assert_int_equal(cpu->reg[X86_CS], 0x10);
	assert_int_equal(cpu->reg[X86_SS], 0x18);
}

/* Of what the processor has beside them nothing is known, its page tables included. */
static void prstatus_arm(void **state)
{
	static const struct {
		const char *name;
		uint64_t value;
	} expected[] = { { "r0", 1 },  { "r1", 2 },  { "r12", 12 },    { "sp", 13 },
			 { "lr", 14 }, { "pc", 15 }, { "cpsr", 0x93 }, { "r2", 0 } };
	static const char *const unknown[] = { "ttbr0", "ttbr1", "ttbcr",
					       "dacr",  "sctlr", "vbar" };
	const struct ws_cpu *cpu;
	uint64_t value;
	autodump d =
		dump_open("ehdr32 machine=40 phnum=2\n"
			  "phdr32 type=4 offset=116 filesz=168\n"
			  "phdr32 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
			  "nhdr descsz=148 type=1\ntext \"CORE\\0\\0\\0\\0\"\n"
			  "prstatus_arm r0=1 r1=2 r12=12 sp=13 lr=14 pc=15 cpsr=0x93\n"
			  "at 0x1000\nframes 0 1",
			  NULL);

	(void)state;
	cpu = ws_target_cpu(d.target, 0);
	assert_null(ws_target_cpu(d.target, 1));
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		assert_true(ws_cpu_register(cpu, expected[i].name, &value));
		assert_int_equal(value, expected[i].value);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		assert_false(ws_cpu_register(cpu, unknown[i], &value));
	assert_false(ws_cpu_root(cpu, &value));
	assert_true(cpu->arch->kernel_sp(cpu, &value));
	assert_int_equal(value, 13);
	assert_null(d.target->format);
	assert_int_equal(d.target->word, 4);
}

/* SDM vol. 3A 4.1.1: which bits select which paging mode. */
static void formats(void **state)
{
	static const struct {
		uint64_t cr0, cr4, idt;
		uint32_t cs;
		bool machine64;
		const char *format;
	} cases[] = {
		{ 0x00000011, 0x30, 0, 0, false, NULL }, /* paging is off */
		{ 0x80000011, 0x00, 0, 0, false, "i386-nopse" },
		{ 0x80000011, 0x10, 0, 0, false, "i386" },
		{ 0x80000011, 0x20, 0, 0, false, "i386-pae" },
		{ 0x80000011, 0x30, 0, 0, false, "i386-pae" },
		{ 0x80000011, 0x20, 0, 0, true, "x86_64" },
		{ 0x80000011, 0x1020, 0, 0, true, "x86_64-la57" },
		/* What is no 64-bit file may be of a 64-bit processor: */
		{ 0x80000011, 0x20, 0, 0x200000, false, "x86_64" },
		{ 0x80000011, 0x1020, UINT64_C(0xfffffe0000000000), 0, false,
		  "x86_64-la57" },
		/* and without PAE there is no long mode, whatever a file says. */
		{ 0x80000011, 0x10, 0, 0, true, "i386" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ws_cpu cpu = { .known = { ~WS_BIT(X86_EFER) },
				      .reg = { [X86_CR0] = cases[i].cr0,
					       [X86_CR4] = cases[i].cr4,
					       [X86_CS + WS_SEGMENT_FLAGS] = cases[i].cs,
					       [X86_IDT + WS_SEGMENT_BASE] =
						       cases[i].idt } };
		const struct ws_format *format =
			x86_format_of_cpu(&cpu, cases[i].machine64);

		if (cases[i].format)
			assert_string_equal(ws_format_name(format), cases[i].format);
		else
			assert_null(format);
	}
	assert_null(
		x86_format_of_cpu(&(struct ws_cpu){ .reg[X86_CR0] = 0x80000011 }, false));
}

static void formats_by_vmcoreinfo(void **state)
{
	(void)state;
	assert_ptr_equal(ws_format_of_vmcoreinfo("A=1\nCONFIG_X86_PAE=y\n"),
			 &ws_format_i386_pae);
	assert_ptr_equal(ws_format_of_vmcoreinfo("NUMBER(pgtable_l5_enabled)=0\n"),
			 &ws_format_x86_64);
	assert_ptr_equal(ws_format_of_vmcoreinfo("A\nNUMBER(pgtable_l5_enabled)=1\n"),
			 &ws_format_x86_64_la57);
	assert_null(ws_format_of_vmcoreinfo("X=CONFIG_X86_PAE=y\n"));
	assert_null(ws_format_of_vmcoreinfo(""));
}

/* ---- VirtualBox ------------------------------------------------------------------- */

/* Its lengths of names are without the 0; its machine is the host's. */
#define VBOX(cpu)                                                               \
	"ehdr64 phnum=2\nphdr64 type=4 offset=0x200 filesz=560\n"               \
	"phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n"        \
	"at 0x200\nnhdr namesz=6 descsz=24 type=0xb00\ntext \"VBCORE\\0\\0\"\n" \
	"vbcore\nnhdr namesz=5 descsz=496 type=0xb01\n"                         \
	"text \"VBCPU\\0\\0\\0\"\nvbcpu " cpu "\nat 0x1000\nframes 0x1000 1\n"

static void vbox(void **state)
{
	const struct ws_cpu *cpu;
	autodump d =
		dump_open(VBOX("rax=1 rip=2 rsp=3 rbp=4 rflags=0x246 cs_selector=0x60 "
			       "cs_limit=0xffffffff cs_rights=0xc09b ss_rights=0x1c093 "
			       "cr2=5 cr3=0x6000 cr4=0x10 gdt_base=7 gdt_limit=0xff "
			       "idt_base=8 idt_limit=0x7ff tr_base=9 tr_selector=0x80"),
			  NULL);

	(void)state;
	cpu = ws_target_cpu(d.target, 0);
	assert_null(ws_target_cpu(d.target, 1));
	assert_null(ws_target_note(d.target, 0));
	assert_int_equal(cpu->reg[X86_AX], 1);
	assert_int_equal(cpu->reg[X86_IP], 2);
	assert_int_equal(cpu->reg[X86_SP], 3);
	assert_int_equal(cpu->reg[X86_BP], 4);
	assert_int_equal(cpu->reg[X86_FLAGS], 0x246);
	assert_int_equal(x86_segment(cpu, X86_CS).selector, 0x60);
	assert_int_equal(x86_segment(cpu, X86_CS).flags, 0xc09b00);
	assert_int_equal(x86_segment(cpu, X86_SS).flags, 0);
	assert_int_equal(cpu->reg[X86_CR2], 5);
	assert_int_equal(cpu->reg[X86_CR3], 0x6000);
	assert_int_equal(x86_base(cpu, X86_GDT), 7);
	assert_int_equal(x86_segment(cpu, X86_IDT).limit, 0x7ff);
	assert_int_equal(x86_base(cpu, X86_TR), 9);
	assert_true(x86_has_tables(cpu));
	assert_ptr_equal(d.target->format, &ws_format_i386);
	assert_int_equal(d.target->word, 4);
}

/* EFER says whether it is long mode, whatever the core's machine. */
static void vbox_formats(void **state)
{
	static const struct {
		const char *text;
		const struct ws_format *format;
	} cases[] = {
		{ VBOX("cr4=0x20 efer=0xd01"), &ws_format_x86_64 },
		{ VBOX("cr4=0x1020 efer=0xd01"), &ws_format_x86_64_la57 },
		{ VBOX("cr4=0x20 efer=0x900"), &ws_format_i386_pae },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		autodump d = dump_open(cases[i].text, NULL);

		assert_ptr_equal(d.target->format, cases[i].format);
	}
}

/* ---- Xen -------------------------------------------------------------------------- */

static void xen(void **state)
{
	const struct ws_cpu *cpu;
	autodump d = dump_open(XEN("shnum=5 shstrndx=1", "1 2 5 6"), NULL);

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "xen");
	assert_null(ws_target_note(d.target, 0));
	assert_memory_is(&d, { 0x1000, 0x2000 }, { 0x5000, 0x2000 });
	cpu = ws_target_cpu(d.target, 0);
	assert_null(ws_target_cpu(d.target, 1));
	assert_int_equal(cpu->reg[X86_AX], 1);
	assert_int_equal(cpu->reg[X86_IP], 2);
	assert_int_equal(cpu->reg[X86_SP], 3);
	assert_int_equal(cpu->reg[X86_CR3], 0x6000);
	assert_true(x86_has_control(cpu));
	assert_false(x86_has_tables(cpu));
	assert_ptr_equal(d.target->format, &ws_format_i386);
}

/* ---- VMware ----------------------------------------------------------------------- */

static void vmware(void **state)
{
	const struct ws_cpu *cpu;
	autodump d = dump_open(VMWARE("2", VMREGIONS), NULL);

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "vmware");
	assert_null(ws_target_note(d.target, 0));
	assert_memory_is(&d, { 0x1000, 0x1000 }, { 0x8000, 0x2000 });
	cpu = ws_target_cpu(d.target, 0);
	assert_null(ws_target_cpu(d.target, 1));
	assert_int_equal(cpu->reg[X86_IP], 2);
	assert_int_equal(cpu->reg[X86_CR3], 0x6000);
	assert_false(x86_has_tables(cpu));
	assert_ptr_equal(d.target->format, &ws_format_i386);
}

/* ---- QEMU's migration stream ------------------------------------------------------ */

static void migration(void **state)
{
	const struct ws_cpu *cpu;
	autodump d = dump_open(QEVM_WITH(QEVM_PAGES QEVM_ZEROES), NULL);
	struct x86_segment cs;

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "migration");
	assert_null(ws_target_note(d.target, 0));
	assert_frame(&d, 0x1000);
	assert_frame(&d, 0x9000);
	assert_int_equal(target_frame(d.target, 0x7000)[4095], 0);
	assert_null(target_frame(d.target, 0xa000));
	cpu = ws_target_cpu(d.target, 0);
	assert_null(ws_target_cpu(d.target, 1));
	assert_int_equal(cpu->reg[X86_AX], 1);
	assert_int_equal(cpu->reg[X86_BX], 4);
	assert_int_equal(cpu->reg[X86_IP], 9);
	assert_int_equal(cpu->reg[X86_CR3], 0x6000);
	assert_int_equal(x86_base(cpu, X86_IDT), 47);
	cs = x86_segment(cpu, X86_CS);
	assert_int_equal(cs.selector, 14);
	assert_int_equal(cs.limit, 16);
	assert_int_equal(cs.flags, 17);
	assert_true(x86_has_tables(cpu));
	assert_false(ws_cpu_knows(cpu, X86_R8));
	assert_ptr_equal(d.target->format, &ws_format_i386);
}

/* ---- LiME and raw ----------------------------------------------------------------- */

static void lime(void **state)
{
	autodump d = dump_open("lime first=0x8000 last=0x9fff\nframes 0x8000 2\n"
			       "lime first=0x1000 last=0x1fff\nframes 0x1000 1",
			       NULL);

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "lime");
	assert_memory_is(&d, { 0x1000, 0x1000 }, { 0x8000, 0x2000 });
	assert_null(d.target->format);
}

/* Chunks of 64 KiB, what lies between them, and a last one that is shorter. */
static void avml(void **state)
{
	autodump d =
		dump_open("avml first=0x100000000 last=0x100021fff\n"
			  "snappy packed 0x100000000 16\n"
			  "u32 0x5fe\ntext \"skip!\"\n"
			  "snappy plain 0x100010000 16\nsnappy packed 0x100020000 2\n"
			  "length 32\n"
			  "avml first=0x1000 last=0x1fff\nsnappy packed 0x1000 1\n"
			  "length 32\n",
			  NULL);

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "avml");
	assert_non_null(strstr(ws_target_note(d.target, 0), "out of the order"));
	assert_null(ws_target_note(d.target, 1));
	assert_memory_is(&d, { 0x1000, 0x1000 }, { 0x100000000, 0x22000 });
	assert_null(d.target->format);
}

/* Bytes that are not what the checksum is of are no memory, and a note says so. */
static void avml_damaged(void **state)
{
	struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER };
	autodump d = dump_open("avml first=0x1000 last=0x3fff\nsnappy plain 0x1000 1\n"
			       "snappy plain 0x2000 1\nsnappy plain 0x3000 1\nlength 32\n"
			       "at 0x1040\nu8 0x5a\n",
			       NULL);

	(void)state;
	assert_null(ws_target_note(d.target, 0));
	assert_frame(&d, 0x1000);
	assert_null(target_frame(d.target, 0x2000));
	assert_frame(&d, 0x3000);
	assert_int_equal(ws_target_scan(d.target, "scan", tally_chunk, &tally), WS_OK);
	assert_int_equal(tally.wrong, 0);
	assert_int_equal(tally.frames, 2);
	assert_int_equal(d.target->ndamaged, 1);
	assert_non_null(strstr(ws_target_note(d.target, 0), "checksum is wrong"));
}

static void raw(void **state)
{
	autodump d =
		dump_open("frames 0 3", &(struct ws_target_options){ .format = "i386-pae",
								     .root = 0x2000,
								     .has_root = true });

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "raw");
	assert_memory_is(&d, { 0, 0x3000 });
	assert_ptr_equal(d.target->format, &ws_format_i386_pae);
	assert_true(d.target->has_root);
	assert_int_equal(d.target->root, 0x2000);
}

/* A kind that is asked for is taken, whatever the file looks like. */
static void raw_by_name(void **state)
{
	autodump d = dump_open("lime\nfill 4064 0",
			       &(struct ws_target_options){ .kind = "raw" });

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "raw");
	assert_int_equal(*target_frame(d.target, 0), 0x45);
}

/* The last piece reaches to the file's end; the order is no matter. */
static void raw_in_pieces(void **state)
{
	autodump d = dump_open(
		"frames 0x100000 2\nframes 0 3",
		&(struct ws_target_options){ .pieces = "2000::0,0:2000:0x100000" });

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "raw");
	assert_memory_is(&d, { 0, 0x3000 }, { 0x100000, 0x2000 });
	assert_frame(&d, 0x2000);
	assert_frame(&d, 0x101000);
}

/* ---- kdump ------------------------------------------------------------------------ */

/* Frames 1 to 2 and 5 to 8 of 16, by every codec; 3 and 4 are filtered out. */
#define KDUMP64                              \
	"kdump64 max_mapnr=16\n"             \
	"at 0x1000\nsub64 max_mapnr_64=16\n" \
	"bits 0x2000 0 16\n"                 \
	"bits 0x3000 1 2\nbits 0x3000 5 4\n" \
	"at 0x4000\n"                        \
	"pages zlib 0x1000 1 0x5000\n"       \
	"pages lzo 0x2000 1 0x6000\n"        \
	"pages snappy 0x5000 1 0x7000\n"     \
	"pages zstd 0x6000 1 0x8000\n"       \
	"pages plain 0x7000 1 0x9000\n"      \
	"pages zlib 0x8000 1 0xa000\n"
#define KDUMP64_MEMORY         \
	{ 0x1000, 0x2000 },    \
	{                      \
		0x5000, 0x4000 \
	}

static void kdump64(void **state)
{
	autodump d = dump_open(KDUMP64, NULL);

	(void)state;
	assert_string_equal(ws_target_kind(d.target), "kdump");
	assert_memory_is(&d, KDUMP64_MEMORY);
	assert_null(d.target->format);
}

static void kdump32(void **state)
{
	autodump d = dump_open("kdump32 max_mapnr=16\n"
			       "at 0x1000\nsub32 max_mapnr_64=16\n"
			       "bits 0x2000 0 16\nbits 0x3000 3 2\n"
			       "at 0x4000\npages zlib 0x3000 2 0x5000",
			       NULL);

	(void)state;
	assert_memory_is(&d, { 0x3000, 0x2000 });
}

/* QEMU's way with an i686 that has its firmware right below 4 GiB. */
static void kdump64_of_i686(void **state)
{
	autodump d = dump_open("kdump64 machine='i686' max_mapnr=16\n"
			       "at 0x1000\nsub64 max_mapnr_64=16\n"
			       "bits 0x3000 3 1\n"
			       "at 0x4000\npages zlib 0x3000 1 0x5000",
			       NULL);

	(void)state;
	assert_memory_is(&d, { 0x3000, 0x1000 });
}

/* Before version 6 max_mapnr is the header's, whatever lies in the sub header. */
static bool taken(const char *header, int64_t *seconds)
{
	ws_autofree char *text = NULL;

	assert_true(asprintf(&text,
			     "%s max_mapnr=16\nat 0x1000\n%s max_mapnr_64=16\n"
			     "bits 0x3000 3 1\nat 0x4000\npages zlib 0x3000 1 0x5000",
			     header,
			     strncmp(header, "kdump32", 7) ? "sub64" : "sub32") > 0);
	{
		autodump d = dump_open(text, NULL);

		return ws_target_taken(d.target, seconds);
	}
}

/* Right before the status, as wide as the writer's long; 0 where it was not filled in. */
static void kdump_taken(void **state)
{
	int64_t seconds;

	(void)state;
	assert_true(taken("kdump32 taken=1700000000", &seconds));
	assert_int_equal(seconds, 1700000000);
	assert_true(taken("kdump64 taken=0x1ffffffff", &seconds));
	assert_int_equal(seconds, 0x1ffffffff);
	assert_true(taken("kdump64 taken=1", &seconds));
	assert_false(taken("kdump64 taken=0", &seconds));
	assert_false(taken("kdump32 taken=0xffffffff", &seconds));
	assert_false(taken("kdump64 taken=0xffffffffffffffff", &seconds));
}

static void kdump_old(void **state)
{
	autodump d = dump_open("kdump64 version=5 max_mapnr=16\n"
			       "at 0x1000\nsub64 max_mapnr_64=1\n"
			       "bits 0x3000 3 1\n"
			       "at 0x4000\npages zlib 0x3000 1 0x5000",
			       NULL);

	(void)state;
	assert_memory_is(&d, { 0x3000, 0x1000 });
}

static void kdump_notes(void **state)
{
	autodump d = dump_open("kdump64 max_mapnr=16 sub_hdr_size=2\n"
			       "at 0x1000\nsub64 max_mapnr_64=16 offset_note=0x1100 "
			       "size_note=" NOTES_SIZE "\n"
			       "at 0x1100\n" NOTES "bits 0x4000 3 1\n"
			       "at 0x5000\npages zlib 0x3000 1 0x6000",
			       NULL);

	(void)state;
	assert_notes(&d);
	assert_memory_is(&d, { 0x3000, 0x1000 });
}

/* QEMU 10 does not say what machine it is: the notes do. */
static void kdump_of_unknown(void **state)
{
	autodump d = dump_open("kdump64 machine='Unknown' max_mapnr=16 sub_hdr_size=2\n"
			       "at 0x1000\nsub64 max_mapnr_64=16 offset_note=0x1100 "
			       "size_note=" NOTES_SIZE "\n"
			       "at 0x1100\n" NOTES "bits 0x4000 3 1\n"
			       "at 0x5000\npages zlib 0x3000 1 0x6000",
			       NULL);

	(void)state;
	assert_notes(&d);
	assert_memory_is(&d, { 0x3000, 0x1000 });
}

static void kdump_vmcoreinfo(void **state)
{
	autodump d = dump_open("kdump32 max_mapnr=16\n"
			       "at 0x1000\nsub32 max_mapnr_64=16 "
			       "offset_vmcoreinfo=0x1100 size_vmcoreinfo=17\n"
			       "at 0x1100\ntext \"CONFIG_X86_PAE=y\\n\"\n"
			       "bits 0x3000 3 1\n"
			       "at 0x4000\npages zlib 0x3000 1 0x6000",
			       NULL);

	(void)state;
	assert_string_equal(ws_target_vmcoreinfo(d.target), "CONFIG_X86_PAE=y\n");
	assert_ptr_equal(d.target->format, &ws_format_i386_pae);
}

/* Frames that are all zero lie in the file once; one frame serves for all of them. */
static void kdump_zeros(void **state)
{
	static const uint8_t zeros[WS_FRAME_SIZE];
	autodump d = dump_open("kdump64 max_mapnr=16\n"
			       "at 0x1000\nsub64 max_mapnr_64=16\n"
			       "bits 0x3000 3 3\n"
			       "at 0x4000\n"
			       "descriptor offset=0x5000 size=4096\n"
			       "descriptor offset=0x5000 size=4096\n"
			       "pages zlib 0x5000 1 0x6000",
			       NULL);

	(void)state;
	assert_memory_equal(target_frame(d.target, 0x3000), zeros, sizeof(zeros));
	assert_memory_equal(target_frame(d.target, 0x4000), zeros, sizeof(zeros));
	assert_frame(&d, 0x5000);
}

/* One frame whose bytes are damaged is missed; the others are not. */
static void kdump_damaged(void **state)
{
	struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER };
	autodump d = dump_open("kdump64 max_mapnr=16\n"
			       "at 0x1000\nsub64 max_mapnr_64=16\n"
			       "bits 0x3000 1 3\n"
			       "at 0x4000\n"
			       "pages zstd 0x1000 1 0x5000\n"
			       "descriptor offset=0x6000 size=64 flags=0x20\n"
			       "pages zlib 0x3000 1 0x7000\n",
			       NULL);

	(void)state;
	assert_null(target_frame(d.target, 0x2000));
	assert_frame(&d, 0x1000);
	assert_frame(&d, 0x3000);
	assert_int_equal(ws_target_scan(d.target, "scan", tally_chunk, &tally), WS_OK);
	assert_int_equal(tally.wrong, 0);
	assert_int_equal(tally.frames, 2);
	assert_int_equal(d.target->ndamaged, 1);
}

/*
 * Pages of 64 KiB and of 16, as QEMU and makedumpfile write them for AArch64: 1 to 2 and 5
 * of 16, by every codec; 3 and 4 are filtered out.
 */
#define KDUMP64K                                                  \
	"kdump64 block_size=0x10000 max_mapnr=16\n"               \
	"at 0x10000\nsub64 max_mapnr_64=16\n"                     \
	"bits 0x20000 0 16\nbits 0x30000 1 2\nbits 0x30000 5 1\n" \
	"at 0x40000\npages zlib 0x10000 1 0x50000 0x10000\n"      \
	"pages plain 0x20000 1 0x60000 0x10000\n"                 \
	"pages zstd 0x50000 1 0x70000 0x10000\n"

static void kdump_large_blocks(void **state)
{
	autodump d = dump_open(KDUMP64K, NULL);
	autodump flat = dump_open(KDUMP64K "flatten 0x21234+0x5edcc 0+0x21234", NULL);
	autodump small = dump_open("kdump64 block_size=0x4000 max_mapnr=16\n"
				   "at 0x4000\nsub64 max_mapnr_64=16\n"
				   "bits 0x8000 0 16\nbits 0xc000 2 2\n"
				   "at 0x10000\npages lzo 0x8000 1 0x14000 0x4000\n"
				   "pages snappy 0xc000 1 0x18000 0x4000\n",
				   NULL);

	(void)state;
	assert_memory_is(&d, { 0x10000, 0x20000 }, { 0x50000, 0x10000 });
	assert_memory_is(&flat, { 0x10000, 0x20000 }, { 0x50000, 0x10000 });
	assert_memory_is(&small, { 0x8000, 0x8000 });
}

/* Blocks that share their bytes share them frame by frame. */
static void kdump_large_shared(void **state)
{
	autodump d = dump_open("kdump64 block_size=0x10000 max_mapnr=16\n"
			       "at 0x10000\nsub64 max_mapnr_64=16\n"
			       "bits 0x30000 3 3\nat 0x40000\n"
			       "descriptor offset=0x50000 size=0x10000\n"
			       "descriptor offset=0x50000 size=0x10000\n"
			       "pages zlib 0x50000 1 0x60000 0x10000\n"
			       "at 0x51000\nu8 0x5a",
			       NULL);

	(void)state;
	assert_int_equal(*target_frame(d.target, 0x30000), 0);
	assert_int_equal(*target_frame(d.target, 0x31000), 0x5a);
	assert_int_equal(*target_frame(d.target, 0x41000), 0x5a);
	assert_int_equal(*target_frame(d.target, 0x40000), 0);
	assert_frame(&d, 0x5f000);
}

/* All frames of a block are missed whose bytes are damaged, or too many, or not there. */
static void kdump_large_damaged(void **state)
{
	struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER };
	autodump d = dump_open("kdump64 block_size=0x10000 max_mapnr=16\n"
			       "at 0x10000\nsub64 max_mapnr_64=16\n"
			       "bits 0x30000 1 5\nat 0x40000\n"
			       "pages zstd 0x10000 1 0x50000 0x10000\n"
			       "descriptor offset=0x60000 size=64 flags=0x20\n"
			       "descriptor offset=0x60000 size=0x10001 flags=1\n"
			       "pages zlib 0x40000 1 0x70000 0x10000\n"
			       "descriptor offset=0x100000000 size=64 flags=1\n",
			       NULL);

	(void)state;
	for (uint64_t pa = 0x20000; pa < 0x40000; pa += WS_FRAME_SIZE)
		assert_null(target_frame(d.target, pa));
	assert_frame(&d, 0x1f000);
	assert_frame(&d, 0x40000);
	assert_null(target_frame(d.target, 0x50000));
	assert_null(target_frame(d.target, 0x5f000));
	assert_int_equal(ws_target_scan(d.target, "scan", tally_chunk, &tally), WS_OK);
	assert_int_equal(tally.wrong, 0);
	assert_int_equal(tally.frames, 32);
	assert_int_equal(d.target->nknown_absent, 32);
	assert_int_equal(d.target->ndamaged, 16);
	assert_int_equal(d.target->cut, 0x10000);
}

/* In pieces that part headers, bitmaps, descriptors and frames, and not in order. */
static void flattened(void **state)
{
	autodump d =
		dump_open(KDUMP64 "flatten 0x9800+0x2000 0+300 300+5000 0x14b4+0x3000 "
				  "0x44b4+0x2000 0x64b4+0x2000 0x84b4+0x134c",
			  NULL);

	(void)state;
	assert_memory_is(&d, KDUMP64_MEMORY);
}

static void flattened_notes(void **state)
{
	autodump d = dump_open("kdump64 max_mapnr=16 sub_hdr_size=2\n"
			       "at 0x1000\nsub64 max_mapnr_64=16 offset_note=0x1100 "
			       "size_note=" NOTES_SIZE "\n"
			       "at 0x1100\n" NOTES "bits 0x4000 3 1\n"
			       "at 0x5000\npages plain 0x3000 1 0x6000\n"
			       "flatten 0x1234+0x5dcc 0+0x1234",
			       NULL);

	(void)state;
	assert_notes(&d);
	assert_memory_is(&d, { 0x3000, 0x1000 });
}

/* ---- the image behind flattened files --------------------------------------------- */

#define IMAGE_SIZE 4096

/* A flattened file of random chunks that overlap, and what one gets by obeying them. */
struct replay {
	struct mk mk;
	uint8_t byte[IMAGE_SIZE];
	bool there[IMAGE_SIZE];
};

static void replay_fill(struct replay *r, struct random *random, unsigned nchunks)
{
	char line[80];

	assert_true(mk_build(&r->mk, "flat"));
	while (nchunks--) {
		unsigned offset = random_below(random, IMAGE_SIZE);
		unsigned size = 1 + random_below(random, IMAGE_SIZE - offset);

		if (random_percent(random, 70))
			size = 1 + (size - 1) % 50;
		snprintf(line, sizeof(line), "chunk offset=%u size=%u", offset, size);
		assert_true(mk_build(&r->mk, line));
		for (unsigned i = 0; i < size; i++) {
			uint8_t byte = random_next(random);

			*mk_room(&r->mk, r->mk.at++, 1) = byte;
			r->byte[offset + i] = byte;
			r->there[offset + i] = true;
		}
	}
	assert_true(mk_build(&r->mk, "u64 0xffffffffffffffff 0xffffffffffffffff"));
}

static void assert_range(const struct replay *r, const struct ws_kdump_file *image,
			 uint64_t offset, size_t size)
{
	uint8_t bytes[IMAGE_SIZE];
	struct ws_file_window window = { 0 };
	bool whole = true;

	for (size_t i = 0; i < size; i++)
		whole &= r->there[offset + i];
	assert_int_equal(ws_kdump_file_has(image, offset, size), whole);
	for (unsigned round = 0; round < 2; round++) {
		memset(bytes, 0, size);
		assert_int_equal(ws_kdump_file_read(image, round ? &window : NULL, offset,
						    bytes, size),
				 whole ? WS_READ : WS_ABSENT);
		if (whole)
			assert_memory_equal(bytes, r->byte + offset, size);
	}
	ws_file_window_release(&window);
}

/* Later chunks win over earlier ones, wherever they overlap. */
static void image_replay(void **state)
{
	struct random random = { random_seed() };

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct replay r = { 0 };
		struct ws_target target = { .ctx = ws_context_create() };
		struct ws_kdump_file image = { 0 };

		replay_fill(&r, &random, random_below(&random, 60));
		target.file.path = "replay";
		target.file.data = r.mk.bytes;
		target.file.size = r.mk.size;
		assert_int_equal(ws_kdump_file_open(&target, &image), WS_OK);
		for (unsigned offset = 0; offset < IMAGE_SIZE; offset++)
			assert_range(&r, &image, offset,
				     1 + random_below(&random, IMAGE_SIZE - offset) % 99);
		ws_kdump_file_close(&image);
		ws_context_destroy(target.ctx);
		mk_release(&r.mk);
	}
}

/* ---- the recorder ----------------------------------------------------------------- */

static void recorder(void **state)
{
	uint8_t byte;
	autodump d = dump_open(KDUMP64, NULL);
	struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER };

	(void)state;
	target_frame(d.target, 0x1000);
	assert_false(ws_target_recorded(d.target, 0x1000));
	assert_int_equal(ws_target_record(d.target), WS_OK);
	target_frame(d.target, 0x5abc);
	assert_true(ws_target_read(d.target, 0x8fff, &byte, 1) == WS_READ);
	assert_int_equal(ws_target_scan(d.target, "scan", tally_chunk, &tally), WS_OK);
	for (uint64_t pa = 0; pa < 0x10000; pa += WS_FRAME_SIZE)
		assert_int_equal(ws_target_recorded(d.target, pa + 1),
				 pa == 0x5000 || pa == 0x8000);
}

/* Each kind that there is can be asked for by its name, and no other. */
static void kinds(void **state)
{
	static const char *const names[] = {
		"elf",   "kdump",  "lime",      "avml",
		"xen",   "vmware", "migration", "cloud-hypervisor",
		"raw",   "sim",    "qemu",      "gdb",
		"virsh", "live"
	};
	const size_t n = sizeof(names) / sizeof(*names);
	struct ws_target_options options = { .kind = "tape" };
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target;

	(void)state;
	assert_non_null(ctx);
	for (unsigned i = 0; i < n; i++) {
		assert_string_equal(ws_target_kind_at(i), names[i]);
		assert_non_null(ws_target_kind_title(i));
	}
	assert_null(ws_target_kind_at(n));
	assert_null(ws_target_kind_title(n));
	assert_null(ws_target_kind_at(UINT32_MAX));
	assert_int_equal(ws_target_open(ctx, "/proc/self/exe", &options, &target),
			 WS_ERR_USAGE);
	assert_string_equal(ws_error(ctx, 0), "'tape' is no kind of target");
	ws_context_destroy(ctx);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf64),
		cmocka_unit_test(frames_stay),
		cmocka_unit_test(elf32),
		cmocka_unit_test(elf_seam),
		cmocka_unit_test(elf_ragged),
		cmocka_unit_test(elf_filtered),
		cmocka_unit_test(elf_repetition),
		cmocka_unit_test(kcore),
		cmocka_unit_test(kcore_image),
		cmocka_unit_test(kcore_unplaced),
		cmocka_unit_test(elf_many_headers),
		cmocka_unit_test(notes),
		cmocka_unit_test(modules_note),
		cmocka_unit_test(prstatus32),
		cmocka_unit_test(prstatus64),
		cmocka_unit_test(prstatus_arm),
		cmocka_unit_test(formats),
		cmocka_unit_test(formats_by_vmcoreinfo),
		cmocka_unit_test(vbox),
		cmocka_unit_test(vbox_formats),
		cmocka_unit_test(xen),
		cmocka_unit_test(vmware),
		cmocka_unit_test(migration),
		cmocka_unit_test(lime),
		cmocka_unit_test(avml),
		cmocka_unit_test(avml_damaged),
		cmocka_unit_test(raw),
		cmocka_unit_test(raw_by_name),
		cmocka_unit_test(raw_in_pieces),
		cmocka_unit_test(kdump64),
		cmocka_unit_test(kdump32),
		cmocka_unit_test(kdump64_of_i686),
		cmocka_unit_test(kdump_taken),
		cmocka_unit_test(kdump_old),
		cmocka_unit_test(kdump_notes),
		cmocka_unit_test(kdump_of_unknown),
		cmocka_unit_test(kdump_vmcoreinfo),
		cmocka_unit_test(kdump_zeros),
		cmocka_unit_test(kdump_damaged),
		cmocka_unit_test(kdump_large_blocks),
		cmocka_unit_test(kdump_large_shared),
		cmocka_unit_test(kdump_large_damaged),
		cmocka_unit_test(flattened),
		cmocka_unit_test(flattened_notes),
		cmocka_unit_test(image_replay),
		cmocka_unit_test(recorder),
		cmocka_unit_test(kinds),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
