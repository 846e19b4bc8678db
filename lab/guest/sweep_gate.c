/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest without a kernel that raises every event of sweep_gate.h through its spoilt
 * gate, and prints what arrived, and where.
 */
#include "sweep_gate.h"
#include "sweep_guest.h"

extern volatile word gate_vector, gate_error, gate_sp, gate_ss;
extern char gate_handler[], gate_back[], gate_kernel_code[], gate_user_code[];
extern const word gate_observers[GATE_OBSERVERS];
/* Raises event at CPL 0 on sp, or at CPL 3; returns once something has arrived. */
void gate_run(word event, word sp, word flags, word user);
void guest_main(void);

static void put_bytes(void *arg, uint32_t pa, uint64_t value, unsigned size)
{
	volatile uint8_t *to = (volatile uint8_t *)(word)pa;

	(void)arg;
	for (unsigned i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static word get(word at)
{
	return *(volatile word *)at;
}

/* The frame that was pushed, or what a task gate left in the old TSS. */
static void read_frame(const struct gate_case *c, struct gate_result *result)
{
	bool task = sizeof(word) == 4 && result->vector;
	bool whole = sizeof(word) == 8 || c->user;

	if (task) {
		result->frame[0] = get(GATE_TSS + 0x20);
		result->frame[1] = get(GATE_TSS + 0x4c) & 0xffff;
		result->frame[2] = get(GATE_TSS + 0x24);
		result->frame[3] = get(GATE_TSS + 0x38);
		result->frame[4] = get(GATE_TSS + 0x50) & 0xffff;
		return;
	}
	for (unsigned i = 0; i < (whole ? 5 : 3); i++)
		result->frame[i] =
			get((word)gate_frame(c, result->sp) + i * sizeof(word));
}

static void put_word(uint64_t value)
{
	put_char(' ');
	put_hex((uint32_t)(value >> 32), 8);
	put_hex((uint32_t)value, 8);
}

static void put_result(uint32_t n, const struct gate_result *result)
{
	put_hex(n, 3);
	put_char(' ');
	put_hex(result->vector, 2);
	put_word(result->error);
	put_word(result->sp);
	for (unsigned i = 0; i < 5; i++)
		put_word(result->frame[i]);
	put_char(' ');
	put_hex(result->ss, 4);
	put_char(' ');
	put_hex(result->accessed, 1);
	put_char('\n');
}

static void run_case(uint32_t n)
{
	struct gate_builder builder = { .wide = sizeof(word) == 8,
					.put = put_bytes,
					.handler = (word)gate_handler,
					.back = (word)gate_back };
	struct gate_case c = gate_case(n);
	struct gate_result result = { 0 };

	if (!(sizeof(word) == 8 ? c.spoil->wide : c.spoil->narrow))
		return;
	for (unsigned i = 0; i < GATE_OBSERVERS; i++)
		builder.observer[i] = gate_observers[i];
	gate_build(&builder, &c);
	load_tables(GATE_GDT, GATE_IDT, GATE_KERNEL_CS, GATE_KERNEL_DS, GATE_TR);
	__asm__ volatile("lldt %w0" : : "r"(0));
	gate_run(c.event, (word)gate_kernel_sp(&c), GATE_FLAGS, c.user);
	result.vector = (uint32_t)gate_vector;
	result.error = gate_error;
	result.sp = gate_sp;
	result.ss = (uint16_t)gate_ss;
	result.accessed = (get(GATE_GDT + GATE_TEST_CS + 4) >> 8 & 1) |
			  (get(GATE_GDT + GATE_TEST_SS + 4) >> 8 & 1) << 1;
	read_frame(&c, &result);
	put_result(n, &result);
}

/* The tables of sweep_boot.S, opened to user mode. */
static void open_to_users(void)
{
#ifdef __x86_64__
	uint64_t *table, *directory;

	__asm__ volatile("mov %%cr3, %0" : "=r"(table));
	table[0] |= 4;
	table = (uint64_t *)(table[0] & ~0xfffull);
	table[0] |= 4;
	directory = (uint64_t *)(table[0] & ~0xfffull);
	for (unsigned i = 0; i < 512; i++)
		directory[i] |= 4;
	__asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(table) : : "memory");
#endif
}

void guest_main(void)
{
	put_text("gate ");
	put_hex(sizeof(word) * 8, 2);
	put_word((word)gate_handler);
	put_word((word)gate_kernel_code);
	put_word((word)gate_user_code);
	for (unsigned i = 0; i < GATE_OBSERVERS; i++)
		put_word(gate_observers[i]);
	put_char('\n');
	open_to_users();
	for (uint32_t n = 0; n < GATE_CASES; n++) {
		run_case(n);
		flush();
	}
	leave();
}
