/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The manuals a second time: Intel SDM vol. 3A chapter 4 in manual.c, the Arm ones in
 * manual_arm.c and manual_arm64.c, RISC-V's in manual_riscv.c. One function a section, in
 * the manual's own order and words, with no rows of data and nothing of src/paging. Slow,
 * and meant to be held beside the manual; the tests hold ws_walk() and ws_check() beside
 * it.
 */
#ifndef TESTS_MANUAL_H
#define TESTS_MANUAL_H

#include "manual_answer.h"

/* Uses of *paging the memory, MAXPHYADDR and NXE; the format goes by its name. */
struct manual_answer manual_walk(const struct ws_paging *paging, uint64_t root,
				 uint64_t va);

#endif
