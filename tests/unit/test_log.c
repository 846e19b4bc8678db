/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's log in each form that it has had, written by the kernel's own definitions:
 * whole, overwritten in places, and found without a name.
 */
#include "fake_kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/memory.h"
#include "common/random.h"

/* From the image's first byte. */
enum {
	VARIABLES = 0x2000,
	RING = 0x3000,
	DESCS = 0x4000,
	INFOS = 0x8000,
	DATA = 0x10000
};
#define TEXT_BITS 12u
#define TEXT_SIZE (1u << TEXT_BITS)
#define COUNT_BITS 7u
#define COUNT (1u << COUNT_BITS)
#define INFO_SIZE 88u

struct scene {
	struct fake_kernel kernel;
	unsigned word;
	uint64_t mask;       /* of ids */
	uint64_t head, tail; /* ids */
	uint64_t lpos;       /* of the next text */
	uint64_t oldest[COUNT];
	char vmcoreinfo[1024];
};

static uint64_t at(const struct scene *scene, uint64_t offset)
{
	return scene->kernel.image + offset;
}

static void tell(struct scene *scene, const char *kind, const char *name, uint64_t value)
{
	size_t n = strlen(scene->vmcoreinfo);

	snprintf(scene->vmcoreinfo + n, sizeof(scene->vmcoreinfo) - n,
		 *kind == 'S' && kind[1] == 'Y' ? "%s(%s)=%lx\n" : "%s(%s)=%lu\n", kind,
		 name, value);
	free(scene->kernel.system.vmcoreinfo);
	scene->kernel.system.vmcoreinfo = strdup(scene->vmcoreinfo);
}

static struct scene *scene_create(unsigned word)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		abort();
	fake_create(&scene->kernel, word);
	scene->word = word;
	scene->mask = UINT64_MAX >> (64 - 8 * word + 2);
	return scene;
}

static void scene_destroy(struct scene *scene)
{
	fake_destroy(&scene->kernel);
	free(scene);
}

static const struct ws_log *log_of(struct scene *scene)
{
	const struct ws_log *log;

	fake_forget(&scene->kernel);
	return ws_system_log(&scene->kernel.system, &log) == WS_OK ? log : NULL;
}

static bool has_note(const struct scene *scene, const char *words)
{
	ws_vec_each(&scene->kernel.system.notes, note)
		if (strstr(*note, words))
			return true;
	return false;
}

/* ---- a ring (kernel/printk/printk_ringbuffer.h) ----------------------------------- */

static uint64_t desc_at(const struct scene *scene, uint64_t id)
{
	return at(scene, DESCS + (id % COUNT) * 3 * scene->word);
}

static uint64_t info_at(const struct scene *scene, uint64_t id)
{
	return at(scene, INFOS + (id % COUNT) * INFO_SIZE);
}

static void put_desc(struct scene *scene, uint64_t id, unsigned state, uint64_t begin,
		     uint64_t next)
{
	uint64_t va = desc_at(scene, id);

	fake_put_word(&scene->kernel, va, id | (uint64_t)state << (8 * scene->word - 2));
	fake_put_word(&scene->kernel, va + scene->word, begin);
	fake_put_word(&scene->kernel, va + 2 * scene->word, next);
}

static void put64(struct scene *scene, uint64_t va, uint64_t value)
{
	put_little(fake_at(&scene->kernel, va), 8, value);
}

static void put_info(struct scene *scene, uint64_t id, const char *text, unsigned level)
{
	uint64_t va = info_at(scene, id), seq = (id - -COUNT) & scene->mask;
	uint8_t *v = fake_at(&scene->kernel, va);
	size_t n = strlen(text);

	put64(scene, va, seq);
	put64(scene, va + 8, seq * 1000000);
	v[16] = (uint8_t)n;
	v[17] = (uint8_t)(n >> 8);
	v[18] = 0;                         /* kern */
	v[19] = (uint8_t)(level << 5 | 2); /* LOG_NEWLINE */
	fake_put32(&scene->kernel, va + 20, level == 3 ? 0x80000001 : 42);
}

static void put_ends(struct scene *scene, uint64_t ring)
{
	fake_put_word(&scene->kernel, ring + 3 * scene->word, scene->head);
	fake_put_word(&scene->kernel, ring + 4 * scene->word, scene->tail);
}

static void ring_create(struct scene *scene)
{
	uint64_t ring = at(scene, RING);
	unsigned word = scene->word;

	fake_put32(&scene->kernel, ring, COUNT_BITS);
	fake_put_word(&scene->kernel, ring + word, at(scene, DESCS));
	fake_put_word(&scene->kernel, ring + 2 * word, at(scene, INFOS));
	fake_put32(&scene->kernel, ring + 5 * word, TEXT_BITS);
	fake_put_word(&scene->kernel, ring + 6 * word, at(scene, DATA));
	fake_put_word(&scene->kernel, at(scene, VARIABLES), ring);
	scene->head = scene->tail = -(COUNT + 1) & scene->mask; /* DESC0_ID: 32 bits */
	put_desc(scene, scene->head, 3, 1, 1);
	scene->lpos = -(uint64_t)TEXT_SIZE & (UINT64_MAX >> (64 - 8 * word));
	put_ends(scene, ring);
	tell(scene, "SYMBOL", "prb", at(scene, VARIABLES));
	tell(scene, "SIZE", "printk_info", INFO_SIZE);
}

/* What text is run over has its descriptor made reusable first. */
static void make_room(struct scene *scene, uint64_t end)
{
	uint64_t last = UINT64_MAX >> (64 - 8 * scene->word);

	for (; scene->tail != scene->head;
	     scene->tail = (scene->tail + 1) & scene->mask) {
		uint64_t begin = scene->oldest[scene->tail % COUNT];

		if (((end - begin) & last) <= TEXT_SIZE)
			return;
		put_desc(scene, scene->tail, 3, begin, begin);
	}
}

/* As printk_sprint() leaves it: the prefix is cut by moving the text over itself. */
static uint64_t ring_add(struct scene *scene, const char *text, unsigned level)
{
	unsigned word = scene->word;
	uint64_t last = UINT64_MAX >> (64 - 8 * word),
		 id = (scene->head + 1) & scene->mask;
	size_t n = strlen(text), size = (word + n + 4 + word - 1) & -(size_t)word;
	uint64_t begin = scene->lpos, next = (begin + size) & last, index;
	uint8_t *block;

	if (begin >> TEXT_BITS != next >> TEXT_BITS)
		next = (next >> TEXT_BITS << TEXT_BITS) + size;
	make_room(scene, next);
	index = begin >> TEXT_BITS == next >> TEXT_BITS ? begin % TEXT_SIZE : 0;
	fake_put_word(&scene->kernel, at(scene, DATA + begin % TEXT_SIZE), id);
	fake_put_word(&scene->kernel, at(scene, DATA + index), id);
	block = fake_at(&scene->kernel, at(scene, DATA + index + word));
	assert_non_null(block);
	snprintf((char *)block, n + 4, "\0016%s\n", text);
	memmove(block, block + 2, n);
	put_desc(scene, id, 2, begin, next);
	put_info(scene, id, text, level);
	scene->oldest[id % COUNT] = begin;
	scene->lpos = next;
	scene->head = id;
	put_ends(scene, at(scene, RING));
	return id;
}

#define MESSAGES 20u

static void message(unsigned i, char text[static 64])
{
	snprintf(text, 64, "message %u of the kernel's%s", i,
		 i % 5 ? "" : ", of\ntwo lines");
}

/* n messages; oldest[] has where each began. */
static struct scene *ring_of(unsigned word, unsigned n)
{
	struct scene *scene = scene_create(word);
	char text[64];

	ring_create(scene);
	for (unsigned i = 0; i < n; i++) {
		message(i, text);
		ring_add(scene, text, i % 8);
	}
	return scene;
}

static uint64_t id_of(const struct scene *scene, unsigned i)
{
	return ((uint64_t)-COUNT + i) & scene->mask;
}

/* Record r is message i, whole. */
static void check_message(const struct ws_log *log, size_t r, unsigned i)
{
	const struct ws_log_record *record = &log->records[r];
	char text[64];

	message(i, text);
	assert_true(r < log->nrecords);
	assert_string_equal(record->text, text);
	assert_true(record->has_seq && record->has_time && record->has_level);
	assert_int_equal(record->seq, i);
	assert_int_equal(record->time, i * 1000000);
	assert_int_equal(record->level, i % 8);
	assert_true(record->has_caller);
	assert_int_equal(record->caller, i % 8 == 3 ? WS_LOG_CALLER_CPU + 1 : 42);
	assert_false(record->damaged);
}

static void check_whole(const struct ws_log *log, unsigned n)
{
	assert_non_null(log);
	assert_int_equal(log->nrecords, n);
	for (unsigned i = 0; i < n; i++)
		check_message(log, i, i);
	assert_int_equal(log->lost + log->lost_bytes + log->damaged, 0);
}

static void test_ring(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = ring_of(word, MESSAGES);
		const struct ws_log *log = log_of(scene);

		check_whole(log, MESSAGES);
		assert_int_equal(log->kind, WS_LOG_RING);
		assert_true(log->complete);
		scene_destroy(scene);
	}
}

/* More than the ring holds: the oldest are gone, and nothing is lost. */
static void test_ring_wraps(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = ring_of(word, 1000);
		const struct ws_log *log = log_of(scene);
		unsigned first;

		assert_non_null(log);
		assert_true(log->complete);
		first = (unsigned)log->records[0].seq;
		assert_true(log->nrecords > 60 && log->nrecords < COUNT);
		assert_int_equal(first + log->nrecords, 1000);
		for (unsigned i = first; i < 1000; i++)
			check_message(log, i - first, i);
		scene_destroy(scene);
	}
}

/* An empty line, one without room for its text, and one that is being written. */
static void test_ring_without_text(void **state)
{
	struct scene *scene = ring_of(8, MESSAGES);
	const struct ws_log *log;

	(void)state;
	put_desc(scene, id_of(scene, 3), 2, 3, 3);
	put_info(scene, id_of(scene, 3), "", 6);
	put_desc(scene, id_of(scene, 4), 2, 1, 1);
	log = log_of(scene);
	assert_non_null(log);
	assert_int_equal(log->nrecords, MESSAGES - 1);
	assert_string_equal(log->records[3].text, "");
	assert_true(log->complete);
	check_message(log, 4, 5);
	scene_destroy(scene);
}

/* What a storm does to one of the three; the others tell what it was. */
static void test_ring_descriptor_overwritten(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = ring_of(word, MESSAGES);

		for (unsigned i = 5; i < 12; i++)
			memset(fake_at(&scene->kernel, desc_at(scene, id_of(scene, i))),
			       0x60, 3 * word);
		check_whole(log_of(scene), MESSAGES);
		scene_destroy(scene);
	}
}

static void test_ring_info_overwritten(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = ring_of(word, MESSAGES);
		const struct ws_log *log;
		char text[64];

		memset(fake_at(&scene->kernel, info_at(scene, id_of(scene, 7))), 0x60,
		       INFO_SIZE);
		log = log_of(scene);
		assert_non_null(log);
		assert_int_equal(log->nrecords, MESSAGES);
		message(7, text);
		assert_string_equal(log->records[7].text, text);
		assert_true(log->records[7].damaged && log->records[7].has_seq);
		assert_false(log->records[7].has_time || log->records[7].has_level);
		assert_int_equal(log->damaged, 1);
		assert_false(log->complete);
		assert_true(has_note(scene, "1 record of the kernel log is damaged"));
		scene_destroy(scene);
	}
}

static void test_ring_text_overwritten(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = ring_of(word, MESSAGES);
		uint64_t begin = scene->oldest[id_of(scene, 7) % COUNT] % TEXT_SIZE;
		uint64_t next = scene->oldest[id_of(scene, 9) % COUNT] % TEXT_SIZE;
		const struct ws_log *log;

		memset(fake_at(&scene->kernel, at(scene, DATA + begin)), 0x60,
		       next - begin + word + 5);
		log = log_of(scene);
		assert_non_null(log);
		assert_int_equal(log->nrecords, MESSAGES - 3);
		assert_int_equal(log->lost, 3);
		check_message(log, 6, 6);
		check_message(log, 7, 10);
		assert_false(log->complete);
		assert_true(has_note(scene, "3 records of the kernel log were"));
		scene_destroy(scene);
	}
}

static void test_ring_text_damaged(void **state)
{
	struct scene *scene = ring_of(8, MESSAGES);
	uint64_t begin = scene->oldest[id_of(scene, 7) % COUNT] % TEXT_SIZE;
	const struct ws_log *log;

	(void)state;
	memset(fake_at(&scene->kernel, at(scene, DATA + begin + 8 + 9)), 0, 4);
	log = log_of(scene);
	assert_non_null(log);
	assert_string_equal(log->records[7].text, "message 7");
	assert_true(log->records[7].damaged);
	assert_int_equal(log->damaged, 1);
	scene_destroy(scene);
}

/* The page with the later texts is not in the target. */
static void test_ring_absent(void **state)
{
	struct scene *scene = scene_create(8);
	const struct ws_log *log;
	char text[64];

	(void)state;
	ring_create(scene);
	/* a ring of two pages */
	fake_put32(&scene->kernel, at(scene, RING) + 40, TEXT_BITS + 1);
	for (unsigned i = 0; i < MESSAGES; i++) {
		message(i, text);
		ring_add(scene, text, i % 8);
	}
	for (unsigned i = 0; i < MESSAGES; i++) /* positions of the larger ring */
		put_desc(scene, id_of(scene, i), 2,
			 scene->oldest[id_of(scene, i) % COUNT] % TEXT_SIZE,
			 (i + 1 < MESSAGES ? scene->oldest[id_of(scene, i + 1) % COUNT]
					   : scene->lpos) %
				 TEXT_SIZE);
	put_desc(scene, id_of(scene, 18), 2, TEXT_SIZE + 8, TEXT_SIZE + 64);
	put_desc(scene, id_of(scene, 19), 2, TEXT_SIZE + 64, TEXT_SIZE + 128);
	memset(fake_at(&scene->kernel,
		       at(scene,
			  DATA + scene->oldest[id_of(scene, 18) % COUNT] % TEXT_SIZE)),
	       0, 256);
	fake_leave_out(&scene->kernel, at(scene, DATA + TEXT_SIZE), WS_FRAME_SIZE);
	log = log_of(scene);
	assert_non_null(log);
	assert_int_equal(log->nrecords, MESSAGES - 2);
	assert_int_equal(log->lost, 2);
	assert_true(has_note(scene, "2 records of the kernel log are not in the target"));
	scene_destroy(scene);
}

/* Nothing names the ring; its shape does. */
static void test_ring_by_shape(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = ring_of(word, MESSAGES);
		const struct ws_log *log;

		fake_put_word(&scene->kernel, at(scene, VARIABLES), 0);
		log = log_of(scene);
		check_whole(log, MESSAGES);
		assert_true(log->by_shape);
		assert_false(log->complete);
		assert_true(has_note(scene, "found by its shape"));
		scene_destroy(scene);
	}
}

/* ---- a direct map that has far more memory than its file has written --------------- */

static uint64_t bytes_read; /* of files, by all of this program */

/* In place of the C library's. */
ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	ssize_t n = syscall(SYS_pread64, fd, to, size, at);

	bytes_read += n > 0 ? (uint64_t)n : 0;
	return n;
}

#define HOLES (UINT64_C(64) << 30)

/* The kernel's memory as a file that goes on as a hole, and all of it mapped. */
static FILE *put_in_file(struct fake_kernel *kernel)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	for (uint64_t i = 1; i < HOLES >> 30; i++) /* pages of 1 GiB: P, RW and PS */
		put_little(kernel->memory + 0x2000 + 8 * i, 8, i << 30 | 0x083);
	assert_int_equal(fwrite(kernel->memory, FAKE_MEMORY, 1, file), 1);
	assert_int_equal(fflush(file), 0);
	assert_int_equal(ftruncate(fileno(file), HOLES), 0);
	return file;
}

static struct ws_target *file_open(struct scene *scene, FILE *file)
{
	const struct ws_target_options options = {
		.kind = "raw", .format = scene->kernel.system.format->name
	};
	struct ws_target *target;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
	assert_int_equal(
		ws_target_open(scene->kernel.system.ctx, path, &options, &target), WS_OK);
	return target;
}

/* What lies in a hole of the file is passed over, whether a log is found behind or not. */
static void test_holes_are_not_searched(void **state)
{
	(void)state;
	for (unsigned messages = 0; messages <= MESSAGES; messages += MESSAGES) {
		struct scene *scene = ring_of(8, messages);
		struct ws_system *system = &scene->kernel.system;
		const struct ws_log *log;
		FILE *file;

		fake_put_word(&scene->kernel, at(scene, VARIABLES), 0);
		system->layout.image_last = 0; /* the direct map alone is searched */
		file = put_in_file(&scene->kernel);
		system->target = system->paging.opaque = file_open(scene, file);
		bytes_read = 0;
		log = log_of(scene);
		if (messages)
			check_whole(log, messages);
		else
			assert_null(log);
		assert_in_range(bytes_read, 1, 16 * FAKE_MEMORY);
		ws_target_close(system->target);
		system->target = &scene->kernel.target;
		fclose(file);
		scene_destroy(scene);
	}
}

/* Nor is there a ring any more: the texts are left. */
static void test_texts_by_shape(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = ring_of(word, MESSAGES);
		const struct ws_log *log;
		char text[64];

		memset(fake_at(&scene->kernel, at(scene, RING)), 0x60, 16 * word);
		log = log_of(scene);
		assert_non_null(log);
		assert_int_equal(log->nrecords, MESSAGES);
		for (unsigned i = 0; i < MESSAGES; i++) {
			message(i, text);
			assert_string_equal(log->records[i].text, text);
			assert_false(log->records[i].has_time);
			assert_true(log->records[i].damaged);
		}
		assert_true(has_note(scene, "only the texts were found"));
		scene_destroy(scene);
	}
}

/* Numbers that rise, with pointers between, are no texts. */
static void test_tables_are_no_texts(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = scene_create(word);
		const struct ws_log *log;

		for (unsigned i = 0; i < 200; i++) {
			fake_put_word(&scene->kernel, at(scene, DATA + 2 * word * i), i);
			fake_put_word(&scene->kernel,
				      at(scene, DATA + 2 * word * i + word),
				      at(scene, 0x4142));
		}
		log = log_of(scene);
		assert_null(log);
		assert_non_null(strstr(ws_error(scene->kernel.system.ctx, 0),
				       "no kernel log was found"));
		scene_destroy(scene);
	}
}

static void test_not_in_target(void **state)
{
	struct scene *scene = ring_of(8, MESSAGES);
	const struct ws_log *log;

	(void)state;
	fake_leave_out(&scene->kernel, at(scene, 0), FAKE_AREA);
	fake_forget(&scene->kernel);
	assert_int_equal(ws_system_log(&scene->kernel.system, &log), WS_ERR_UNKNOWN);
	assert_null(log);
	assert_non_null(
		strstr(ws_error(scene->kernel.system.ctx, 0), "not in this target"));
	scene_destroy(scene);
}

/* ---- records (kernel/printk.c, 3.5 to 5.9) ---------------------------------------- */

struct form {
	size_t header;
	bool is_3_5;
};
static const struct form forms[] = {
	{ 16, true }, { 16, false }, { 20, false }, { 24, false }
};

#define BUFFER 2048u

struct records {
	struct scene *scene;
	const struct form *form;
	size_t at;
};

static size_t records_add(struct records *records, const char *text, unsigned i,
			  unsigned flags)
{
	size_t n = strlen(text), header = records->form->header;
	size_t len = (header + n + 5 + 3) & -(size_t)4, from;
	uint64_t va;
	uint8_t *v;

	if (records->at + len + header > BUFFER) {
		memset(fake_at(&records->scene->kernel,
			       at(records->scene, DATA + records->at)),
		       0, header);
		records->at = 0;
	}
	from = records->at;
	va = at(records->scene, DATA + from);
	v = fake_at(&records->scene->kernel, va);
	memset(v, 0, len);
	put64(records->scene, va, i * UINT64_C(1000000));
	v[8] = (uint8_t)len;
	v[9] = (uint8_t)(len >> 8);
	v[10] = (uint8_t)n;
	v[12] = 5; /* a dictionary */
	v[14] = records->form->is_3_5 ? (uint8_t)(i % 8) : 0;
	v[15] = records->form->is_3_5 ? 0 : (uint8_t)((i % 8) << 5 | flags);
	if (header > 16)
		fake_put32(&records->scene->kernel, va + 16, 42);
	memcpy(v + header, text, n);
	memcpy(v + header + n, "A=bc", 4);
	records->at += len;
	return from;
}

static void put_variables(struct scene *scene, const char *first_name, uint32_t first,
			  const char *next_name, uint32_t next, uint32_t len)
{
	fake_put_word(&scene->kernel, at(scene, VARIABLES), at(scene, DATA));
	fake_put32(&scene->kernel, at(scene, VARIABLES + 16), len);
	fake_put32(&scene->kernel, at(scene, VARIABLES + 24), first);
	fake_put32(&scene->kernel, at(scene, VARIABLES + 32), next);
	tell(scene, "SYMBOL", "log_buf", at(scene, VARIABLES));
	tell(scene, "SYMBOL", "log_buf_len", at(scene, VARIABLES + 16));
	if (first_name)
		tell(scene, "SYMBOL", first_name, at(scene, VARIABLES + 24));
	tell(scene, "SYMBOL", next_name, at(scene, VARIABLES + 32));
}

/* n records; those that are overwritten again are no more: *first is the oldest left. */
static struct scene *records_of(unsigned word, const struct form *form, unsigned n,
				unsigned *first)
{
	struct records records = { scene_create(word), form, 0 };
	size_t *from = calloc(n, sizeof(*from));
	char text[64];

	for (unsigned i = 0; i < n; i++) {
		message(i, text);
		from[i] = records_add(&records, text, i, 2);
	}
	/* backwards, as long as none has been written over since */
	*first = n - 1;
	for (bool behind = false; *first; --*first) {
		behind |= from[*first - 1] > from[*first];
		if (behind && from[*first - 1] < records.at)
			break;
	}
	put_variables(records.scene, "log_first_idx", (uint32_t)from[*first],
		      "log_next_idx", (uint32_t)records.at, BUFFER);
	free(from);
	return records.scene;
}

static void check_record(const struct ws_log *log, size_t r, unsigned i,
			 const struct form *form)
{
	const struct ws_log_record *record = &log->records[r];
	char text[64];

	message(i, text);
	assert_true(r < log->nrecords);
	assert_string_equal(record->text, text);
	assert_true(record->has_time && record->has_level && !record->damaged);
	assert_int_equal(record->time, i * UINT64_C(1000000));
	assert_int_equal(record->level, i % 8);
	assert_int_equal(record->facility, 0);
	assert_int_equal(record->has_caller, form->header > 16);
	assert_false(record->has_seq);
}

static void test_records(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (size_t f = 0; f < 4; f++) {
			unsigned first;
			struct scene *scene = records_of(word, &forms[f], 20, &first);
			const struct ws_log *log = log_of(scene);

			assert_non_null(log);
			assert_int_equal(log->kind, WS_LOG_RECORDS);
			assert_int_equal(first, 0);
			assert_int_equal(log->nrecords, 20);
			for (unsigned i = 0; i < 20; i++)
				check_record(log, i, i, &forms[f]);
			assert_true(log->complete);
			scene_destroy(scene);
		}
}

static void test_records_wrap(void **state)
{
	(void)state;
	for (size_t f = 0; f < 4; f++) {
		unsigned first;
		struct scene *scene = records_of(8, &forms[f], 100, &first);
		const struct ws_log *log = log_of(scene);

		assert_non_null(log);
		assert_true(first > 50 && first < 90);
		assert_int_equal(log->nrecords, 100 - first);
		for (unsigned i = first; i < 100; i++)
			check_record(log, i - first, i, &forms[f]);
		assert_true(log->complete);
		scene_destroy(scene);
	}
}

static void test_records_continue(void **state)
{
	struct records records = { scene_create(8), &forms[1], 0 };
	const struct ws_log *log;

	(void)state;
	records_add(&records, "one ", 1, 4);
	records_add(&records, "two ", 1, 8);
	records_add(&records, "three", 1, 8 | 2);
	put_variables(records.scene, "log_first_idx", 0, "log_next_idx",
		      (uint32_t)records.at, BUFFER);
	log = log_of(records.scene);
	assert_non_null(log);
	assert_int_equal(log->nrecords, 3);
	assert_true(log->records[0].open && !log->records[0].continues);
	assert_true(log->records[1].open && log->records[1].continues);
	assert_true(!log->records[2].open && log->records[2].continues);
	scene_destroy(records.scene);
}

/* Where the way from record to record is broken, the next that is one is found. */
static void test_records_overwritten(void **state)
{
	(void)state;
	for (size_t f = 0; f < 4; f++) {
		unsigned first;
		struct scene *scene = records_of(8, &forms[f], 20, &first);
		const struct ws_log *log;

		memset(fake_at(&scene->kernel, at(scene, DATA + 300)), 0x60, 200);
		log = log_of(scene);
		assert_non_null(log);
		assert_true(log->nrecords >= 13 && log->nrecords < 18);
		assert_true(log->lost_bytes >= 150 && log->lost_bytes < 400);
		check_record(log, log->nrecords - 1, 19, &forms[f]);
		assert_false(log->complete);
		assert_true(has_note(scene, "bytes of the kernel log were overwritten"));
		scene_destroy(scene);
	}
}

static void test_records_by_shape(void **state)
{
	(void)state;
	for (size_t f = 0; f < 4; f++)
		for (unsigned n = 20; n <= 100; n += 80) {
			unsigned first;
			struct scene *scene = records_of(8, &forms[f], n, &first);
			const struct ws_log *log;

			fake_put_word(&scene->kernel, at(scene, VARIABLES), 0);
			log = log_of(scene);
			assert_non_null(log);
			assert_true(log->by_shape);
			assert_int_equal(log->kind, WS_LOG_RECORDS);
			assert_true(log->nrecords + 1 >= n - first);
			assert_true(log->nrecords <= n - first + 1);
			check_record(log, log->nrecords - 1, n - 1, &forms[f]);
			scene_destroy(scene);
		}
}

/* ---- characters (kernel/printk.c, before 3.5) ------------------------------------- */

static struct scene *text_of(unsigned word, unsigned n)
{
	struct scene *scene = scene_create(word);
	uint32_t end = 0;
	char line[128];

	for (unsigned i = 0; i < n; i++) {
		snprintf(line, sizeof(line),
			 "<%u>[%5u.%06u] message %u of the kernel's\n", i % 8, i, i, i);
		for (const char *c = line; *c; c++)
			*fake_at(&scene->kernel, at(scene, DATA + end++ % BUFFER)) =
				(uint8_t)*c;
	}
	put_variables(scene, NULL, 0, "log_end", end, BUFFER);
	return scene;
}

static void check_line(const struct ws_log *log, size_t r, unsigned i)
{
	const struct ws_log_record *record = &log->records[r];
	char text[64];

	snprintf(text, sizeof(text), "message %u of the kernel's", i);
	assert_true(r < log->nrecords);
	assert_string_equal(record->text, text);
	assert_true(record->has_time && record->has_level);
	assert_int_equal(record->level, i % 8);
	assert_int_equal(record->time, i * UINT64_C(1000001000));
}

static void test_text(void **state)
{
	(void)state;
	for (unsigned word = 4; word <= 8; word += 4) {
		struct scene *scene = text_of(word, 20);
		const struct ws_log *log = log_of(scene);

		assert_non_null(log);
		assert_int_equal(log->kind, WS_LOG_TEXT);
		assert_int_equal(log->nrecords, 20);
		for (unsigned i = 0; i < 20; i++)
			check_line(log, i, i);
		assert_true(log->complete);
		scene_destroy(scene);
	}
}

static void test_text_wraps(void **state)
{
	struct scene *scene = text_of(4, 500);
	const struct ws_log *log = log_of(scene);

	(void)state;
	assert_non_null(log);
	assert_true(log->nrecords > 30 && log->nrecords < 60);
	for (unsigned i = 0; i < log->nrecords; i++)
		check_line(log, i, 500 - (unsigned)log->nrecords + i);
	assert_true(log->complete);
	scene_destroy(scene);
}

static void test_text_by_shape(void **state)
{
	(void)state;
	for (unsigned n = 20; n <= 500; n += 480) {
		struct scene *scene = text_of(4, n);
		const struct ws_log *log;

		fake_put_word(&scene->kernel, at(scene, VARIABLES), 0);
		log = log_of(scene);
		assert_non_null(log);
		assert_true(log->by_shape);
		check_line(log, log->nrecords - 1, n - 1);
		scene_destroy(scene);
	}
}

/* A line without a level, or with what only looks like one. */
static void test_text_lines(void **state)
{
	static const char lines[] = "plain\n<6>no time\n<x>[ 1.2] none\n<30>daemon\n";
	struct scene *scene = scene_create(4);
	const struct ws_log *log;

	(void)state;
	memcpy(fake_at(&scene->kernel, at(scene, DATA)), lines, sizeof(lines));
	put_variables(scene, NULL, 0, "log_end", sizeof(lines) - 1, BUFFER);
	log = log_of(scene);
	assert_non_null(log);
	assert_int_equal(log->nrecords, 4);
	assert_false(log->records[0].has_level || log->records[0].has_time);
	assert_true(log->records[1].has_level && !log->records[1].has_time);
	assert_string_equal(log->records[2].text, "<x>[ 1.2] none");
	assert_int_equal(log->records[3].facility, 3);
	assert_int_equal(log->records[3].level, 6);
	scene_destroy(scene);
}

/* ---- what only looks like one ----------------------------------------------------- */

/* n messages in each form, and nothing that names them. */
static struct scene *unnamed(unsigned way, unsigned word, unsigned n)
{
	struct scene *scene;
	unsigned first;

	if (way == 0 || way == 1)
		scene = ring_of(word, n);
	else if (way < 6)
		scene = records_of(word, &forms[way - 2], n, &first);
	else
		scene = text_of(word, n);
	fake_put_word(&scene->kernel, at(scene, VARIABLES), 0);
	if (way == 1) /* the texts alone */
		memset(fake_at(&scene->kernel, at(scene, RING)), 0x60, 16 * word);
	return scene;
}

static void test_eight_messages_are_a_log(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 7; way++)
		for (unsigned word = 4; word <= 8; word += 4) {
			struct scene *scene = unnamed(way, word, 8);
			const struct ws_log *log = log_of(scene);

			assert_non_null(log);
			assert_true(log->by_shape);
			assert_int_equal(log->nrecords, 8);
			scene_destroy(scene);
		}
}

static void check_none(struct scene *scene)
{
	const struct ws_log *log;

	fake_forget(&scene->kernel);
	assert_int_equal(ws_system_log(&scene->kernel.system, &log), WS_ERR_UNKNOWN);
	assert_null(log);
	assert_non_null(
		strstr(ws_error(scene->kernel.system.ctx, 0), "no kernel log was found"));
	scene_destroy(scene);
}

static void test_seven_messages_are_none(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 7; way++)
		for (unsigned word = 4; word <= 8; word += 4)
			check_none(unnamed(way, word, 7));
}

/* Numbers and names, as drivers have them: rows of one length, rows of two, packed ones. */
static void test_lists_of_names_are_no_log(void **state)
{
	static const char *const names[] = { "GenuineIntel", "AuthenticAMD",
					     "CentaurHauls-padlock", "TransmetaCPU" };

	(void)state;
	for (unsigned word = 4; word <= 8; word += 4)
		for (unsigned room = 16; room <= 64; room *= 2) {
			struct scene *scene = scene_create(word);

			for (unsigned i = 0; i < 64; i++) {
				uint64_t va = at(scene, DATA + i * (uint64_t)room * 2);

				fake_put_word(&scene->kernel, va, i);
				memcpy(fake_at(&scene->kernel, va + word), names[i % 4],
				       strnlen(names[i % 4], room - 4));
			}
			check_none(scene);
		}
}

/* Four in a row here, five there, each with the shape of a record or of a ring's text. */
static void test_scattered_rows_are_no_log(void **state)
{
	(void)state;
	for (unsigned way = 1; way < 7; way++)
		for (unsigned word = 4; word <= 8; word += 4) {
			struct scene *scene = unnamed(way, word, 5);
			uint8_t *from = fake_at(&scene->kernel, at(scene, DATA));

			for (unsigned i = 1; i < 4; i++)
				memcpy(fake_at(&scene->kernel,
					       at(scene, DATA + 1024 * i)),
				       from, 512);
			check_none(scene);
		}
}

/* A ring whose numbers are no times, no facilities and no callers. */
static void test_ring_of_nonsense_is_none(void **state)
{
	static const struct {
		unsigned at, len;
		uint8_t byte;
	} harm[] = { { 18, 1, 24 }, { 22, 2, 0x40 } };

	(void)state;
	for (size_t h = 0; h <= 2; h++) {
		struct scene *scene = unnamed(0, 8, MESSAGES);
		const struct ws_log *log;

		for (unsigned i = 0; i < MESSAGES; i++) {
			uint64_t info = info_at(scene, id_of(scene, i));

			if (h < 2)
				memset(fake_at(&scene->kernel, info + harm[h].at),
				       harm[h].byte, harm[h].len);
			else
				put64(scene, info + 8, i * 7919 % 100);
		}
		log = log_of(scene); /* the texts are a log still */
		assert_non_null(log);
		assert_false(log->records[0].has_seq || log->records[0].has_time);
		scene_destroy(scene);
	}
}

/* ---- hostile ---------------------------------------------------------------------- */

/* Nothing to assert but that it ends and that the sanitizers stay silent. */
static void test_random_damage(void **state)
{
	struct random random = { random_seed() };

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		unsigned first, word = round & 1 ? 4 : 8;
		struct scene *scene =
			round % 3 == 0 ? ring_of(word, 300)
			: round % 3 == 1
				? records_of(word, &forms[round % 4], 100, &first)
				: text_of(word, 300);

		for (unsigned i = random_below(&random, 60); i--;) {
			static const uint64_t places[] = { VARIABLES, RING, DESCS, INFOS,
							   DATA };
			uint64_t place = places[random_below(&random, 5)];
			unsigned span = place <= RING ? 80 : 4096;

			*fake_at(&scene->kernel,
				 at(scene, place + random_below(&random, span))) =
				random_next(&random);
		}
		(void)log_of(scene);
		scene_destroy(scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_ring_wraps),
		cmocka_unit_test(test_ring_without_text),
		cmocka_unit_test(test_ring_descriptor_overwritten),
		cmocka_unit_test(test_ring_info_overwritten),
		cmocka_unit_test(test_ring_text_overwritten),
		cmocka_unit_test(test_ring_text_damaged),
		cmocka_unit_test(test_ring_absent),
		cmocka_unit_test(test_ring_by_shape),
		cmocka_unit_test(test_holes_are_not_searched),
		cmocka_unit_test(test_texts_by_shape),
		cmocka_unit_test(test_tables_are_no_texts),
		cmocka_unit_test(test_not_in_target),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_records_wrap),
		cmocka_unit_test(test_records_continue),
		cmocka_unit_test(test_records_overwritten),
		cmocka_unit_test(test_records_by_shape),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_wraps),
		cmocka_unit_test(test_text_by_shape),
		cmocka_unit_test(test_text_lines),
		cmocka_unit_test(test_eight_messages_are_a_log),
		cmocka_unit_test(test_seven_messages_are_none),
		cmocka_unit_test(test_lists_of_names_are_no_log),
		cmocka_unit_test(test_scattered_rows_are_no_log),
		cmocka_unit_test(test_ring_of_nonsense_is_none),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
