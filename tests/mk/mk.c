/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mk/mk.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint8_t *mk_room(struct mk *mk, size_t offset, size_t size)
{
	size_t end = offset + size;

	if (end > mk->cap) {
		mk->cap = 2 * end;
		mk->bytes = realloc(mk->bytes, mk->cap);
		if (!mk->bytes)
			abort();
	}
	if (end > mk->size) {
		memset(mk->bytes + mk->size, 0, end - mk->size);
		mk->size = end;
	}
	return mk->bytes + offset;
}

void mk_release(struct mk *mk)
{
	free(mk->bytes);
	*mk = (struct mk){ 0 };
}

int mk_file(const struct mk *mk, char path[32])
{
	int fd = memfd_create("mk", MFD_CLOEXEC);

	if (fd < 0 ||
	    (mk->size && pwrite(fd, mk->bytes, mk->size, 0) != (ssize_t)mk->size))
		abort();
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* Room at the cursor, which moves on. */
static uint8_t *next(struct mk *mk, size_t size)
{
	uint8_t *room = mk_room(mk, mk->at, size);

	mk->at += size;
	return room;
}

static void put(uint8_t *p, unsigned size, bool big_endian, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		p[big_endian ? size - 1 - i : i] = value >> 8 * i;
}

void mk_frame(uint64_t pa, uint8_t frame[4096])
{
	for (unsigned i = 0; i < 4096; i += 8)
		put(frame + i, 8, false, pa + i);
}

/* ---- words of a line -------------------------------------------------------------- */

/* The next word, or NULL; quoted ones may hold blanks. */
static char *word(char **rest)
{
	char *begin = *rest + strspn(*rest, " \t"), *end = begin;
	char quote = 0;

	for (; *end && (quote || !isspace((unsigned char)*end)); end++)
		if (*end == '\'' && (!quote || quote == *end))
			quote = quote ? 0 : *end;
	if (end == begin)
		return NULL;
	*rest = *end ? end + 1 : end;
	*end = '\0';
	return begin;
}

static bool number(const char *text, uint64_t *value)
{
	char *end;

	if (*text == '\'') {
		*value = 0;
		for (unsigned i = 0; text[i + 1] && text[i + 1] != '\''; i++)
			*value |= (uint64_t)(uint8_t)text[i + 1] << 8 * i;
		return true;
	}
	errno = 0;
	*value = strtoull(text, &end, 0);
	return *text && !*end && !errno;
}

/* n numbers; false where one is missing or none. */
static bool numbers(char **rest, uint64_t *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *w = word(rest);

		if (!w || !number(w, &value[i]))
			return false;
	}
	return true;
}

/* ---- lines ------------------------------------------------------------------------ */

static bool do_at(struct mk *mk, char *rest)
{
	uint64_t n;

	if (!numbers(&rest, &n, 1))
		return false;
	mk->at = n;
	return true;
}

static bool put_all(struct mk *mk, char *rest, unsigned size)
{
	uint64_t value;
	char *w;

	while ((w = word(&rest))) {
		if (!number(w, &value))
			return false;
		put(next(mk, size), size, false, value);
	}
	return true;
}

static bool do_u8(struct mk *mk, char *rest)
{
	return put_all(mk, rest, 1);
}

static bool do_u16(struct mk *mk, char *rest)
{
	return put_all(mk, rest, 2);
}

static bool do_u32(struct mk *mk, char *rest)
{
	return put_all(mk, rest, 4);
}

static bool do_u64(struct mk *mk, char *rest)
{
	return put_all(mk, rest, 8);
}

/* What was put since that offset, as it is in a file that is big-endian. */
static void turn(struct mk *mk, size_t from, unsigned size)
{
	for (size_t at = from; at + size <= mk->at; at += size)
		for (unsigned i = 0; i < size / 2; i++) {
			uint8_t byte = mk->bytes[at + i];

			mk->bytes[at + i] = mk->bytes[at + size - 1 - i];
			mk->bytes[at + size - 1 - i] = byte;
		}
}

static bool do_be32(struct mk *mk, char *rest)
{
	size_t from = mk->at;
	bool good = put_all(mk, rest, 4);

	turn(mk, from, 4);
	return good;
}

static bool do_be64(struct mk *mk, char *rest)
{
	size_t from = mk->at;
	bool good = put_all(mk, rest, 8);

	turn(mk, from, 8);
	return good;
}

static bool do_length(struct mk *mk, char *rest)
{
	uint64_t n;

	if (!numbers(&rest, &n, 1))
		return false;
	n = mk->at - mk->record - n;
	put(next(mk, 8), 8, false, n);
	return true;
}

static bool do_text(struct mk *mk, char *rest)
{
	const char *p = strchr(rest, '"');

	if (!p)
		return false;
	for (p++; *p && *p != '"'; p++) {
		char c = *p;

		if (c == '\\' && p[1]) {
			c = *++p;
			c = c == 'n' ? '\n' : c == '0' ? '\0' : c;
		}
		*next(mk, 1) = c;
	}
	return *p == '"';
}

/* The text behind so many bytes of how long it is. */
static bool put_text(struct mk *mk, char *rest, unsigned size)
{
	size_t from = mk->at;
	bool good;

	next(mk, size);
	good = do_text(mk, rest);
	put(mk->bytes + from, size, true, mk->at - from - size);
	return good;
}

static bool do_named(struct mk *mk, char *rest)
{
	return put_text(mk, rest, 1);
}

static bool do_counted(struct mk *mk, char *rest)
{
	return put_text(mk, rest, 4);
}

static bool do_fill(struct mk *mk, char *rest)
{
	uint64_t v[2];

	if (!numbers(&rest, v, 2))
		return false;
	memset(next(mk, v[0]), v[1], v[0]);
	return true;
}

static bool do_frames(struct mk *mk, char *rest)
{
	uint64_t v[2];

	if (!numbers(&rest, v, 2))
		return false;
	for (uint64_t i = 0; i < v[1]; i++)
		mk_frame(v[0] + 4096 * i, next(mk, 4096));
	return true;
}

static void page(struct mk *mk, const uint8_t *packed, size_t size, uint32_t flags)
{
	uint8_t *descriptor = next(mk, 24);

	put(descriptor, 8, false, mk->end);
	put(descriptor + 8, 4, false, size);
	put(descriptor + 12, 4, false, flags);
	memcpy(mk_room(mk, mk->end, size), packed, size);
	mk->end += size;
}

#define PAGE_MAX (64u << 10)

static bool do_pages(struct mk *mk, char *rest)
{
	char *codec = word(&rest), *said;
	uint8_t memory[PAGE_MAX], packed[2 * PAGE_MAX];
	uint64_t v[3], each = 4096;
	uint32_t flags;
	size_t size;

	if (!codec || !numbers(&rest, v, 3) ||
	    ((said = word(&rest)) && (!number(said, &each) || each > PAGE_MAX)))
		return false;
	mk->end = v[2];
	for (uint64_t i = 0; i < v[1]; i++) {
		for (uint64_t at = 0; at < each; at += 4096)
			mk_frame(v[0] + each * i + at, memory + at);
		size = mk_compress(codec, memory, each, packed, &flags);
		if (!size)
			return false;
		page(mk, packed, size, flags);
	}
	return true;
}

static bool do_snappy(struct mk *mk, char *rest)
{
	char *codec = word(&rest);
	uint8_t memory[16 * 4096], chunk[MK_CHUNK_MAX];
	uint64_t v[2];
	size_t size;

	if (!codec || !numbers(&rest, v, 2) || v[1] > 16)
		return false;
	for (uint64_t i = 0; i < v[1]; i++)
		mk_frame(v[0] + 4096 * i, memory + 4096 * i);
	size = mk_snappy_chunk(codec, memory, 4096 * v[1], chunk);
	if (size)
		memcpy(next(mk, size), chunk, size);
	return size;
}

static bool do_bits(struct mk *mk, char *rest)
{
	uint64_t v[3];

	if (!numbers(&rest, v, 3))
		return false;
	for (uint64_t i = v[1]; i < v[1] + v[2]; i++)
		*mk_room(mk, v[0] + i / 8, 1) |= 1 << i % 8;
	return true;
}

static bool do_flatten(struct mk *mk, char *rest)
{
	struct mk flat = { 0 };
	uint64_t offset, len;
	char *w, *plus;

	mk_build(&flat, "flat");
	while ((w = word(&rest)) && (plus = strchr(w, '+'))) {
		*plus = '\0';
		if (!number(w, &offset) || !number(plus + 1, &len) || offset > mk->size)
			break;
		if (len > mk->size - offset)
			len = mk->size - offset;
		put(next(&flat, 8), 8, true, offset);
		put(next(&flat, 8), 8, true, len);
		memcpy(next(&flat, len), mk->bytes + offset, len);
	}
	memset(next(&flat, 16), 0xff, 16);
	mk_release(mk);
	*mk = flat;
	return !w;
}

static bool do_cut(struct mk *mk, char *rest)
{
	uint64_t n;

	if (!numbers(&rest, &n, 1) || n > mk->size)
		return false;
	mk->size = n;
	return true;
}

static bool do_record(struct mk *mk, const struct mk_record *record, char *rest)
{
	uint8_t *p = next(mk, record->size);
	const struct mk_field *f;
	char *w, *equals;
	uint64_t value;

	mk->record = mk->at - record->size;
	memset(p, 0, record->size);
	for (f = record->field; f->name; f++)
		put(p + f->offset, f->size, record->big_endian, f->value);
	while ((w = word(&rest))) {
		equals = strchr(w, '=');
		if (!equals || !number(equals + 1, &value))
			return false;
		*equals = '\0';
		for (f = record->field; f->name && strcmp(f->name, w); f++)
			;
		if (!f->name)
			return false;
		put(p + f->offset, f->size, record->big_endian, value);
	}
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct mk *mk, char *rest);
} directives[] = {
	{ "at", do_at },         { "u8", do_u8 },           { "u16", do_u16 },
	{ "u32", do_u32 },       { "u64", do_u64 },         { "text", do_text },
	{ "fill", do_fill },     { "frames", do_frames },   { "pages", do_pages },
	{ "bits", do_bits },     { "flatten", do_flatten }, { "cut", do_cut },
	{ "snappy", do_snappy }, { "length", do_length },   { "be32", do_be32 },
	{ "be64", do_be64 },     { "named", do_named },     { "counted", do_counted },
};

static bool do_line(struct mk *mk, char *line)
{
	char *name = word(&line);

	if (!name || *name == '#')
		return true;
	for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++)
		if (!strcmp(directives[i].name, name))
			return directives[i].run(mk, line);
	return mk_record(name) && do_record(mk, mk_record(name), line);
}

bool mk_build(struct mk *mk, const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;
	bool good = copy;

	while (good && (line = strsep(&rest, "\n"))) {
		char *original = strdup(line);

		good = do_line(mk, line);
		if (!good)
			fprintf(stderr, "mk: this line makes no sense: %s\n", original);
		free(original);
	}
	free(copy);
	return good;
}
