/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Targets of which something is gone: cut off, damaged in places, shrinking while they
 * are read, full of holes. What is there is read, and rightly; what is not is absent, and
 * a note says so; and the work does not grow with what is not there.
 */
#include "common/frames.h"
#include "containers.h"
#include "mk/mk.h"
#include "target/target.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "x86/registers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* Memory of the dumps here: frame n is at n * 4 KiB and has a bit in a mask. */
#define FRAMES 16

/* A file that can be cut and opened as a target, again and again. */
struct scene {
	struct mk mk;
	char path[32];
	int fd;
	struct ws_context *ctx;
	struct ws_target *target;
};

static void scene_begin(struct scene *s, const char *text)
{
	*s = (struct scene){ .ctx = ws_context_create() };
	assert_non_null(s->ctx);
	assert_true(mk_build(&s->mk, text));
	s->fd = mk_file(&s->mk, s->path);
}

static void scene_end(struct scene *s)
{
	ws_target_close(s->target);
	ws_context_destroy(s->ctx);
	close(s->fd);
	mk_release(&s->mk);
}

#define autoscene ws_cleanup(scene_end) struct scene

static enum ws_status reopen(struct scene *s)
{
	ws_target_close(s->target);
	ws_error_clear(s->ctx);
	return ws_target_open(s->ctx, s->path, NULL, &s->target);
}

static void open_text(struct scene *s, const char *text)
{
	scene_begin(s, text);
	if (reopen(s) != WS_OK)
		fail_msg("%s", ws_error(s->ctx, 0));
}

/* ---- what is there ---------------------------------------------------------------- */

static bool is_right(uint64_t pa, const uint8_t *frame)
{
	uint8_t expected[WS_FRAME_SIZE];

	mk_frame(pa, expected);
	return !memcmp(frame, expected, sizeof(expected));
}

/* Which frames there are by address; each must be right, and the others absent. */
static uint32_t frames_by_address(struct ws_target *target)
{
	uint32_t mask = 0;

	for (uint64_t n = 0; n < FRAMES; n++) {
		uint64_t pa = n * WS_FRAME_SIZE;
		uint8_t scratch[WS_FRAME_SIZE], copy[WS_FRAME_SIZE];
		const uint8_t *frame, *peeked;
		enum ws_evidence evidence = ws_target_frame(target, pa + 77, &frame);

		assert_true(evidence == WS_READ || evidence == WS_ABSENT);
		assert_int_equal(ws_target_peek(target, pa, scratch, &peeked), evidence);
		assert_int_equal(ws_target_read(target, pa, copy, sizeof(copy)),
				 evidence);
		if (evidence == WS_READ && is_right(pa, frame) && is_right(pa, peeked) &&
		    is_right(pa, copy))
			mask |= 1u << n;
		else if (evidence == WS_READ)
			fail_msg("the frame at %#lx has the wrong bytes", pa);
		else
			assert_null(frame);
	}
	return mask;
}

struct tally {
	pthread_mutex_t lock;
	uint32_t mask;
	uint64_t bytes;
	bool wrong;
};

static void tally_chunk(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			size_t len)
{
	struct tally *tally = arg;

	(void)worker;
	pthread_mutex_lock(&tally->lock);
	tally->bytes += len;
	for (uint64_t at = 0; at < len; at += WS_FRAME_SIZE) {
		uint64_t n = (pa + at) / WS_FRAME_SIZE;

		tally->wrong |= n >= FRAMES || !is_right(pa + at, data + at);
		tally->mask |= n < FRAMES ? 1u << n : 0;
	}
	pthread_mutex_unlock(&tally->lock);
}

/* The same by a pass over all memory. */
static uint32_t frames_by_scan(struct ws_target *target)
{
	struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER };

	assert_int_equal(ws_target_scan(target, "scan", tally_chunk, &tally), WS_OK);
	assert_false(tally.wrong);
	return tally.mask;
}

static bool has_note(const struct ws_target *target, const char *const *words, size_t n)
{
	const char *note;

	for (unsigned i = 0; (note = ws_target_note(target, i)); i++) {
		size_t found = 0;

		while (found < n && words[found] && strstr(note, words[found]))
			found++;
		if (found == n || !words[found])
			return true;
	}
	return false;
}

/* ---- cut off, or damaged in places ------------------------------------------------ */

struct gone {
	const char *name;
	const char *text;
	uint32_t frames;      /* the mask of what is left */
	const char *words[5]; /* of one note; none: no note at all */
};

#define LOADS                                                                \
	"ehdr64 phnum=3\nphdr64 type=4 offset=0x200 filesz=460\n"            \
	"phdr64 offset=0x1000 paddr=0x1000 filesz=0x3000 memsz=0x3000\n"     \
	"phdr64 offset=0x4000 paddr=0x8000 filesz=0x2000 memsz=0x2000\n"     \
	"at 0x200\nnhdr descsz=440\ntext \"QEMU\\0\\0\\0\\0\"\nqemu cr3=5\n" \
	"at 0x1000\nframes 0x1000 3\nframes 0x8000 2\n"
/* The second of three headers is what it may be. */
#define PHDRS(second)                                                    \
	"ehdr64 phnum=3\n"                                               \
	"phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n" \
	"phdr64 offset=0x3000 paddr=0x4000 " second "\n"                 \
	"phdr64 offset=0x2000 paddr=0x8000 filesz=0x1000 memsz=0x1000\n" \
	"at 0x1000\nframes 0x1000 1\nframes 0x8000 1\nat 0x3fff\nu8 0\n"
#define BAD_PHDR "phdr64 offset=0x2000 paddr=-1 filesz=0x1000 memsz=0x1000\n"
#define TABLE                                                            \
	"phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n" \
	"phdr64 offset=0x2000 paddr=0x2000 filesz=0x1000 memsz=0x1000\n" \
	"at 0x1000\nframes 0x1000 2\n"
/* The second of three segments has no physical address. */
#define KCORE_OF(va, pa)                                                              \
	"ehdr64 phnum=3\n"                                                            \
	"phdr64 vaddr=0xffff888000001000 offset=0x1000 paddr=0x1000 filesz=0x2000 "   \
	"memsz=0x2000\n"                                                              \
	"phdr64 vaddr=0xffffc90000000000 offset=0x4000 paddr=-1 filesz=0x1000 "       \
	"memsz=0x1000\n"                                                              \
	"phdr64 vaddr=0xffff88800000" va " offset=0x3000 paddr=" pa " filesz=0x1000 " \
	"memsz=0x1000\nat 0x1000\nframes 0x1000 2\nframes 0x8000 1\nframes 0xa000 1\n"
#define KCORE KCORE_OF("8000", "0x8000")
#define LIME                                               \
	"lime first=0x1000 last=0x2fff\nframes 0x1000 2\n" \
	"lime first=0x8000 last=0x9fff\nframes 0x8000 2\n"
#define AVML                                                                             \
	"avml first=0x1000 last=0x2fff\nsnappy plain 0x1000 2\nlength 32\n"              \
	"avml first=0x8000 last=0xafff\nsnappy packed 0x8000 1\nsnappy plain 0x9000 1\n" \
	"snappy packed 0xa000 1\nlength 32\n"
/* A block between two; it is 0x1042 bytes long if its chunk is plain. */
#define AVMLS(block)                                                              \
	"avml first=0x1000 last=0x1fff\nsnappy plain 0x1000 1\nlength 32\n" block \
	"\navml first=0x8000 last=0x8fff\nsnappy plain 0x8000 1\nlength 32\n"
#define SUB(fields) KDUMP "at 0x1000\nsub64 " fields "\n"
#define LIMES(second, third)                                          \
	"lime first=0x1000 last=0x1fff\nframes 0x1000 1\n"            \
	"lime first=0x4000 last=0x4fff " second "\nframes 0x4000 1\n" \
	"lime first=0x8000 last=0x8fff " third "\nframes 0x8000 1\n"
#define KDUMP                                                      \
	"kdump64 max_mapnr=16\nat 0x1000\nsub64 max_mapnr_64=16\n" \
	"bits 0x3000 1 5\nat 0x4000\npages plain 0x1000 5 0x5000\n"

/* The frames right behind the descriptors, as every writer has them. */
#define TIGHT                                                      \
	"kdump64 max_mapnr=16\nat 0x1000\nsub64 max_mapnr_64=16\n" \
	"bits 0x3000 1 5\nat 0x4000\npages plain 0x1000 5 0x4078\n"

#define QEMU "text \"QEMU\\0\\0\\0\\0\"\n"
#define NOTES(size, notes)                                                               \
	"ehdr64 phnum=2\nphdr64 type=4 offset=0x400 filesz=" size "\n"                   \
	"phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\nat 0x400\n" notes \
	"at 0x1000\nframes 0x1000 1\n"
#define VBOX(core, size, cpu)                                  \
	NOTES("560", "nhdr namesz=6 descsz=24 type=0xb00\n"    \
		     "text \"VBCORE\\0\\0\"\nvbcore " core     \
		     "\nnhdr namesz=5 type=0xb01 descsz=" size \
		     "\ntext \"VBCPU\\0\\0\\0\"\nvbcpu " cpu "\n")
/* Headers, descriptors and a frame; then a frame a chunk, from file offset 0x6010 on. */
#define FLAT_CHUNKS                                                         \
	KDUMP "flatten 0+0x5000 0x5000+0x1000 0x6000+0x1000 0x7000+0x1000 " \
	      "0x8000+0x1000 0x9000+0x1000\n"

/* clang-format off */
static const struct gone gone[] = {
	{ "whole core", LOADS, 0x30e, { 0 } },
	{ "core cut in a frame", LOADS "cut 0x5fff", 0x10e,
	  { "cut off: 1 of 20 KiB", "from physical 0x9fff on", "unknown" } },
	{ "core cut at a frame", LOADS "cut 0x5000", 0x10e,
	  { "cut off: 4 of 20 KiB", "from physical 0x9000 on" } },
	{ "core without its last segment", LOADS "cut 0x4000", 0x00e,
	  { "cut off: 8 of 20 KiB", "from physical 0x8000 on" } },
	{ "core cut in its first segment", LOADS "cut 0x2001", 0x002,
	  { "cut off: 16 of 20 KiB", "from physical 0x2001 on" } },
	{ "core of MiB", "ehdr64\nphdr64 offset=0x1000 paddr=0x1000 filesz=0x2000000 "
	  "memsz=0x2000000\nat 0x1000\nframes 0x1000 3\n", 0x00e,
	  { "cut off: 32 of 32 MiB", "from physical 0x4000 on" } },
	{ "core cut in its notes", "ehdr64 phnum=2\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x2000 memsz=0x2000\n"
	  "phdr64 type=4 offset=0x3000 filesz=460\nat 0x1000\nframes 0x1000 2\n"
	  "nhdr descsz=440\ntext \"QEMU\\0\\0\\0\\0\"\nqemu\ncut 0x30ff", 0x006,
	  { "cut off in its notes", "offset 0x30ff", "registers" } },
	{ "core without its notes", "ehdr64 phnum=2\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x2000 memsz=0x2000\n"
	  "phdr64 type=4 offset=0x3000 filesz=460\nat 0x1000\nframes 0x1000 2\n", 0x006,
	  { "cut off in its notes", "offset 0x3000" } },

	/* One header of three is damaged: the others' memory is read. */
	{ "core with a size past memory's", PHDRS("filesz=0x1000 memsz=0xfff"), 0x102,
	  { "program header 1 (physical 0x4000, 0xfff bytes)", "more bytes in the file" } },
	{ "core with an address that wraps",
	  PHDRS("paddr=0xfffffffffffff000 filesz=0x1000 memsz=0x2000"), 0x102,
	  { "program header 1", "0xfffffffffffff000", "last physical address" } },
	{ "core with memory up to the last address",
	  PHDRS("paddr=0xffffffffff000 filesz=0 memsz=0x1000"), 0x102,
	  { "4 KiB of memory out" } },
	{ "core with memory past the last address",
	  PHDRS("paddr=0xffffffffff001 filesz=0 memsz=0x1000"), 0x102,
	  { "program header 1", "last physical address" } },
	{ "core with an offset that wraps",
	  PHDRS("offset=0xfffffffffffff000 filesz=0x2000 memsz=0x2000"), 0x102,
	  { "program header 1", "wraps" } },
	{ "core with an offset in its headers", PHDRS("offset=63 filesz=0x10 memsz=0x10"),
	  0x102, { "program header 1", "that of the headers" } },
	{ "core with an offset in the table", PHDRS("offset=231 filesz=1 memsz=1"), 0x102,
	  { "program header 1", "that of the headers" } },
	{ "core with memory right behind the table", PHDRS("offset=232 filesz=1 memsz=1"),
	  0x102, { 0 } },
	{ "core with another type", PHDRS("type=7 filesz=0x1000 memsz=0x1000"), 0x102,
	  { "program header 1 (physical 0x4000", "type 0x7" } },
	{ "core with an empty header", PHDRS("type=0"), 0x102, { 0 } },
	{ "core with less than its memory", PHDRS("filesz=0 memsz=0x1001"), 0x102,
	  { "5 KiB of memory out" } },
	/* The 2nd and 3rd lack some, as in a filtered dump: no byte is left over. */
	{ "core that was filtered",
	  "ehdr64 phnum=3\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n"
	  "phdr64 offset=0x2000 paddr=0x4000 filesz=0 memsz=0x2000\n"
	  "phdr64 offset=0x2000 paddr=0x8000 filesz=0x1000 memsz=0x3000\n"
	  "at 0x1000\nframes 0x1000 1\nframes 0x8000 1\n",
	  0x102, { 0 } },
	{ "core that seems filtered, and a frame is left over",
	  "ehdr64 phnum=2\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x2000\n"
	  "phdr64 offset=0x3000 paddr=0x8000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x1000\nframes 0x1000 2\nframes 0x8000 1\n",
	  0x102, { "4 KiB of memory out" } },
	{ "core with too long notes", PHDRS("type=4 filesz=0x4000"), 0x102,
	  { "cut off in its notes", "program header 1" } },

	/* One address with two contents, one place at two addresses: which is right? */
	{ "core with an address twice", PHDRS("paddr=0x1000 filesz=0x1000 memsz=0x1000"),
	  0x100, { "program header 0", "different contents", "program header 1" } },
	{ "core with a part of an address twice",
	  PHDRS("paddr=0x1ff8 filesz=0x1000 memsz=0x1000"), 0x100,
	  { "program header 1 (physical 0x1ff8", "different contents" } },
	{ "core with a place twice", PHDRS("offset=0x2001 filesz=0x1000 memsz=0x1000"),
	  0x002, { "program header 1", "same bytes of the file", "program header 2" } },
	{ "core with a size over all others", "ehdr64 phnum=3\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x9000 memsz=0x9000\n"
	  "phdr64 offset=0x2000 paddr=0x4000 filesz=0x1000 memsz=0x1000\n"
	  "phdr64 offset=0x3000 paddr=0x8000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x1000\nframes 0x1000 1\nframes 0x4000 1\nframes 0x8000 1\n", 0x110,
	  { "program header 0 (physical 0x1000, 0x3000 bytes)" } },
	{ "core with memory that begins in a page", PHDRS("paddr=0x4008 filesz=8 memsz=8"),
	  0x102, { "physical 0x4008 begins within a page" } },
	{ "core with memory that begins so in the file too",
	  PHDRS("offset=0x3008 paddr=0x4008 filesz=8 memsz=8"), 0x102, { 0 } },
	{ "core with memory told twice", "ehdr64 phnum=2\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x2000 memsz=0x2000\n"
	  "phdr64 offset=0x3000 paddr=0x2000 filesz=0x2000 memsz=0x2000\n"
	  "at 0x1000\nframes 0x1000 2\nframes 0x2000 2\n", 0x00e, { 0 } },
	{ "core with one place under two headers", "ehdr64 phnum=2\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x3000 memsz=0x3000\n"
	  "phdr64 offset=0x2000 paddr=0x2000 filesz=0x2000 memsz=0x2000\n"
	  "at 0x1000\nframes 0x1000 3\n", 0x00e, { 0 } },
	{ "core out of order", PHDRS("offset=0x3008 paddr=0xb008 filesz=8 memsz=8"), 0x102,
	  { "program headers 1 and 2 are out of the order", "0xb008 and 0x8000" } },
	{ "core out of order at its first", "ehdr64 phnum=2\n"
	  "phdr64 offset=0x1000 paddr=0x2000 filesz=0x1000 memsz=0x1000\n"
	  "phdr64 offset=0x2000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x1000\nframes 0x2000 1\nframes 0x1000 1\n", 0x006,
	  { "program headers 0 and 1 are out of the order" } },
	{ "core with nine bad headers", "ehdr64 phnum=10\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n"
	  BAD_PHDR BAD_PHDR BAD_PHDR BAD_PHDR BAD_PHDR BAD_PHDR BAD_PHDR BAD_PHDR BAD_PHDR
	  "at 0x1000\nframes 0x1000 1\n", 0x002,
	  { "5 more program headers are left out" } },

	/* A copy of /proc/kcore. */
	{ "kcore", KCORE, 0x106, { "a copy of /proc/kcore", "2 segments", "1 segment)" } },
	{ "kcore cut in its memory", KCORE "cut 0x2fff", 0x002,
	  { "cut off: 5 of 12 KiB", "from physical 0x2fff on" } },
	{ "kcore cut in vmalloc", KCORE "cut 0x4001", 0x106, { "a copy of /proc/kcore" } },
	{ "kcore with an address past the last", KCORE_OF("8000", "0xfffffffffffff000"), 0x006,
	  { "program header 2", "none that the direct map has" } },
	{ "kcore with an address that is not its own", KCORE_OF("8000", "0x9000"), 0x006,
	  { "program header 2 (physical 0x9000", "none that the direct map has" } },

	/* The table of program headers. */
	{ "core with a header size of its own", LOADS "at 54\nu8 55\n", 0x30e,
	  { "size 55 at file offset 0x36", "taken as 56" } },
	{ "core cut in its headers", "ehdr64 phoff=0x3000 phnum=3\nat 0x1000\n"
	  "frames 0x1000 2\n"
	  "phdr64 offset=0x1000 paddr=0x1000 filesz=0x2000 memsz=0x2000\n"
	  "phdr64\nphdr64\ncut 0x303f", 0x006,
	  { "3 program headers are claimed", "1 are in the file", "unknown" } },
	{ "core without the number of its headers",
	  "ehdr64 phnum=0xffff shoff=0xfffffffffffffff0\n" TABLE, 0x006,
	  { "section header 0 (file offset 0xfffffffffffffff0)", "unknown" } },
	{ "core whose section header 0 is not one", "ehdr64 phnum=0xffff\n" TABLE, 0x006,
	  { "section header 0 (file offset 0)" } },
	{ "core with a number that 16 bits have room for",
	  "ehdr64 phnum=0xffff shoff=0x800\n" TABLE "at 0x800\nshdr64 info=1\n", 0x006,
	  { "section header 0 (file offset 0x800)" } },

	{ "core with a name past its notes", NOTES("32", "nhdr namesz=0xffffffff\n"), 0x002,
	  { "note at file offset 0x400 is damaged", "0xffffffff", "end 0x420" } },
	{ "core with a name that wraps when aligned",
	  NOTES("32", "nhdr namesz=0xfffffffd\n"), 0x002,
	  { "note at file offset 0x400 is damaged", "0xfffffffd" } },
	{ "core with contents past its notes",
	  NOTES("32", "nhdr namesz=4 descsz=0xffffffff\n"), 0x002,
	  { "note at file offset 0x400 is damaged", "0xffffffff", "end 0x420" } },
	{ "core with a bad second note",
	  NOTES("32", "nhdr namesz=0\nnhdr namesz=0 descsz=9\n"), 0x002,
	  { "note at file offset 0x40c is damaged", "0x9 bytes", "registers" } },
	{ "core with a short QEMU note", NOTES("455", "nhdr descsz=431\n" QEMU "qemu\n"),
	  0x002, { "QEMU note at file offset 0x400", "size is 431, not 432",
		   "processor 0" } },
	{ "core with a new QEMU note",
	  NOTES("460", "nhdr descsz=440\n" QEMU "qemu version=2\n"), 0x002,
	  { "QEMU note at file offset 0x400", "version is 2, not 1", "processor 0" } },
	{ "core with a WHOSEES note of nothing",
	  NOTES("24", "nhdr namesz=8 descsz=4\ntext \"WHOSEES\\0what\"\n"), 0x002,
	  { "WHOSEES note at file offset 0x400 is damaged" } },
	{ "core with a WHOSEES note that is not of modules",
	  NOTES("36", "nhdr namesz=8 descsz=16 type=1\n"
		      "text \"WHOSEES\\0modules-absent x\"\n"),
	  0x002, { "WHOSEES note at file offset 0x400 is damaged", "modules" } },

	{ "core of VirtualBox", VBOX("", "496", ""), 0x002, { 0 } },
	{ "core of VirtualBox, another magic", VBOX("magic=1", "496", ""), 0x002,
	  { "VBCORE note at file offset 0x400", "0x10006", "registers" } },
	{ "core of VirtualBox, version 1.0", VBOX("version=0x10000", "496", ""), 0x002,
	  { "VBCORE note", "version that is unknown (0x10000)" } },
	{ "core of VirtualBox, version 1.1", VBOX("version=0x10001", "496", ""), 0x002, { 0 } },
	{ "core of VirtualBox, version 2.0", VBOX("version=0x20000", "496", ""), 0x002,
	  { "version that is unknown (0x20000)" } },
	{ "core of VirtualBox, a short note", VBOX("", "495", ""), 0x002,
	  { "VBCPU note at file offset 0x42c", "processor 0" } },
	{ "core of VirtualBox, CR0 of real mode", VBOX("", "496", "cr0=0x10"), 0x002,
	  { "VBCPU note", "processor 0" } },
	{ "core of VirtualBox, CR0 of 33 bits", VBOX("", "496", "cr0=0x180000001"), 0x002,
	  { "VBCPU note" } },
	{ "core of VirtualBox, flags without bit 1", VBOX("", "496", "rflags=0x200"), 0x002,
	  { "VBCPU note" } },
	{ "core of VirtualBox, flags with bit 3", VBOX("", "496", "rflags=0xa"), 0x002,
	  { "VBCPU note" } },
	{ "core of VirtualBox, a limit of 16 bits", VBOX("", "496", "idt_limit=0xffff"), 0x002,
	  { 0 } },
	{ "core of VirtualBox, a limit of 17 bits", VBOX("", "496", "idt_limit=0x10000"),
	  0x002, { "VBCPU note" } },

	{ "Xen core", XEN("shnum=5 shstrndx=1", "1 2 5 6"), 0x066, { 0 } },
	{ "Xen core with a page of none", XEN("shnum=5 shstrndx=1", "1 -1 5 6"), 0x062, { 0 } },
	{ "Xen core with a frame past the last",
	  XEN("shnum=5 shstrndx=1", "1 2 5 0x10000000000"), 0x026,
	  { "listed page 3", "more than any processor" } },
	{ "Xen core with a frame twice", XEN("shnum=5 shstrndx=1", "1 2 6 6"), 0x006,
	  { "listed page 2", "different contents", "listed page 3" } },
	{ "Xen core with a frame out of order", XEN("shnum=5 shstrndx=1", "1 2 1 6"), 0x046,
	  { "listed page 2", "its frame number 0x1", "out of the order" } },
	{ "Xen core with a frame too far", XEN("shnum=5 shstrndx=1", "1 2 9 6"), 0x046,
	  { "listed page 2", "its frame number 0x9", "out of the order" } },
	{ "Xen core with its second frame too far", XEN("shnum=5 shstrndx=1", "1 9 5 6"),
	  0x062, { "listed page 1", "its frame number 0x9", "out of the order" } },
	{ "Xen core with fewer pages than are listed", XEN("shnum=5 shstrndx=1", "1 2 5 6")
	  "at 192\nshdr64 name=1 offset=0x1000 size=0x3fff entsize=0x1000\n", 0x026,
	  { "4 pages are listed", "3 are in" } },
	{ "Xen core with more pages than are listed", XEN("shnum=5 shstrndx=1", "1 2 5 6")
	  "at 192\nshdr64 name=1 offset=0x1000 size=0x5000 entsize=0x1000\n", 0x066,
	  { "4 pages are listed", "5 are in" } },
	{ "Xen core with a list past its end", XEN("shnum=5 shstrndx=1", "1 2 5 6")
	  "cut 0x5018\n", 0x026, { "list of frames", "last 1 of 4 pages" } },
	{ "Xen core without registers", XEN("shnum=5 shstrndx=1", "1 2 5 6")
	  "cut 0x6fff\n", 0x066, { ".xen_prstatus (file offset 0x6000)", "no registers" } },
	{ "Xen core with registers of nothing", XEN("shnum=5 shstrndx=1", "1 2 5 6")
	  "at 0x6000\nfill 5168 0\n", 0x066, { "section .xen_prstatus", "zeros for processor 0" } },

	{ "VMware", VMWARE("2", VMREGIONS), 0x302, { 0 } },
	{ "VMware with a region that is not told", VMWARE("3", VMREGIONS), 0x302,
	  { "region 2", "not all that is needed" } },
	{ "VMware with a region that lacks its place",
	  VMWARE("2", VMREGION("0", "1", "0", "1") VMTAG("regionPPN", "9", "1", "8")), 0x002,
	  { "region 1", "not all that is needed" } },
	{ "VMware with a region past the file",
	  VMWARE("2", VMREGION("0", "1", "0", "1") VMREGION("1", "8", "1", "6")), 0x302,
	  { "cut off", "physical 0xa" } },

	{ "whole LiME", LIME, 0x306, { 0 } },
	{ "LiME cut in its last range", LIME "cut 0x4000", 0x106,
	  { "at least 1 of 16 KiB", "from physical 0x9fc0 on" } },
	{ "LiME cut in its first range", LIME "cut 0x1020", 0x002,
	  { "at least 4 of 8 KiB", "from physical 0x2000 on" } },
	{ "LiME without a byte of its last range", LIME "cut 0x2040", 0x006,
	  { "at least 8 of 16 KiB", "from physical 0x8000 on" } },
	{ "LiME cut in a header", LIME "cut 0x203f", 0x006,
	  { "LiME header at file offset 0x2020", "how much" } },

	/* One header of three is damaged, and the others are found. */
	{ "LiME with another version", LIMES("version=2", ""), 0x102,
	  { "LiME range 1 (physical 0x4000, 0x1000 bytes)", "a version that is unknown",
	    "sound is at 0x2040" } },
	{ "LiME with a range that ends first", LIMES("last=0x3ffe", ""), 0x102,
	  { "LiME range 1", "makes no sense" } },
	{ "LiME with a range past the last address", LIMES("last=0x10000000000000", ""),
	  0x102, { "LiME range 1", "makes no sense" } },
	{ "LiME without a magic", LIMES("magic=1", ""), 0x100,
	  { "LiME range 0 (physical 0x1000, 0x1000 bytes)", "no LiME magic",
	    "sound is at 0x2040" } },
	{ "LiME with a range that is too short", LIMES("last=0x4fef", ""), 0x102,
	  { "LiME range 1 (physical 0x4000, 0xff0 bytes)", "behind it" } },
	{ "LiME with a range that is too long", LIMES("last=0x10000", ""), 0x102,
	  { "LiME range 1", "longer than the file", "another begins at 0x2040" } },
	{ "LiME with a bad first version", "lime version=2 first=0x1000 last=0x1fff\n"
	  "frames 0x1000 1\nlime first=0x4000 last=0x4fff\nframes 0x4000 1\n", 0x010,
	  { "LiME range 0", "a version that is unknown" } },
	{ "LiME whose last header is bad", LIMES("", "version=0"), 0x012,
	  { "LiME range 2 (physical 0x8000", "sound is at 0x3060" } },

	{ "whole AVML", AVML, 0x706, { 0 } },
	{ "AVML cut in its first chunk", AVMLS("") "cut 0x1032", 0x002,
	  { "cut off at file offset 0x1032", "how much" } },
	{ "AVML cut in a header", AVMLS("") "cut 0x1059", 0x002,
	  { "AVML header at file offset 0x103a", "how much" } },
	{ "AVML cut in a chunk's header", AVMLS("") "cut 0x1067", 0x002,
	  { "at least 4 of 8 KiB", "from physical 0x8000 on" } },
	{ "AVML without a byte of a chunk", AVMLS("") "cut 0x206b", 0x002,
	  { "at least 4 of 8 KiB", "from physical 0x8000 on" } },
	{ "AVML with another version", AVMLS("avml version=1 first=0x4000 last=0x4fff\n"
	  "snappy plain 0x4000 1\nlength 32\n"), 0x102,
	  { "AVML block 1 (physical 0x4000, 0x1000 bytes)", "a version that is unknown",
	    "sound is at 0x2074" } },
	{ "AVML with a reserved field", AVMLS("avml reserved=1 first=0x4000 last=0x4fff\n"
	  "snappy plain 0x4000 1\nlength 32\n"), 0x102, { "reserved field" } },
	{ "AVML with an unknown chunk", AVMLS("avml first=0x4000 last=0x4fff\n"
	  "schunk type=2 length=5\nsnappy plain 0x4000 1\nlength 32\n"), 0x102,
	  { "AVML block 1", "chunk at file offset 0x1064", "a type that is unknown" } },
	{ "AVML with a chunk to be passed over", AVMLS("avml first=0x4000 last=0x4fff\n"
	  "schunk type=0x80 length=5\nsnappy plain 0x4000 1\nlength -10\n"), 0x112,
	  { 0 } },
	{ "AVML with a chunk longer than the file", AVMLS("avml first=0x4000 last=0x4fff\n"
	  "schunk type=0x80 length=0xffffff\nsnappy plain 0x4000 1\nlength 32\n"), 0x102,
	  { "AVML block 1", "past the file's end", "begins at" } },
	{ "AVML with a chunk longer than its block", AVMLS("avml first=0x4000 last=0x4fff\n"
	  "snappy packed 0x4000 2\nlength 32\n"), 0x102,
	  { "AVML block 1", "more memory than its block" } },
	{ "AVML with a chunk that grows", AVMLS("avml first=0x3000 last=0x6fff\n"
	  "snappy packed 0x3000 1\nsnappy packed 0x4000 2\nsnappy packed 0x6000 1\n"
	  "length 32\n"), 0x10a,
	  { "AVML block 1 (physical 0x4000, 0x3000", "more memory than the chunks before" } },
	{ "AVML with a chunk that shrinks", AVMLS("avml first=0x3000 last=0x6fff\n"
	  "snappy packed 0x3000 2\nsnappy packed 0x5000 1\nsnappy packed 0x6000 1\n"
	  "length 32\n"), 0x11a,
	  { "AVML block 1 (physical 0x5000, 0x2000", "less memory than the chunks before" } },
	{ "AVML with less than its block", AVMLS("avml first=0x4000 last=0x6fff\n"
	  "snappy packed 0x4000 2\nlength 32\n"), 0x132,
	  { "AVML block 1 (physical 0x6000, 0x1000" } },
	{ "AVML with a chunk of half a page", AVMLS("avml first=0x4000 last=0x6fff\n"
	  "schunk type=1 length=0x804\nfill 0x7ff 0\nsnappy packed 0x5000 1\n"
	  "length 32\n"), 0x102, { "not of whole pages" } },
	{ "AVML with another length", AVMLS("avml first=0x4000 last=0x4fff\n"
	  "snappy plain 0x4000 1\nlength 31\n"), 0x112,
	  { "1 length of AVML blocks", "file offset 0x206c" } },
	{ "AVML with a block twice", AVMLS("avml first=0x8000 last=0x8fff\n"
	  "snappy plain 0x8000 1\nlength 32\n"), 0x002,
	  { "AVML block 1 (physical 0x8000, 0x1000 bytes)", "the same physical memory",
	    "AVML block 2" } },

	{ "migration with pages that are missing", QEVM_WITH(QEVM_PAGES), 0x306,
	  { "6 pages of main memory are not in the stream" } },
	{ "migration with a page that was written again", QEVM_WITH(
	  "be64 0x1008\nnamed \"pc.ram\"\nframes 0x7000 1\nbe64 0x2022\nu8 0\n" QEVM_PAGES),
	  0x306, { "6 pages of main memory" } },
	{ "migration with differences", QEVM_WITH(QEVM_PAGES
	  "be64 0x8060\nu8 1 0 3 1 2 3\nbe64 0x7060\nu8 1 0 0\n"), 0x206,
	  { "2 pages were written as differences", "xbzrle" } },
	{ "migration with a page of bytes that are no 0", QEVM_WITH(QEVM_PAGES
	  "be64 0x8022\nu8 1\n"), 0x206, { "1 page" } },
	{ "migration with a page past its block", QEVM_WITH(QEVM_PAGES "be64 0xa028\n"), 0x306,
	  { "damaged at file offset 0x407b", "a page past the end of its block" } },
	{ "migration with a page of no block", QEVM_WITH(QEVM_PAGES "be64 0x8\nnamed \"no\"\n"),
	  0x306, { "damaged at file offset 0x407b", "not listed" } },
	{ "migration with what RDMA sends", QEVM_WITH(QEVM_PAGES "be64 0x80\n"), 0x306,
	  { "damaged at file offset 0x407b", "RDMA" } },
	{ "migration with an unknown word", QEVM_WITH(QEVM_PAGES "be64 0x400\n"), 0x306,
	  { "damaged at file offset 0x407b", "no kind that is known" } },
	{ "migration with another footer", QEVM_PC QEVM_BLOCKS("0xa004", QEVM_BLOCK("pc.ram",
	  "0xa000")) QEVM_RAM("3", "2") QEVM_PAGES "be64 0x10\n" QEVM_END("3") QEVM_TAIL, 0x306,
	  { "damaged at file offset 0x4083", "another section" } },
	{ "migration of memory and a card's", QEVM_PC QEVM_BLOCKS("0x1a004",
	  QEVM_BLOCK("vga.vram", "0x10000") QEVM_BLOCK("pc.ram", "0xa000"))
	  QEVM_LAST(QEVM_PAGES "be64 0x5008\nnamed \"vga.vram\"\nframes 0x3000 1\n") QEVM_TAIL,
	  0x306, { "6 pages of main memory" } },
	{ "migration of memory that was plugged in", QEVM_PC QEVM_BLOCKS("0x1a004",
	  QEVM_BLOCK("dimm0", "0x10000") QEVM_BLOCK("pc.ram", "0xa000"))
	  QEVM_LAST(QEVM_PAGES "be64 0x5008\nnamed \"dimm0\"\nframes 0x3000 1\n") QEVM_TAIL,
	  0x306, { "1 block of memory besides main memory", "dimm0 (0x10000 bytes)" } },
	{ "migration of two nodes", QEVM_PC QEVM_BLOCKS("0xa004",
	  QEVM_BLOCK("ram-node1", "0x2000") QEVM_BLOCK("ram-node0", "0x8000"))
	  QEVM_LAST("be64 0x1008\nnamed \"ram-node1\"\nframes 0x9000 1\n"
	  "be64 0x1008\nnamed \"ram-node0\"\nframes 0x1000 1\n") QEVM_TAIL, 0x202,
	  { "8 pages of main memory" } },
	{ "migration with huge pages", QEVM_PC QEVM_BLOCKS("0xa004",
	  QEVM_BLOCK("pc.ram", "0xa000 0x200000")) QEVM_LAST(QEVM_PAGES) QEVM_TAIL, 0x306,
	  { "6 pages of main memory" } },
	{ "migration without its description", QEVM_PC QEVM_BLOCKS("0xa004", QEVM_BLOCK("pc.ram",
	  "0xa000")) QEVM_LAST(QEVM_PAGES) QEVM_DEVICES "u8 0\n", 0x306,
	  { "description of devices' state is missing", "no registers" } },
	{ "migration with a device that is not described", QEVM_PC QEVM_BLOCKS("0xa004",
	  QEVM_BLOCK("pc.ram", "0xa000")) QEVM_LAST(QEVM_PAGES)
	  "u8 4\nbe32 9\nnamed \"disk\"\nbe32 0 1\nu8 9\n" QEVM_TAIL, 0x306,
	  { "how long the section disk is", "no registers" } },
	{ "migration cut before memory's end", QEVM_PC QEVM_BLOCKS("0xa004", QEVM_BLOCK("pc.ram",
	  "0xa000")) QEVM_RAM("2", "2") QEVM_PAGES "be64 0x10\n" QEVM_END("2"), 0x306,
	  { "memory does not end in it", "different moments" } },
	{ "migration of a machine that libvirt saved", "text \"LibvirtQemudSave\"\nu32 2 8 1 0\n"
	  "at 92\ntext \"<domain>\"\n" QEVM_WITH(QEVM_PAGES), 0x306, { "6 pages of main" } },
	{ "migration of a machine that libvirt did not save whole",
	  "text \"LibvirtQemudPart\"\nu32 2 8 1 0\nat 92\ntext \"<domain>\"\n"
	  QEVM_WITH(QEVM_PAGES), 0x306, { "libvirt says that it had not" } },
	{ "migration with mapped-ram", QEVM_MAPPED("be32 1\nbe64 0x1000 0x8d 0x100000\n"), 0x3ff,
	  { 0 } },

	{ "whole kdump", KDUMP, 0x03e, { 0 } },
	{ "kdump cut in a frame", KDUMP "cut 0x9fff", 0x01e,
	  { "cut off: 4 of 20 KiB", "from physical 0x5000 on" } },
	{ "kdump cut before its frames", KDUMP "cut 0x6000", 0x002,
	  { "cut off: 16 of 20 KiB", "from physical 0x2000 on" } },
	{ "kdump with a table of three descriptors", "kdump64 max_mapnr=16\nat 0x1000\n"
	  "sub64 max_mapnr_64=16\nbits 0x3000 1 5\n"
	  "at 0x1800\nfill 8 0\nat 0x4000\npages zlib 0x1000 3 0x1800\ncut 0x4048", 0x00e,
	  { "cut off: 8 of 20 KiB", "from physical 0x4000 on" } },
	{ "kdump cut in its third descriptor", "kdump64 max_mapnr=16\nat 0x1000\n"
	  "sub64 max_mapnr_64=16\nbits 0x3000 1 5\n"
	  "at 0x4000\npages zlib 0x1000 3 0x1800\ncut 0x4047", 0x006,
	  { "cut off: 12 of 20 KiB", "from physical 0x3000 on" } },
	{ "kdump with a bad size", KDUMP "at 0x4030\ndescriptor offset=0x7000 size=4097", 0x036,
	  { "1 of 5 page descriptors are damaged", "file offset 0x4030", "physical 0x3000",
	    "size 0x1001" } },
	{ "kdump with an unknown codec", KDUMP "at 0x4030\ndescriptor offset=0x7000 size=9 "
	  "flags=0x40\ndescriptor offset=0x7000 size=0", 0x026,
	  { "2 of 5 page descriptors are damaged", "offset 0x4030", "flags 0x40",
	    "a way unknown here" } },
	{ "kdump with a wild offset", KDUMP "at 0x4000\ndescriptor offset=-1 size=4096", 0x03c,
	  { "cut off: 4 of 20 KiB", "from physical 0x1000 on" } },
	{ "incomplete kdump", TIGHT "at 0\nkdump64 max_mapnr=16 status=9\n"
	  "at 0x4048\nfill 48 0", 0x00e,
	  { "cut off: 8 of 20 KiB", "from physical 0x4000 on" } },
	{ "incomplete kdump says so", TIGHT "at 0\nkdump64 max_mapnr=16 status=8\n", 0x03e,
	  { "makedumpfile", "incomplete" } },
	/* Not marked: a descriptor of zeroes is damage. */
	{ "kdump with zeroed descriptors", TIGHT "at 0x4048\nfill 48 0", 0x00e,
	  { "2 of 5 page descriptors are damaged", "physical 0x4000" } },

	{ "kdump with a bad note", "kdump64 max_mapnr=16\n"
	  "at 0x1000\nsub64 max_mapnr_64=16 offset_note=0x1800 size_note=16\n"
	  "at 0x1800\nnhdr namesz=5\n" "bits 0x3000 1 5\n"
	  "at 0x4000\npages plain 0x1000 5 0x5000\n", 0x03e,
	  { "note at file offset 0x1800 is damaged" } },

	{ "kdump of another version", KDUMP "at 0\nkdump64 max_mapnr=16 version=7\n", 0x03e,
	  { "version 7 at file offset 0x8", "read as version 6" } },
	{ "kdump of version 0", KDUMP "at 0\nkdump64 max_mapnr=16 version=0\n", 0x03e,
	  { "version 0 at file offset 0x8" } },
	{ "kdump of version 5", KDUMP "at 0\nkdump64 max_mapnr=16 version=5\n", 0x03e,
	  { 0 } },
	{ "kdump with too few bitmap bits", SUB("max_mapnr_64=0x10001"), 0x03e,
	  { "0x10 and 0x10001 as the number of page frames", "bitmaps of 0x8000" } },
	{ "kdump with two numbers of frames", SUB("max_mapnr_64=3"), 0x03e,
	  { "0x10 and 0x3 as the number of page frames" } },
	{ "kdump with a header's number of frames that is wrong",
	  KDUMP "at 0\nkdump64 max_mapnr=3\n", 0x03e, { "0x3 and 0x10 as the number" } },
	{ "kdump with another split", SUB("max_mapnr_64=16 split=2"), 0x03e, { 0 } },
	{ "kdump with notes past the end",
	  SUB("max_mapnr_64=16 offset_note=0xfffffffffffffff0 size_note=0x20"), 0x03e,
	  { "kdump notes are not in the file", "0xfffffffffffffff0", "unknown" } },
	{ "kdump with notes larger than it",
	  SUB("max_mapnr_64=16 offset_note=0x1000 size_note=0xffffffffffffffff"), 0x03e,
	  { "kdump notes are not in the file", "0xffffffffffffffff bytes" } },
	{ "kdump with VMCOREINFO past the end",
	  SUB("max_mapnr_64=16 offset_vmcoreinfo=0x10000000 size_vmcoreinfo=1"), 0x03e,
	  { "VMCOREINFO are not in the file", "0x10000000" } },
	/*
	 * A bit too many, or too few, moves all frames behind it: the first bitmap helps.
	 */
	{ "kdump with a bit too many", TIGHT "bits 0x2000 1 5\nbits 0x3000 0 1\n", 0x03e,
	  { "second bitmap", "6 page frames", "5 page descriptors" } },
	{ "kdump with a bit too many and zeroes behind",
	  KDUMP "bits 0x2000 1 5\nbits 0x3000 0 1\n", 0x03e,
	  { "second bitmap", "6 page frames", "5 page descriptors" } },
	{ "kdump with a bit too few", "kdump64 max_mapnr=16\nat 0x1000\n"
	  "sub64 max_mapnr_64=16\nbits 0x2000 1 5\nbits 0x3000 2 4\n"
	  "at 0x4000\npages plain 0x1000 5 0x4078\n", 0x03e,
	  { "second bitmap", "4 page frames", "5 page descriptors" } },
	{ "kdump with a bit too few, cut", "kdump64 max_mapnr=16\nat 0x1000\n"
	  "sub64 max_mapnr_64=16\nbits 0x2000 1 5\nbits 0x3000 2 4\n"
	  "at 0x4000\npages plain 0x1000 5 0x4078\ncut 0x8078", 0x01e,
	  { "second bitmap", "4 page frames", "5 page descriptors" } },
	{ "incomplete kdump with a bit too few", "kdump64 max_mapnr=16 status=8\n"
	  "at 0x1000\nsub64 max_mapnr_64=16\nbits 0x2000 1 5\nbits 0x3000 2 4\n"
	  "at 0x4000\npages plain 0x1000 5 0x4078\nat 0x4060\nfill 24 0\n", 0x01e,
	  { "second bitmap", "4 page frames", "5 page descriptors" } },
	{ "kdump with a first bitmap of less", TIGHT "bits 0x2000 1 3\n", 0x03e, { 0 } },
	{ "kdump whose frames follow at once", "kdump64 max_mapnr=16\nat 0x1000\n"
	  "sub64 max_mapnr_64=16\nbits 0x3000 1 5\nat 0x4000\npages plain 0x1000 5 0x4078\n",
	  0x03e, { 0 } },
	{ "flattened cut in its bitmap", "kdump64 max_mapnr=16\nat 0x1000\n"
	  "sub64 max_mapnr_64=16\nbits 0x3000 1 5\nbits 0x3000 9 5\n"
	  "at 0x4000\npages plain 0x1000 5 0x5000\n"
	  "flatten 0+0x3001 0x4000+0x6000", 0x03e,
	  { "cut off in its bitmap", "physical 0x8000 to 0xffff" } },

	{ "whole flattened", KDUMP "flatten 0+0x4000 0x5000+0x5000 0x4000+0x1000", 0x03e,
	  { 0 } },
	{ "flattened without its end", KDUMP "flatten 0+0x4000 0x4000+0x1000 0x5000+0x5000\n"
	  "cut 0xb030", 0x03e, { "flattened dump is cut off", "0xb030" } },
	{ "flattened cut in its last chunk", KDUMP "flatten 0+0x5000 0x5000+0x5000\n"
	  "cut 0xb01f", 0x01e, { "cut off: 4 of 20 KiB", "from physical 0x5000 on" } },
	{ "flattened cut in a chunk's header", KDUMP "flatten 0+0x7000 0x7000+0x3000\n"
	  "cut 0x801f", 0x006, { "cut off: 12 of 20 KiB", "from physical 0x3000 on" } },
	/* The chunk before may be of another size than it says. */
	{ "flattened with a bad chunk", FLAT_CHUNKS "at 0x8030\nu64 -2", 0x002,
	  { "damaged at file offset 0x8030", "offset 0xfeffffffffffffff", "size 0x1000" } },
	{ "flattened with an empty chunk", FLAT_CHUNKS "at 0x9048\nu64 0", 0x006,
	  { "damaged at file offset 0x9040", "size 0", "the chunk before it" } },
	{ "flattened with a chunk of another size", FLAT_CHUNKS "at 0x702e\n"
	  "u8 0x10 1", 0x006, { "flattened dump is cut off" } },
	{ "flattened without a block of frames", KDUMP "flatten 0+0x6000 0x8000+0x2000",
	  0x032, { "cut off: 8 of 20 KiB", "from physical 0x2000 on" } },
	{ "flattened without some descriptors", KDUMP "flatten 0+0x4018 0x4048+0x5fb8",
	  0x032, { "cut off: 8 of 20 KiB", "from physical 0x2000 on" } },
};
/* clang-format on */

static void what_is_left(void **state)
{
	const struct gone *g = *state;
	autoscene s;

	open_text(&s, g->text);
	assert_int_equal(frames_by_address(s.target), g->frames);
	assert_int_equal(frames_by_scan(s.target), g->frames);
	assert_int_equal(s.target->ndamaged, 0);
	if (!g->words[0])
		assert_null(ws_target_note(s.target, 0));
	else if (!has_note(s.target, g->words, WS_ARRAY_SIZE(g->words)))
		fail_msg("no note with '%s'; the first is: %s", g->words[0],
			 ws_target_note(s.target, 0));
	assert_int_equal(ws_target_looked(s.target, WS_OK), WS_OK);
}

/* Memory that is cut off was memory: what leads there is unknown, and not outside. */
static void cut_memory_counts(void **state)
{
	autoscene s;

	(void)state;
	open_text(&s, LOADS "cut 0x4800");
	assert_int_equal(s.target->memory_end, 0xa000);
	scene_end(&s);
	open_text(&s, KDUMP "cut 0x6000");
	assert_int_equal(s.target->memory_end, 0x10000);
	scene_end(&s);
	open_text(&s, LIME "cut 0x2040");
	assert_int_equal(s.target->memory_end, WS_BIT(52));
}

/* Notes before the cut are still of use. */
static void registers_before_cut(void **state)
{
	autoscene s;

	(void)state;
	open_text(&s, "ehdr64 phnum=2\n"
		      "phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n"
		      "phdr64 type=4 offset=0x2000 filesz=920\nat 0x1000\n"
		      "frames 0x1000 1\n"
		      "nhdr descsz=440\ntext \"QEMU\\0\\0\\0\\0\"\nqemu cr3=0x7000\n"
		      "nhdr descsz=440\ntext \"QEMU\\0\\0\\0\\0\"\nqemu cr3=0x8000\n"
		      "cut 0x2300");
	assert_int_equal(ws_target_cpu(s.target, 0)->reg[X86_CR3], 0x7000);
	assert_null(ws_target_cpu(s.target, 1));
}

/* A note of one processor that is damaged does not make the next one's its own. */
static void registers_beside_a_bad_note(void **state)
{
	const struct ws_cpu *cpus;
	autoscene s;

	(void)state;
	open_text(&s, NOTES("1380", "nhdr descsz=440\n" QEMU "qemu cr3=0x7000\n"
				    "nhdr descsz=440\n" QEMU "qemu version=2 cr3=0x8000\n"
				    "nhdr descsz=440\n" QEMU "qemu cr3=0x9000\n"));
	cpus = s.target->cpus.v;
	assert_int_equal(s.target->cpus.n, 3);
	assert_int_equal(cpus[0].reg[X86_CR3], 0x7000);
	assert_false(x86_has_control(&cpus[1]));
	assert_int_equal(cpus[2].reg[X86_CR3], 0x9000);
}

/* ---- cut at every length ---------------------------------------------------------- */

static const struct whole {
	const char *name;
	const char *text;
	size_t step;   /* between lengths: 1, or for a long file a prime */
	size_t unseen; /* a cut at this length leaves no trace; 0: none */
} wholes[] = {
	{ "elf64", LOADS, 1, 0 },
	{ "elf32",
	  "ehdr32 phnum=2\nphdr32 offset=0x100 paddr=0x1000 filesz=0x2000 memsz=0x2000\n"
	  "phdr32 offset=0x2100 paddr=0x9000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x100\nframes 0x1000 2\nframes 0x9000 1",
	  1, 0 },
	{ "lime", LIME, 1, 0x2020 },
	{ "avml", AVML, 1, 0x203a },
	{ "migration",
	  QEVM_PC QEVM_BLOCKS("0x3004", QEVM_BLOCK("pc.ram", "0x3000")) QEVM_LAST(
		  "be64 8\nnamed \"pc.ram\"\nframes 0 1\nbe64 0x1028\nframes 0x1000 1\n"
		  "be64 0x2028\nframes 0x2000 1\n") QEVM_TAIL,
	  3, 0 },
	{ "kdump64",
	  "kdump64 max_mapnr=16\nat 0x1000\nsub64 max_mapnr_64=16\nbits 0x3000 1 6\n"
	  "at 0x4000\npages zlib 0x1000 1 0x4100\npages lzo 0x2000 1 0x4300\n"
	  "pages snappy 0x3000 1 0x4700\npages zstd 0x4000 1 0x4d00\n"
	  "pages zlib 0x5000 2 0x5300\n",
	  1, 0 },
	{ "kdump32",
	  "kdump32 max_mapnr=16\nat 0x1000\nsub32 max_mapnr_64=16\nbits 0x3000 1 6\n"
	  "at 0x4000\npages lzo 0x1000 4 0x4100\npages plain 0x5000 2 0x6300\n",
	  3, 0 },
	{ "xen", XEN("shnum=5 shstrndx=1", "1 2 5 6"), 1, 0 },
	{ "vmware", VMWARE("2", VMREGIONS), 3, 0 },
	{ "core of VirtualBox", VBOX("", "496", ""), 1, 0 },
	{ "flattened",
	  KDUMP "flatten 0+464 0x1000+104 0x2000+0x2000 0x5000+0x2000 0x4000+0x30 "
		"0x7000+0x3000 0x4030+0x48",
	  3, 0 },
};

static bool is_refusal(const struct scene *s, enum ws_status status)
{
	return (status == WS_ERR_UNREADABLE || status == WS_ERR_MALFORMED) &&
	       ws_error(s->ctx, 0) && strstr(ws_error(s->ctx, 0), s->path);
}

/* From whole to nothing: what is left never grows, is right, and what is not is noted. */
static void every_length(void **state)
{
	const struct whole *whole = *state;
	uint32_t all, last, now;
	unsigned opened = 0;
	autoscene s;

	open_text(&s, whole->text);
	assert_null(ws_target_note(s.target, 0));
	all = last = frames_by_address(s.target);
	for (size_t size = s.mk.size - 1; size;
	     size -= size < whole->step ? size : whole->step) {
		enum ws_status status;

		assert_int_equal(ftruncate(s.fd, size), 0);
		status = reopen(&s);
		if (status != WS_OK && !is_refusal(&s, status))
			fail_msg("%zu bytes: status %d", size, status);
		now = status == WS_OK ? frames_by_address(s.target) : 0;
		if (now & ~last)
			fail_msg("%zu bytes: frames %#x, fewer when it was longer", size,
				 now);
		if (status == WS_OK && now != all && size != whole->unseen &&
		    !ws_target_note(s.target, 0))
			fail_msg("%zu bytes: frames %#x, and not a word", size, now);
		if (status == WS_OK && ++opened % 64 == 0)
			assert_int_equal(frames_by_scan(s.target), now);
		last = now;
	}
	assert_int_equal(last, 0);
	assert_true(opened > 64);
}

/* ---- a bit of the bitmaps that is wrong ------------------------------------------- */

#define MAPPED(first) "kdump64 max_mapnr=16\nat 0x1000\nsub64 max_mapnr_64=16\n" first
#define HELD "bits 0x3000 1 3\nbits 0x3000 6 2\nbits 0x3000 9 1\nat 0x4000\n"
#define HELD_MASK 0x2ceu

static const struct bitmaps {
	const char *name, *text;
	bool all_held; /* both are the same: each wrong bit is found */
} bitmaps[] = {
	{ "all memory held",
	  MAPPED("bits 0x2000 1 3\nbits 0x2000 6 2\nbits 0x2000 9 1\n") HELD
	  "pages zlib 0x1000 3 0x4090\n"
	  "pages zlib 0x6000 2 0x8000\npages zlib 0x9000 1 0xb000\n",
	  true },
	{ "all memory held, with zeroes behind the descriptors",
	  MAPPED("bits 0x2000 1 3\nbits 0x2000 6 2\nbits 0x2000 9 1\n") HELD
	  "pages plain 0x1000 3 0x5000\n"
	  "pages plain 0x6000 2 0x8000\npages plain 0x9000 1 0xb000\n",
	  true },
	{ "some memory filtered",
	  MAPPED("bits 0x2000 0 12\n") HELD
	  "pages zlib 0x1000 3 0x4090\n"
	  "pages zlib 0x6000 2 0x8000\npages zlib 0x9000 1 0xb000\n",
	  false },
	{ "an empty first bitmap",
	  MAPPED("") HELD "pages plain 0x1000 3 0x4090\n"
			  "pages plain 0x6000 2 0x8000\npages plain 0x9000 1 0xb000\n",
	  false },
};

/* Never memory at a wrong address: frames_by_address() fails on one. */
static void every_bit(void **state)
{
	static const char *const words[] = { "second bitmap", "page descriptors" };
	const struct bitmaps *maps = *state;
	unsigned refused = 0;
	autoscene s;

	open_text(&s, maps->text);
	assert_int_equal(frames_by_address(s.target), HELD_MASK);
	assert_null(ws_target_note(s.target, 0));
	for (unsigned bit = 0; bit < 32; bit++) {
		uint64_t at = 0x2000 + bit / 16 * 0x1000 + bit % 16 / 8;
		uint8_t byte = s.mk.bytes[at] ^ (1u << bit % 8);
		enum ws_status status;

		assert_int_equal(pwrite(s.fd, &byte, 1, (off_t)at), 1);
		status = reopen(&s);
		assert_int_equal(pwrite(s.fd, &s.mk.bytes[at], 1, (off_t)at), 1);
		refused += status == WS_ERR_MALFORMED;
		if (status != WS_OK) {
			assert_non_null(strstr(ws_error(s.ctx, 0), "kdump bitmap"));
			continue;
		}
		assert_int_equal(frames_by_address(s.target), HELD_MASK);
		assert_int_equal(frames_by_scan(s.target), HELD_MASK);
		assert_int_equal(has_note(s.target, words, WS_ARRAY_SIZE(words)),
				 bit >= 16);
	}
	assert_int_equal(refused != 0, !maps->all_held);
}

/* A descriptor that leads into the descriptors: it is damaged, and not the bitmap. */
static void frame_inside_descriptors(void **state)
{
	autoscene s;

	(void)state;
	open_text(&s, TIGHT "at 0x4030\ndescriptor offset=0x4008 size=9 flags=1");
	assert_null(ws_target_note(s.target, 0));
	assert_int_equal(frames_by_address(s.target), 0x036);
}

/* ---- a file that shrinks, or cannot be read, while it is open ---------------------- */

static void shrinks(void **state)
{
	static const char *const words[] = { "shorter", "unknown" };
	const uint8_t *held;
	autoscene s;

	(void)state;
	open_text(&s, LOADS);
	held = target_frame(s.target, 0x9000);
	assert_non_null(held);
	assert_int_equal(ftruncate(s.fd, 0x2800), 0);
	/* What was read stays; whole frames before the new end can still be read. */
	assert_true(is_right(0x9000, held));
	assert_int_equal(frames_by_address(s.target), 0x202);
	assert_true(is_right(0x9000, held));
	assert_int_equal(frames_by_scan(s.target), 0x002);
	assert_true(has_note(s.target, words, WS_ARRAY_SIZE(words)));
	assert_int_equal(ws_target_looked(s.target, WS_OK), WS_OK);
}

static void kdump_shrinks(void **state)
{
	static const char *const words[] = { "shorter" };
	autoscene s;

	(void)state;
	open_text(&s, KDUMP);
	assert_non_null(target_frame(s.target, 0x5000));
	assert_int_equal(ftruncate(s.fd, 0x7000), 0);
	assert_non_null(target_frame(s.target, 0x5000));
	assert_null(target_frame(s.target, 0x4000));
	assert_non_null(target_frame(s.target, 0x2000));
	assert_int_equal(frames_by_scan(s.target), 0x006);
	assert_int_equal(s.target->ndamaged, 0);
	assert_true(has_note(s.target, words, WS_ARRAY_SIZE(words)));
}

/* Another thread cuts it to nothing while a pass is under way. */
struct cutter {
	int fd;
	bool cut;
};

static void cut_in_scan(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			size_t len)
{
	struct cutter *cutter = arg;

	(void)worker;
	for (size_t at = 0; at < len; at += WS_FRAME_SIZE)
		if (!is_right(pa + at, data + at))
			abort();
	if (!__atomic_exchange_n(&cutter->cut, true, __ATOMIC_RELAXED) &&
	    ftruncate(cutter->fd, 0))
		abort();
}

static void shrinks_in_scan(void **state)
{
	autoscene s;
	struct cutter cutter;

	(void)state;
	open_text(&s, "ehdr64\nphdr64 offset=0x1000 paddr=0x100000 filesz=0x800000 "
		      "memsz=0x800000\nat 0x1000\nframes 0x100000 0x800\n");
	cutter = (struct cutter){ .fd = s.fd };
	assert_int_equal(ws_target_scan(s.target, "scan", cut_in_scan, &cutter), WS_OK);
	assert_null(target_frame(s.target, 0x8ff000));
	assert_non_null(ws_target_note(s.target, 0));
}

/* A descriptor that cannot be read stands for a disk that fails. */
static void unreadable(void **state)
{
	static const char *const texts[] = { LOADS, KDUMP };

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(texts); i++) {
		struct tally tally = { .lock = PTHREAD_MUTEX_INITIALIZER };
		ws_autoclose int fd = open("/dev/null", O_WRONLY);
		const uint8_t *frame;
		autoscene s;

		open_text(&s, texts[i]);
		assert_int_equal(ws_target_frame(s.target, 0x1000, &frame), WS_READ);
		assert_true(dup2(fd, s.target->file.fd) >= 0);
		assert_int_equal(ws_target_looked(s.target, WS_OK), WS_OK);
		assert_int_equal(ws_target_frame(s.target, 0x1000, &frame), WS_READ);
		/* The first block of a small core is held. */
		assert_int_equal(ws_target_frame(s.target, 0x3000, &frame), WS_FAILED);
		assert_null(frame);
		assert_int_equal(ws_target_looked(s.target, WS_ERR_LIMIT), WS_ERR_LIMIT);
		assert_int_equal(ws_target_looked(s.target, WS_OK), WS_ERR_SYSTEM);
		assert_non_null(strstr(ws_error(s.ctx, 0), strerror(EBADF)));
		assert_int_equal(ws_target_scan(s.target, "scan", tally_chunk, &tally),
				 WS_ERR_SYSTEM);
		assert_int_equal(tally.mask, 0);
	}
}

/* ---- holes ------------------------------------------------------------------------ */

#define TEBI (UINT64_C(1) << 40)

struct found {
	pthread_mutex_t lock;
	uint64_t bytes, words;
};

static void count_words(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
			size_t len)
{
	struct found *found = arg;
	uint64_t words = 0;

	(void)worker;
	(void)pa;
	for (size_t at = 0; at < len; at += 8)
		words += ws_le64(data + at) != 0;
	pthread_mutex_lock(&found->lock);
	found->bytes += len;
	found->words += words;
	pthread_mutex_unlock(&found->lock);
}

/* Where the file's blocks and memory's frames are not aligned, too. */
static void sparse(void **state)
{
	static const uint64_t at[] = { 0, 0x1000, 0x123456789000, TEBI - 0x1000 };
	struct found found = { .lock = PTHREAD_MUTEX_INITIALIZER };
	uint8_t frame[WS_FRAME_SIZE];
	autoscene s;

	(void)state;
	scene_begin(&s, "ehdr64\nphdr64 offset=0x234 paddr=0 filesz=0x10000000000 "
			"memsz=0x10000000000\n");
	assert_int_equal(ftruncate(s.fd, TEBI + 0x234), 0);
	for (size_t i = 0; i < WS_ARRAY_SIZE(at); i++) {
		mk_frame(at[i] % TEBI, frame);
		assert_int_equal(pwrite(s.fd, frame, sizeof(frame), 0x234 + at[i] % TEBI),
				 sizeof(frame));
	}
	assert_int_equal(reopen(&s), WS_OK);
	assert_null(ws_target_note(s.target, 0));
	assert_int_equal(ws_target_scan(s.target, "scan", count_words, &found), WS_OK);
	/* All words but the one at 0 differ from 0; a frame touches two blocks. */
	assert_int_equal(found.words, WS_ARRAY_SIZE(at) * WS_FRAME_SIZE / 8 - 1);
	assert_in_range(found.bytes, WS_ARRAY_SIZE(at) * WS_FRAME_SIZE,
			3 * WS_ARRAY_SIZE(at) * WS_FRAME_SIZE);
	for (size_t i = 0; i < WS_ARRAY_SIZE(at); i++)
		assert_true(is_right(at[i] % TEBI, target_frame(s.target, at[i] % TEBI)));
	memset(frame, 0, sizeof(frame));
	assert_memory_equal(target_frame(s.target, 0x40000000), frame, sizeof(frame));
}

/* ---- bounds ----------------------------------------------------------------------- */

/* Descriptors of the same bytes give the same frame, however far apart. */
static void shared_frames(void **state)
{
	const uint8_t *shared, *other;
	autoscene s;

	(void)state;
	open_text(&s, KDUMP "at 0x4060\ndescriptor offset=0x5000 size=4096\n");
	shared = target_frame(s.target, 0x5000);
	other = target_frame(s.target, 0x2000);
	assert_memory_equal(shared, target_frame(s.target, 0x1000), WS_FRAME_SIZE);
	assert_memory_not_equal(shared, other, WS_FRAME_SIZE);
}

#define MANY 22000u

/*
 * A frame of zeroes takes some twenty bytes, so that a small file can describe very many,
 * and none of these like another. They may take 64 MiB, and 16 times the file.
 */
static void hostile_frames(void **state)
{
	struct mk mk = { 0 };
	uint8_t zeroes[WS_FRAME_SIZE] = { 0 }, packed[8192];
	uint64_t data = 0x4000 + 24 * MANY, kept = 0, bound;
	struct ws_context *ctx = ws_context_create();
	enum ws_evidence evidence = WS_READ;
	struct ws_target *target;
	const uint8_t *frame;
	uint32_t flags;
	char path[32], line[128];
	ws_autoclose int fd = -1;
	size_t size = mk_compress("zlib", zeroes, sizeof(zeroes), packed, &flags);

	(void)state;
	assert_true(mk_build(&mk, "kdump64 max_mapnr=32768\nat 0x1000\n"
				  "sub64 max_mapnr_64=32768\nbits 0x3000 0 22000\n"
				  "at 0x4000\n"));
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(line, sizeof(line), "descriptor offset=%lu size=%zu flags=%u",
			 data + i * size, size, flags);
		assert_true(mk_build(&mk, line));
	}
	for (unsigned i = 0; i < MANY; i++)
		memcpy(mk_room(&mk, data + i * size, size), packed, size);
	bound = (64 << 20) + 16 * mk.size;
	assert_true(MANY * 4200ul > bound);
	fd = mk_file(&mk, path);
	assert_int_equal(ws_target_open(ctx, path, NULL, &target), WS_OK);
	while (kept < MANY && evidence == WS_READ)
		evidence = ws_target_frame(target, kept++ * WS_FRAME_SIZE, &frame);
	assert_int_equal(evidence, WS_FAILED);
	assert_in_range(kept * WS_FRAME_SIZE, bound * 9 / 10, bound);
	assert_int_equal(ws_target_looked(target, WS_OK), WS_ERR_SYSTEM);
	assert_non_null(strstr(ws_error(ctx, 0), "exhaust memory"));
	/* What is kept can still be had. */
	assert_int_equal(ws_target_frame(target, 0, &frame), WS_READ);
	assert_memory_equal(frame, zeroes, sizeof(zeroes));
	ws_target_close(target);
	ws_context_destroy(ctx);
	mk_release(&mk);
}

/* Notes and tables in a sparse file cost nothing to claim: more than any are not read. */
static void vast_table(void **state)
{
	autoscene s;

	(void)state;
	scene_begin(&s,
		    "ehdr64 phnum=0xffff shoff=0x200\nat 0x200\nshdr64 info=0x200000");
	assert_int_equal(ftruncate(s.fd, TEBI), 0);
	assert_int_equal(reopen(&s), WS_ERR_MALFORMED);
	assert_non_null(strstr(ws_error(s.ctx, 0), "more than any machine has"));
}

static void vast_notes(void **state)
{
	static const char *const words[] = { "program header 1",
					     "more than any machine has" };
	autoscene s;

	(void)state;
	scene_begin(
		&s,
		"ehdr64 phnum=2\n"
		"phdr64 offset=0x1000 paddr=0x1000 filesz=0x1000 memsz=0x1000\n"
		"phdr64 type=4 offset=0x1000 filesz=0x4000001\nat 0x1000\nframes 0x1000 "
		"1\n");
	assert_int_equal(ftruncate(s.fd, TEBI), 0);
	assert_int_equal(reopen(&s), WS_OK);
	assert_true(has_note(s.target, words, WS_ARRAY_SIZE(words)));
	assert_int_equal(frames_by_address(s.target), 0x002);
}

/* Every segment over every other, and all the same: 64 pairs for each, and 1024. */
static void overlaps(void **state)
{
	(void)state;
	for (unsigned n = 78; n <= 79; n++) {
		char text[80 * 80];
		int at = snprintf(text, sizeof(text), "ehdr64 phnum=%u\n", n);
		autoscene s;

		/* Found by address and by place: n * (n - 1) steps. */
		for (unsigned i = 0; i < n; i++)
			at += snprintf(text + at, sizeof(text) - at,
				       "phdr64 offset=0x4000 paddr=0x1000 filesz=0x1000 "
				       "memsz=0x1000\n");
		snprintf(text + at, sizeof(text) - at, "at 0x4000\nframes 0x1000 1\n");
		scene_begin(&s, text);
		if (n * (n - 1) <= 1024 + 64 * n) {
			assert_int_equal(reopen(&s), WS_OK);
			assert_int_equal(frames_by_address(s.target), 0x002);
		} else {
			assert_int_equal(reopen(&s), WS_ERR_MALFORMED);
			assert_non_null(strstr(ws_error(s.ctx, 0), "exhaust time"));
		}
	}
}

/* Every segment another frame at one address: each pair contradicts, 4 for each and 1024. */
static void contradictions(void **state)
{
	(void)state;
	for (unsigned n = 49; n <= 50; n++) {
		char text[50 * 128];
		int at = snprintf(text, sizeof(text), "ehdr64 phnum=%u\n", n);
		autoscene s;

		for (unsigned i = 0; i < n; i++)
			at += snprintf(text + at, sizeof(text) - at,
				       "phdr64 offset=%#x paddr=0x1000 filesz=0x1000 "
				       "memsz=0x1000\n",
				       0x4000 + 0x1000 * i);
		snprintf(text + at, sizeof(text) - at, "at 0x4000\nframes 0x1000 %u\n",
			 n);
		scene_begin(&s, text);
		assert_int_equal(reopen(&s), WS_ERR_MALFORMED);
		assert_int_equal(!!strstr(ws_error(s.ctx, 0), "exhaust time"),
				 n * (n - 1) / 2 > 1024 + 4 * n);
	}
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(overlaps),
	cmocka_unit_test(contradictions),
	cmocka_unit_test(cut_memory_counts),
	cmocka_unit_test(registers_before_cut),
	cmocka_unit_test(registers_beside_a_bad_note),
	cmocka_unit_test(frame_inside_descriptors),
	cmocka_unit_test(shrinks),
	cmocka_unit_test(kdump_shrinks),
	cmocka_unit_test(shrinks_in_scan),
	cmocka_unit_test(unreadable),
	cmocka_unit_test(sparse),
	cmocka_unit_test(shared_frames),
	cmocka_unit_test(hostile_frames),
	cmocka_unit_test(vast_table),
	cmocka_unit_test(vast_notes),
};

int main(void)
{
	struct CMUnitTest tests[WS_ARRAY_SIZE(others) + WS_ARRAY_SIZE(gone) +
				WS_ARRAY_SIZE(wholes) + WS_ARRAY_SIZE(bitmaps)];
	size_t n = 0;

	for (size_t i = 0; i < WS_ARRAY_SIZE(gone); i++)
		tests[n++] = (struct CMUnitTest){ .name = gone[i].name,
						  .test_func = what_is_left,
						  .initial_state = (void *)&gone[i] };
	for (size_t i = 0; i < WS_ARRAY_SIZE(wholes); i++)
		tests[n++] = (struct CMUnitTest){ .name = wholes[i].name,
						  .test_func = every_length,
						  .initial_state = (void *)&wholes[i] };
	for (size_t i = 0; i < WS_ARRAY_SIZE(bitmaps); i++)
		tests[n++] = (struct CMUnitTest){ .name = bitmaps[i].name,
						  .test_func = every_bit,
						  .initial_state = (void *)&bitmaps[i] };
	for (size_t i = 0; i < WS_ARRAY_SIZE(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("cut targets", tests, NULL, NULL);
}
