/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long the headers and notes of a core are, where no more of it is read at first:
 * /proc/kcore is a file of 128 TiB, and its notes are as long as a task_struct.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "common/memory.h"
#include "target/elf.h"

#define NHEADERS 5
#define NOTES 0x2000u
#define NOTES_SIZE 0x1234u

#define PUT(field, value) put_little((uint8_t *)&(field), sizeof(field), value)

/* As fs/proc/kcore.c has it: notes first, then memory, far away. */
#define MAKE(bits)                                                        \
	static size_t make##bits(uint8_t bytes[static 4096])              \
	{                                                                 \
		Elf##bits##_Ehdr *ehdr = (void *)bytes;                   \
		Elf##bits##_Phdr *phdr = (void *)(bytes + sizeof(*ehdr)); \
                                                                          \
		memset(bytes, 0, 4096);                                   \
		memcpy(ehdr->e_ident, ELFMAG, SELFMAG);                   \
		ehdr->e_ident[EI_CLASS] = ELFCLASS##bits;                 \
		PUT(ehdr->e_phoff, sizeof(*ehdr));                        \
		PUT(ehdr->e_phnum, NHEADERS);                             \
		PUT(phdr[0].p_type, PT_NOTE);                             \
		PUT(phdr[0].p_offset, NOTES);                             \
		PUT(phdr[0].p_filesz, NOTES_SIZE);                        \
		for (unsigned i = 1; i < NHEADERS; i++) {                 \
			PUT(phdr[i].p_type, PT_LOAD);                     \
			PUT(phdr[i].p_offset, 0x10000000u * i);           \
			PUT(phdr[i].p_filesz, 0x10000000u);               \
		}                                                         \
		return sizeof(*ehdr);                                     \
	}
MAKE(32)
MAKE(64)

static void expect(size_t (*make)(uint8_t *), size_t phdr)
{
	_Alignas(8) uint8_t bytes[4096];
	size_t ehdr = make(bytes), table = ehdr + NHEADERS * phdr;

	assert_int_equal(ws_elf_head(bytes, EI_NIDENT - 1), 0);
	assert_int_equal(ws_elf_head(bytes, EI_NIDENT), ehdr);
	assert_int_equal(ws_elf_head(bytes, ehdr - 1), ehdr);
	assert_int_equal(ws_elf_head(bytes, ehdr), table);
	assert_int_equal(ws_elf_head(bytes, table - 1), table);
	assert_int_equal(ws_elf_head(bytes, table), NOTES + NOTES_SIZE);
	assert_int_equal(ws_elf_table(bytes, sizeof(bytes)), table);
}

static void both_classes(void **state)
{
	(void)state;
	expect(make32, sizeof(Elf32_Phdr));
	expect(make64, sizeof(Elf64_Phdr));
}

static void what_is_none(void **state)
{
	_Alignas(8) uint8_t bytes[4096];

	(void)state;
	make64(bytes);
	bytes[EI_CLASS] = 3;
	assert_int_equal(ws_elf_head(bytes, sizeof(bytes)), 0);
	make64(bytes);
	bytes[0] = 'E';
	assert_int_equal(ws_elf_head(bytes, sizeof(bytes)), 0);
}

/* Longer than anything is a size as well, and not a small one. */
static void what_wraps(void **state)
{
	_Alignas(8) uint8_t bytes[4096];
	Elf64_Ehdr *ehdr = (void *)bytes;
	Elf64_Phdr *notes = (void *)(bytes + sizeof(*ehdr));

	(void)state;
	make64(bytes);
	PUT(notes->p_filesz, UINT64_MAX - 1);
	assert_true(ws_elf_head(bytes, sizeof(bytes)) == UINT64_MAX);
	make64(bytes);
	PUT(ehdr->e_phoff, UINT64_MAX - 16);
	assert_true(ws_elf_head(bytes, sizeof(bytes)) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_classes),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(what_wraps),
	};

	return cmocka_run_group_tests_name("elf head", tests, NULL, NULL);
}
