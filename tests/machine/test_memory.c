/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Physical memory: RAM of one's own, copy-on-write, forks, resets, holes. */
#include "stand.h"

#include "common/random.h"

static uint8_t under[2][MACHINE_FRAME_SIZE];
static unsigned asked;

/* Memory at 0x5000 and 0x6000 only. */
static const uint8_t *two_frames(void *opaque, uint64_t pa)
{
	(void)opaque;
	asked++;
	if (pa / MACHINE_FRAME_SIZE == 5)
		return under[0];
	return pa / MACHINE_FRAME_SIZE == 6 ? under[1] : NULL;
}

static uint64_t get(struct machine_memory *memory, uint64_t pa)
{
	uint64_t value;

	machine_memory_read(memory, pa, &value, 8);
	return value;
}

static void put(struct machine_memory *memory, uint64_t pa, uint64_t value)
{
	machine_memory_write(memory, pa, &value, 8);
}

static struct machine_memory *over_two_frames(void)
{
	const struct machine_backing backing = { .frame = two_frames };
	struct machine_memory *memory = machine_memory_create(&backing, 0);

	assert_non_null(memory);
	memset(under[0], 0x11, sizeof(under[0]));
	memset(under[1], 0x22, sizeof(under[1]));
	return memory;
}

static void test_ram(void **state)
{
	struct machine_memory *memory = machine_memory_create(NULL, 0x3000);

	(void)state;
	assert_int_equal(get(memory, 0x2ff8), 0);
	put(memory, 0x2ff8, 0x0123456789abcdef);
	assert_int_equal(get(memory, 0x2ff8), 0x0123456789abcdef);
	put(memory, 0x3000, 7);
	assert_int_equal(get(memory, 0x3000), 0);
	machine_memory_destroy(memory);
}

static void test_across_frames(void **state)
{
	struct machine_memory *memory = machine_memory_create(NULL, 0x3000);

	(void)state;
	put(memory, 0x1ffd, 0x0123456789abcdef);
	assert_int_equal(get(memory, 0x1ffd), 0x0123456789abcdef);
	assert_int_equal(get(memory, 0x2000) & 0xff, 0x89);
	put(memory, 0x2ffd, 0x0123456789abcdef);
	assert_int_equal(get(memory, 0x2ffd), 0xabcdef);
	machine_memory_destroy(memory);
}

static void test_copy_on_write(void **state)
{
	struct machine_memory *memory = over_two_frames();

	(void)state;
	assert_int_equal(get(memory, 0x5008), 0x1111111111111111);
	put(memory, 0x5008, 5);
	assert_int_equal(get(memory, 0x5008), 5);
	assert_int_equal(get(memory, 0x5010), 0x1111111111111111);
	assert_int_equal(under[0][8], 0x11);
	assert_int_equal(get(memory, 0x6000), 0x2222222222222222);
	machine_memory_destroy(memory);
}

static void test_backing_is_asked_once(void **state)
{
	struct machine_memory *memory = over_two_frames();

	(void)state;
	asked = 0;
	for (unsigned i = 0; i < 100; i++) {
		get(memory, 0x5000 + 8 * i);
		get(memory, 0x9000); /* a hole is remembered too */
	}
	assert_int_equal(asked, 2);
	machine_memory_destroy(memory);
}

static void test_reset(void **state)
{
	struct machine_memory *memory = over_two_frames();
	struct machine_written *written;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		put(memory, 0x5000, i);
		put(memory, 0x6000, i);
		machine_memory_reset(memory);
		assert_int_equal(get(memory, 0x5000), 0x1111111111111111);
		assert_int_equal(get(memory, 0x6000), 0x2222222222222222);
		assert_true(machine_memory_written(memory, &written, &n));
		assert_int_equal(n, 0);
		free(written);
	}
	machine_memory_destroy(memory);
}

/* 2^24 generations fit into a key; a reset past that clears the table. */
static void test_many_resets(void **state)
{
	struct machine_memory *memory = machine_memory_create(NULL, 0x2000);

	(void)state;
	put(memory, 0, 1);
	for (unsigned i = 0; i < (1u << 24) + 2; i++)
		machine_memory_reset(memory);
	assert_int_equal(get(memory, 0), 0);
	put(memory, 0, 2);
	assert_int_equal(get(memory, 0), 2);
	machine_memory_destroy(memory);
}

static void test_fork(void **state)
{
	struct machine_memory *parent = over_two_frames(), *child;
	struct machine_backing backing;

	(void)state;
	put(parent, 0x5000, 1);
	backing = machine_memory_backing(parent);
	child = machine_memory_create(&backing, 0);
	assert_int_equal(get(child, 0x5000), 1);
	assert_int_equal(get(child, 0x6000), 0x2222222222222222);
	put(child, 0x5000, 2);
	put(child, 0x6000, 3);
	put(child, 0x7000, 4);
	assert_int_equal(get(child, 0x5000), 2);
	assert_int_equal(get(child, 0x7000), 0);
	assert_int_equal(get(parent, 0x5000), 1);
	assert_int_equal(get(parent, 0x6000), 0x2222222222222222);
	machine_memory_destroy(child);
	machine_memory_destroy(parent);
}

/* Two frames with the bytes of one: each is its own again when it is written. */
static void test_lend(void **state)
{
	static uint8_t page[MACHINE_FRAME_SIZE] = { 7 };
	struct machine_memory *memory = machine_memory_create(NULL, 0x4000);
	struct machine_written *written;
	size_t n;

	(void)state;
	put(memory, 0x2000, 1);
	machine_memory_lend(memory, 0, page);
	machine_memory_lend(memory, 0x1000, page);
	machine_memory_lend(memory, 0x2000, page);
	machine_memory_lend(memory, 0x4000, page); /* a hole stays one */
	put(memory, 0x1008, 2);
	put(memory, 0x2000, 3);
	assert_int_equal(get(memory, 0), 7);
	assert_int_equal(get(memory, 0x1000), 7);
	assert_int_equal(get(memory, 0x1008), 2);
	assert_int_equal(get(memory, 0x2000), 3);
	assert_int_equal(get(memory, 0x4000), 0);
	assert_int_equal(page[0], 7);
	assert_int_equal(page[8], 0);
	assert_true(machine_memory_written(memory, &written, &n));
	assert_int_equal(n, 3);
	assert_ptr_equal(written[0].bytes, page);
	free(written);
	machine_memory_reset(memory);
	assert_int_equal(get(memory, 0), 0);
	machine_memory_destroy(memory);
}

/* ---- frames that are written before they are read --------------------------------- */

/* Says so of a third frame too, which two_frames() has not. */
static bool three_frames(void *opaque, uint64_t pa)
{
	(void)opaque;
	return pa / MACHINE_FRAME_SIZE >= 5 && pa / MACHINE_FRAME_SIZE <= 7;
}

static struct machine_memory *over_known_frames(void)
{
	const struct machine_backing backing = { .frame = two_frames,
						 .holds = three_frames,
						 .memory_end = 0x9000 };

	memset(under[0], 0x11, sizeof(under[0]));
	memset(under[1], 0x22, sizeof(under[1]));
	asked = 0;
	return machine_memory_create(&backing, 0);
}

/* A processor without paging, whose accesses are those of a machine. */
static void cpu_over(struct machine_cpu *cpu, struct machine_memory *memory)
{
	machine_cpu_init(cpu, &(struct machine_model){ .maxphyaddr = 36 }, memory);
}

static void store(struct machine_cpu *cpu, uint64_t pa, unsigned size, uint64_t value)
{
	struct machine_event event;

	assert_true(machine_store(cpu, pa, size, MACHINE_WRITE, value, &event));
}

static uint64_t load(struct machine_cpu *cpu, uint64_t pa, unsigned size)
{
	struct machine_event event;
	uint64_t value;

	assert_true(machine_load(cpu, pa, size, MACHINE_READ, &value, &event));
	return value;
}

/* As a stack does: from the end down, values that say where they are. */
static void push_down(struct machine_cpu *cpu, uint64_t from, uint64_t to)
{
	while (from > to) {
		from -= 4;
		store(cpu, from, 4, from);
	}
}

static void test_run_over(void **state)
{
	struct machine_memory *memory = over_known_frames();
	struct machine_cpu cpu;
	uint64_t hole;

	(void)state;
	cpu_over(&cpu, memory);
	push_down(&cpu, 0x7000, 0x5000);
	assert_int_equal(asked, 0);
	for (uint64_t pa = 0x5000; pa < 0x7000; pa += 4)
		assert_int_equal(load(&cpu, pa, 4), pa);
	assert_int_equal(asked, 0);
	assert_false(machine_memory_hole_read(memory, &hole));
	machine_cpu_release(&cpu);
	machine_memory_destroy(memory);
}

/* What was not written is the backing's, however it is asked for. */
static void test_run_over_in_part(void **state)
{
	struct machine_written *written;
	size_t n;

	(void)state;
	for (unsigned way = 0; way < 5; way++) {
		struct machine_memory *memory = over_known_frames();
		struct machine_backing fork = machine_memory_backing(memory);
		uint64_t first = 0x1111111111111111;
		struct machine_cpu cpu;

		cpu_over(&cpu, memory);
		push_down(&cpu, 0x5800, 0x5400);
		assert_int_equal(asked, 0);
		if (way == 0)
			assert_int_equal(load(&cpu, 0x5000, 8), first);
		else if (way == 1)
			store(&cpu, 0x5000, 8, first = 1);
		else if (way == 2)
			put(memory, 0x5000, first = 2);
		else if (way == 3)
			assert_memory_equal(fork.frame(fork.opaque, 0x5000), &first, 8);
		assert_true(machine_memory_written(memory, &written, &n));
		assert_int_equal(n, 1);
		assert_memory_equal(written->bytes, &first, 8);
		free(written);
		assert_int_equal(asked, 1);
		assert_int_equal(get(memory, 0x5000), first);
		assert_int_equal(get(memory, 0x53f8), 0x1111111111111111);
		assert_int_equal(get(memory, 0x5400), 0x540400005400);
		assert_int_equal(get(memory, 0x57f8), 0x57fc000057f8);
		assert_int_equal(get(memory, 0x5800), 0x1111111111111111);
		machine_cpu_release(&cpu);
		machine_memory_destroy(memory);
	}
}

/* What cannot be fetched in the end is unknown as far as it was not written. */
static void test_run_over_absent(void **state)
{
	struct machine_memory *memory = over_known_frames();
	struct machine_cpu cpu;
	uint64_t hole;

	(void)state;
	cpu_over(&cpu, memory);
	push_down(&cpu, 0x8000, 0x7800);
	assert_false(machine_memory_hole_read(memory, &hole));
	assert_int_equal(load(&cpu, 0x7000, 4), 0);
	assert_true(machine_memory_hole_read(memory, &hole));
	assert_int_equal(hole, 0x7000);
	assert_int_equal(load(&cpu, 0x7800, 4), 0x7800);
	machine_memory_reset(memory);
	push_down(&cpu, 0x8000, 0x7000);
	assert_int_equal(load(&cpu, 0x7000, 4), 0x7000);
	assert_false(machine_memory_hole_read(memory, &hole));
	machine_cpu_release(&cpu);
	machine_memory_destroy(memory);
}

static void test_written(void **state)
{
	struct stand stand;
	struct machine_written *written;
	size_t n, data = 0, flags = 0;

	(void)state;
	stand_open(&stand, STAND_32BIT, &(struct machine_model){ .maxphyaddr = 36 });
	assert_true(machine_memory_written(stand.memory, &written, &n));
	for (size_t i = 1; i < n; i++)
		assert_true(written[i - 1].pa < written[i].pa);
	free(written);
	stand_map(&stand, 0x80000000, 1, 0x2000000 | P | RW);
	stand_goes(&stand, 0x80000000, MACHINE_WRITE, 0x2000000);
	assert_true(machine_memory_written(stand.memory, &written, &n));
	for (size_t i = 0; i < n; i++) {
		data += written[i].reasons == MACHINE_WROTE_DATA;
		flags += written[i].reasons == (MACHINE_WROTE_DATA | MACHINE_WROTE_FLAGS);
	}
	/* A translation writes no data; here it set flags in a directory and a table. */
	assert_int_equal(flags, 2);
	assert_int_equal(data + flags, n);
	free(written);
	stand_close(&stand);
}

/* A table of frames against an array, over many frames and sizes. */
static void test_random(void **state)
{
	enum { BYTES = 1 << 22 };
	struct machine_memory *memory = machine_memory_create(NULL, BYTES);
	struct random random = { random_seed() };
	uint8_t *model = calloc(1, BYTES + 64), buf[64];

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t pa = random_below(&random, BYTES - 64);
		size_t len = random_below(&random, 64);

		for (size_t b = 0; b < len; b++)
			buf[b] = (uint8_t)random_next(&random);
		if (random_percent(&random, 50)) {
			machine_memory_write(memory, pa, buf, len);
			memcpy(model + pa, buf, len);
		}
		machine_memory_read(memory, pa, buf, len);
		assert_memory_equal(buf, model + pa, len);
	}
	free(model);
	machine_memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "RAM of one's own is zeroed, and ends where it ends", test_ram },
		{ "accesses cross frames, into a hole too", test_across_frames },
		{ "a write copies the backing's frame and leaves it alone",
		  test_copy_on_write },
		{ "the backing is asked once a frame", test_backing_is_asked_once },
		{ "a reset forgets every write", test_reset },
		{ "sixteen million resets", test_many_resets },
		{ "a fork sees what was, and keeps its writes to itself", test_fork },
		{ "frames with the bytes of one that was lent, till they are written",
		  test_lend },
		{ "frames written from end to end are not fetched", test_run_over },
		{ "what of a frame was not written is the backing's",
		  test_run_over_in_part },
		{ "what cannot be fetched is unknown where it was not written",
		  test_run_over_absent },
		{ "written frames are reported in order, with the reason", test_written },
		{ "random reads and writes are those of an array", test_random },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
