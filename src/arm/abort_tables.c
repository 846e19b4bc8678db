/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fsr_info and ifsr_info (arch/arm/mm/fsr-2level.c, fsr-3level.c): what handles an abort,
 * by its fault status. No symbol says where they lie, but each row has a name:
 *
 *	struct fsr_info { int (*fn)(...); int sig, code; const char *name; };
 *
 * With LPAE one table serves both data and prefetch aborts.
 */
#include <string.h>

#include "arm/faultpath.h"
#include "arm/jump.h"
#include "arm/linux.h"
#include "arm/vmalloc_seq.h"
#include "audit/per_cpu.h"

#define ROW_SIZE 16
#define ROW_NAME 12
#define HITS_MAX 8

/* Those that a hole in what a process has to itself leads to. */
static const char *const names[] = {
	"section translation fault",
	"level 1 translation fault",
	"level 2 translation fault",
};

static bool take_row(struct ws_system *system, uint64_t va, struct arm_abort_row *row)
{
	*row = (struct arm_abort_row){ .va = va, .last = va + ROW_SIZE - 1 };
	return !(va & 3) && ws_kernel_word(system, va, &row->handler) == WS_READ &&
	       ws_is_kernel_va(system, row->handler);
}

/* The rows that lead to the name at va. Both are looked at, for a capture to have them. */
static enum ws_status find_rows(struct ws_system *system, uint64_t va,
				struct arm_abort_row row[static ARM_ABORT_ROWS],
				unsigned *n)
{
	const uint8_t pointer[4] = { (uint8_t)va, (uint8_t)(va >> 8), (uint8_t)(va >> 16),
				     (uint8_t)(va >> 24) };
	uint64_t hit[HITS_MAX];
	unsigned nhits;
	enum ws_status status = ws_search_bytes(system, system->layout.image_first,
						system->layout.image_last, pointer,
						sizeof(pointer), hit, HITS_MAX, &nhits);

	for (unsigned i = 0; status == WS_OK && i < nhits && *n < ARM_ABORT_ROWS; i++) {
		const uint8_t *name;

		if (!take_row(system, hit[i] - ROW_NAME, &row[*n]) ||
		    ws_kernel_frame(system, va, &name) != WS_READ)
			continue;
		++*n;
	}
	return status;
}

enum ws_status arm_find_abort_rows(struct ws_system *system,
				   struct arm_abort_row row[static ARM_ABORT_ROWS],
				   unsigned *n)
{
	enum ws_status status = WS_OK;
	uint64_t hit[HITS_MAX];
	unsigned nhits;

	*n = 0;
	for (size_t k = 0; k < WS_ARRAY_SIZE(names) && status == WS_OK; k++) {
		status = ws_search_bytes(system, system->layout.image_first,
					 system->layout.image_last,
					 (const uint8_t *)names[k], strlen(names[k]) + 1,
					 hit, HITS_MAX, &nhits);
		for (unsigned i = 0; status == WS_OK && i < nhits; i++)
			status = find_rows(system, hit[i], row, n);
	}
	return status;
}

void arm_tour(struct ws_system *system, const struct ws_cpu *cpu)
{
	struct arm_abort_row row[ARM_ABORT_ROWS];
	struct arm_stub stub;
	uint64_t va;
	unsigned n;

	if (cpu != system->target->cpus.v)
		return;
	for (unsigned i = 0; i < ARM_VECTORS_END && !arm_find_vectors(system, &va); i++)
		(void)!arm_follow_vector(system, va, i, &stub);
	for (size_t i = 0; i < ws_per_cpus(system); i++)
		(void)!ws_per_cpu_word(system, ARM_OVERFLOW_STACK, i, &va);
	if (system->layout.image_last && arm_find_abort_rows(system, row, &n) != WS_OK)
		ws_error_clear(system->ctx);
	arm_tour_vmalloc_seq(system);
	ws_jumps_tour(system);
}
