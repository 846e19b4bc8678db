/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linux on 32-bit ARM: the parts of struct ws_arch_linux, each in a file of its own. */
#ifndef WS_ARM_LINUX_H
#define WS_ARM_LINUX_H

#include "arch/linux.h"

/* linux_layout.c */
extern const struct ws_linux_layout arm_linux_layouts[];
bool arm_swappers(struct ws_system *system, uint64_t va,
		  uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n);

/* regions.c */
enum ws_status arm_regions(struct ws_system *system);
extern const struct ws_users_page arm_users_pages[];

/* abort_tables.c: for a capture */
/* entry_points.c */
enum ws_evidence arm_entry_point(struct ws_system *system, const struct ws_cpu *cpu,
				 unsigned n, struct ws_entry_point *point);

void arm_tour(struct ws_system *system, const struct ws_cpu *cpu);

#endif
