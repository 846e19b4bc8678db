/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where idmap_pgd is. Few kernels have a symbol for the variable, but there is code that
 * loads it: setup_mm_for_reboot() hands it to cpu_switch_mm(). The constants in that
 * function and what they lead to are gone along; the one word that is the address of a
 * page table with the kernel in it is the variable's value.
 */
#include "arm/idmap.h"

#include "arm/entry.h"
#include "linux/symtab.h"

/* DDI 0406C, A8.8.102, A8.8.106, A8.8.63: all of them unconditional. */
#define MOVW 0xe3000000u /* movw Rd, #imm4:imm12 */
#define MOVT 0xe3400000u
#define MOV_MASK 0xfff00000u
#define LDR 0xe5900000u /* ldr Rt, [Rn, #imm12] */
#define LDR_MASK 0xfff00000u
#define RD(code) ((code) >> 12 & 15)
#define RN(code) ((code) >> 16 & 15)
#define IMM16(code) (((code) >> 4 & 0xf000) | ((code)&0xfff))
#define IMM12(code) ((code)&0xfff)
#define PC 15

/* Its prologue and constants take some fifteen; the call is behind them. */
#define INSTRUCTIONS_MAX 32

struct loads {
	struct ws_system *system;
	uint64_t here; /* the instruction's address */
	uint32_t constant[16];
	bool known[16];
	unsigned n; /* roots that were found */
	uint64_t root;
};

/* init_mm's mapping of the code that is read, by that root's own table. */
static bool is_root(struct ws_system *system, uint64_t root, uint64_t va)
{
	const uint64_t align = system->format == &ws_format_arm ? 0x4000 : 32;
	struct ws_trail trail;
	uint64_t pa;

	if (root & (align - 1) || root == system->layout.reference ||
	    ws_kernel_translate(system, va, &pa) != WS_READ)
		return false;
	ws_walk(&system->paging, root, va, &trail);
	return trail.end == WS_END_PAGE && trail.pa == pa;
}

static void try_word(struct loads *loads, uint64_t word)
{
	uint64_t root = ws_direct_pa(loads->system, word);

	if (!ws_is_kernel_va(loads->system, word) ||
	    !is_root(loads->system, root, loads->here) ||
	    (loads->n && loads->root == root))
		return;
	loads->root = root;
	loads->n++;
}

static void follow(struct loads *loads, uint32_t code)
{
	unsigned to = RD(code), from = RN(code);
	uint64_t at = from == PC ? loads->here + 8 : loads->constant[from];
	uint64_t word;

	if ((code & MOV_MASK) == MOVW) {
		loads->constant[to] = IMM16(code);
		loads->known[to] = true;
	} else if ((code & MOV_MASK) == MOVT && loads->known[to]) {
		loads->constant[to] = (loads->constant[to] & 0xffff) | IMM16(code) << 16;
	} else if ((code & LDR_MASK) == LDR && (from == PC || loads->known[from])) {
		loads->known[to] =
			ws_kernel_word(loads->system, at + IMM12(code), &word) == WS_READ;
		loads->constant[to] = (uint32_t)word;
		if (loads->known[to])
			try_word(loads, word);
	}
}

static bool by_code(struct ws_system *system, uint64_t *root)
{
	struct loads loads = { .system = system };
	struct ws_symbol function;
	uint32_t code;

	if (ws_symbol_lookup(system, "setup_mm_for_reboot", &function) != WS_OK) {
		ws_error_clear(system->ctx);
		return false;
	}
	for (unsigned i = 0; i < INSTRUCTIONS_MAX; i++) {
		loads.here = function.va + 4 * i;
		if (ws_kernel_u32(system, loads.here, &code) != WS_READ)
			break;
		follow(&loads, code);
	}
	*root = loads.root;
	return loads.n == 1;
}

bool arm_idmap_root(struct ws_system *system, uint64_t *root)
{
	struct ws_symbol variable;
	uint64_t pgd;

	if (ws_symbol_lookup(system, "idmap_pgd", &variable) != WS_OK) {
		ws_error_clear(system->ctx);
		return by_code(system, root);
	}
	if (ws_kernel_word(system, variable.va, &pgd) != WS_READ || !pgd)
		return false;
	*root = ws_direct_pa(system, pgd);
	return true;
}
