/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel keeps of each processor's TLB: struct tlb_state (asm/tlbflush.h). */
#ifndef WS_X86_TLB_STATE_H
#define WS_X86_TLB_STATE_H

#include "audit/arch.h"

/* TLB_NR_DYN_ASIDS of struct tlb_context { u64 ctx_id, tlb_gen; }, 4.14 to 7.2. */
#define X86_CTXS 6
#define X86_CTX_SIZE 16

struct x86_tlb_state {
	uint64_t va;
	uint64_t mm;   /* loaded_mm, its first member */
	int32_t cr4;   /* where it has what CR4 is; WS_NO_FIELD: not known */
	bool by_shape; /* no symbol names the place: it is what looks like it */
};

/* Of that processor. False: not found. */
bool x86_find_tlb_state(struct ws_system *system, size_t cpu,
			struct x86_tlb_state *state);

/* The same of a processor that has nothing known loaded, by where another has its own. */
bool x86_tlb_state_of(struct ws_system *system, size_t cpu,
		      const struct x86_tlb_state *other, size_t others,
		      struct x86_tlb_state *state);

/* flushes.c: struct ws_arch_audit */
enum ws_status x86_flushes(struct ws_system *system, struct ws_flushes *flushes);
/* For a capture: looks at all that it reads, and would without types. */
void x86_tour_flushes(struct ws_system *system);

#endif
