/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linux on x86: the parts of struct ws_arch_linux, each in a file of its own. */
#ifndef WS_X86_LINUX_H
#define WS_X86_LINUX_H

#include "arch/linux.h"

/* x86-64: the kernel image's va, less its pa and phys_base (__START_KERNEL_map). */
#define X86_KERNEL_MAP UINT64_C(0xffffffff80000000)

extern const struct ws_linux_layout x86_linux_layouts[];
bool x86_swappers(struct ws_system *system, uint64_t va,
		  uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n);

extern const struct ws_user_halves x86_user_halves;
/* Where AMD's C bit can be; CPUID 8000001F, EBX 5:0: 47 or 51 so far. */
#define X86_C_BITS WS_BITS(51, 32)
struct ws_attribute x86_encryption(const struct ws_system *system);
enum ws_status x86_regions(struct ws_system *system);
extern const struct ws_users_page x86_users_pages[];
extern const struct ws_special_root x86_special_roots[];

/* descriptors.c */
bool x86_stack_tops(struct ws_system *system, const struct ws_cpu *cpu,
		    uint64_t top[static WS_STACK_TOPS]);
extern const struct ws_vector_handler x86_handlers[];
bool x86_handler_va(struct ws_system *system, const struct ws_cpu *cpu, unsigned vector,
		    uint64_t *va);
enum ws_evidence x86_entry_point(struct ws_system *system, const struct ws_cpu *cpu,
				 unsigned n,
				 struct ws_entry_point *point); /* entry_points.c */
bool x86_loaded_mm(struct ws_system *system, size_t cpu, uint64_t *mm,
		   bool *by_shape); /* loaded_mm.c */
void x86_tour_registers(struct ws_system *system, const struct ws_cpu *cpu);

#endif
