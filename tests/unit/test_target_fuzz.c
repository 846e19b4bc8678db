/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small valid dumps, damaged at random thousands of times: each must be opened and read
 * to the end, or refused with words. That nothing crashes is for the sanitizers to see
 * (make dev); that nothing loops, for the test's time limit.
 */
#include "common/frames.h"
#include "common/random.h"
#include "containers.h"
#include "mk/mk.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "target/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 1000

struct seed {
	const char *name;
	const char *text;
	size_t headers; /* damage is done mostly before here */
};

#define KDUMP(class, bits)                                                             \
	class " max_mapnr=16\nat 0x1000\n" bits " max_mapnr_64=16 offset_note=0x1080 " \
	      "size_note=460 offset_vmcoreinfo=0x1300 size_vmcoreinfo=8\n"             \
	      "at 0x1080\nnhdr descsz=440\ntext \"QEMU\\0\\0\\0\\0\"\nqemu\n"          \
	      "at 0x1300\ntext \"OSREL=6\\n\"\nbits 0x2000 0 16\nbits 0x3000 1 6\n"    \
	      "at 0x4000\npages zlib 0x1000 1 0x4100\npages lzo 0x2000 1 0x4300\n"     \
	      "pages snappy 0x3000 1 0x4700\npages zstd 0x4000 1 0x4d00\n"             \
	      "pages zlib 0x5000 2 0x5300\n"

static const struct seed seeds[] = {
	{ "elf64",
	  "ehdr64 phnum=3\n"
	  "phdr64 type=4 offset=0x200 filesz=460\n"
	  "phdr64 offset=0x400 paddr=0x1000 filesz=0x2000 memsz=0x2000\n"
	  "phdr64 offset=0x2400 paddr=0x8000 filesz=0x1000 memsz=0x1000\n"
	  "at 0x200\nnhdr descsz=440\ntext \"QEMU\\0\\0\\0\\0\"\nqemu\n"
	  "at 0x400\nframes 0x1000 2\nframes 0x8000 1",
	  0x400 },
	{ "vbox",
	  "ehdr64 phnum=2\nphdr64 type=4 offset=0x100 filesz=560\n"
	  "phdr64 offset=0x400 paddr=0x1000 filesz=0x2000 memsz=0x2000\n"
	  "at 0x100\nnhdr namesz=6 descsz=24 type=0xb00\ntext \"VBCORE\\0\\0\"\n"
	  "vbcore\nnhdr namesz=5 descsz=496 type=0xb01\ntext \"VBCPU\\0\\0\\0\"\n"
	  "vbcpu\nat 0x400\nframes 0x1000 2\n",
	  0x400 },
	{ "kcore",
	  "ehdr64 phnum=4\nphdr64 type=4 offset=0x200 filesz=0x1c\n"
	  "phdr64 vaddr=0xffff888000001000 offset=0x400 paddr=0x1000 filesz=0x2000 "
	  "memsz=0x2000\n"
	  "phdr64 vaddr=0xffffffff81001000 offset=0x2400 paddr=0x1000 filesz=0x1000 "
	  "memsz=0x1000\n"
	  "phdr64 vaddr=0xffffc90000000000 offset=0x3400 paddr=-1 filesz=0x1000 "
	  "memsz=0x1000\n"
	  "at 0x200\nnhdr descsz=8 type=4\ntext \"CORE\\0\\0\\0\\0\"\nu64 0\n"
	  "at 0x400\nframes 0x1000 4\n",
	  0x400 },
	{ "old kcore",
	  "ehdr32 phnum=4 machine=3\nphdr32 type=4 offset=0x200 filesz=0x1c\n"
	  "phdr32 vaddr=0xc1000000 offset=0x3400 filesz=0x1000 memsz=0x1000\n"
	  "phdr32 vaddr=0xc0010000 offset=0x2400 filesz=0x1000 memsz=0x1000\n"
	  "phdr32 vaddr=0xc0001000 offset=0x400 filesz=0x2000 memsz=0x2000\n"
	  "at 0x200\nnhdr descsz=8 type=4\ntext \"CORE\\0\\0\\0\\0\"\nu64 0\n"
	  "at 0x400\nframes 0x1000 4\n",
	  0x400 },
	{ "xen", XEN("shnum=5 shstrndx=1", "1 2 5 6"), 0x200 },
	{ "vmware", VMWARE("2", VMREGIONS), 0x300 },
	{ "migration", QEVM_WITH(QEVM_PAGES QEVM_ZEROES), 0x100 },
	{ "migration's layout", QEVM_WITH(QEVM_PAGES), 0x5000 },
	{ "migration with mapped-ram", QEVM_MAPPED("be32 1\nbe64 0x1000 0x8d 0x100000\n"),
	  0x100 },
	{ "elf32",
	  "ehdr32 phnum=2\n"
	  "phdr32 type=4 offset=0x100 filesz=164\n"
	  "phdr32 offset=0x200 paddr=0x1000 filesz=0x2000 memsz=0x2000\n"
	  "at 0x100\nnhdr descsz=144 type=1\ntext \"CORE\\0\\0\\0\\0\"\nprstatus32\n"
	  "at 0x200\nframes 0x1000 2",
	  0x200 },
	{ "lime",
	  "lime first=0x1000 last=0x1fff\nframes 0x1000 1\n"
	  "lime first=0x5000 last=0x5fff\nframes 0x5000 1",
	  0x2040 },
	{ "avml",
	  "avml first=0x1000 last=0x3fff\nsnappy packed 0x1000 2\nsnappy plain 0x3000 1\n"
	  "length 32\navml first=0x5000 last=0x5fff\nsnappy packed 0x5000 1\nlength 32",
	  0x3000 },
	{ "kdump64", KDUMP("kdump64", "sub64"), 0x5300 },
	{ "kdump32", KDUMP("kdump32", "sub32"), 0x5300 },
	{ "kdump of 16 KiB",
	  "kdump64 block_size=0x4000 max_mapnr=16\nat 0x4000\nsub64 max_mapnr_64=16\n"
	  "bits 0x8000 0 16\nbits 0xc000 1 3\nat 0x10000\n"
	  "pages zlib 0x4000 1 0x10100 0x4000\npages lzo 0x8000 1 0x12000 0x4000\n"
	  "pages zstd 0xc000 1 0x14000 0x4000\n",
	  0x10100 },
	{ "flattened",
	  KDUMP("kdump64", "sub64") "flatten 0x4000+0x800 0+464 0x1000+104 0x1080+0x500 "
				    "0x2000+0x2000 0x4800+0x9000",
	  0x5000 },
};

/* Bytes that headers react to, one time in two; else anything. */
static uint8_t evil_byte(struct random *random)
{
	static const uint8_t evil[] = { 0, 1, 0x7f, 0x80, 0xff, 0xf0, 0x10 };

	return random_percent(random, 50) ? evil[random_below(random, sizeof(evil))]
					  : random_next(random);
}

static void damage(struct mk *mk, size_t headers, struct random *random)
{
	unsigned times = 1 + random_below(random, 6);

	while (times--) {
		size_t room = random_percent(random, 80) ? headers : mk->size;
		size_t at, n = 1 << random_below(random, 4);

		/*
		 * Headers lie thinly in what is before `headers`: the front more often.
		 */
		if (random_percent(random, 50))
			room = room < 0x200 ? room : 0x200;
		at = random_below(random, room < mk->size ? room : mk->size);
		for (size_t i = at; i < at + n && i < mk->size; i++)
			mk->bytes[i] = evil_byte(random);
	}
	if (random_percent(random, 10))
		mk->size = 1 + random_below(random, mk->size);
}

static void touch(void *arg, unsigned worker, uint64_t pa, const uint8_t *data,
		  size_t len)
{
	uint64_t *sum = arg;

	(void)pa;
	for (size_t i = 0; i < len; i++)
		sum[worker] += data[i];
}

static void read_all(struct ws_target *target, struct random *random)
{
	uint64_t sum[WS_SCAN_WORKERS] = { 0 };
	const struct ws_extent *extents;
	uint8_t bytes[300];
	size_t n;

	assert_int_equal(ws_target_scan(target, "scan", touch, sum), WS_OK);
	extents = ws_target_extents(target, &n);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		uint64_t pa = extents[i].pa + random_below(random, extents[i].len);
		const uint8_t *frame = target_frame(target, pa);

		if (frame)
			sum[0] += frame[0] + frame[WS_FRAME_SIZE - 1];
		if (ws_target_read(target, pa, bytes, sizeof(bytes)) == WS_READ)
			sum[0] += bytes[299];
		if (i)
			assert_true(extents[i - 1].pa + extents[i - 1].len <
				    extents[i].pa);
	}
	/* Nothing to hold it against, but it has to be computed. */
	__asm__ volatile("" : : "r"(sum[0]));
}

static bool is_refusal(enum ws_status status)
{
	return status == WS_ERR_UNREADABLE || status == WS_ERR_MALFORMED ||
	       status == WS_ERR_UNSUPPORTED;
}

static void fuzz(void **state)
{
	const struct seed *seed = *state;
	struct random random = { random_seed() };
	struct ws_context *ctx = ws_context_create();
	struct mk good = { 0 }, bad = { 0 };
	unsigned opened = 0, rounds = random_rounds(ROUNDS);
	char path[32];

	assert_true(mk_build(&good, seed->text));
	for (unsigned round = 0; round < rounds; round++) {
		struct ws_target *target;
		enum ws_status status;
		ws_autoclose int fd = -1;

		memcpy(mk_room(&bad, 0, good.size), good.bytes, good.size);
		bad.size = good.size;
		if (round)
			damage(&bad, seed->headers, &random);
		fd = mk_file(&bad, path);
		ws_error_clear(ctx);
		status = ws_target_open(ctx, path, NULL, &target);
		if (status == WS_OK) {
			opened++;
			read_all(target, &random);
		} else if (!is_refusal(status) || !ws_error(ctx, 0) ||
			   strncmp(ws_error(ctx, 0), path, strlen(path))) {
			fail_msg("round %u: status %d: %s", round, status,
				 ws_error(ctx, 0));
		}
		ws_target_close(target);
		assert_true(round || status == WS_OK);
	}
	/* Else the damage is too coarse to get past the first header, or too fine. */
	assert_in_range(opened, rounds / 20, rounds - rounds / 200);
	mk_release(&good);
	mk_release(&bad);
	ws_context_destroy(ctx);
}

int main(void)
{
	struct CMUnitTest tests[WS_ARRAY_SIZE(seeds)];

	for (size_t i = 0; i < WS_ARRAY_SIZE(seeds); i++)
		tests[i] = (struct CMUnitTest){ .name = seeds[i].name,
						.test_func = fuzz,
						.initial_state = (void *)&seeds[i] };
	return cmocka_run_group_tests_name("damaged targets", tests, NULL, NULL);
}
