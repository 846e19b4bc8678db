/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tests of the model kernel share: a kernel in a line, and what an operation comes
 * to.
 */
#ifndef TESTS_KERNEL_STAND_H
#define TESTS_KERNEL_STAND_H

#include "machine/kernel/kernel.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PAGE 4096u

/* Fails the test where there is none. */
struct kernel *stand_boot(enum kernel_format format, enum kernel_sync sync);
struct kernel *stand_boot_with(const struct kernel_options *options);
/* With the books checked, where the machine still runs. */
void stand_shut(struct kernel *kernel);

int stand_fork(struct kernel *kernel, int parent);
/* A page of the process's own, not touched yet. */
uint64_t stand_page(struct kernel *kernel, int pid);
/* Touches a fresh page in user mode; what came of it. */
enum kernel_outcome stand_fault(struct kernel *kernel, int pid);
/* A driver of one page; hooks: the page-fault gate. */
void stand_load(struct kernel *kernel, const char *name, bool hooks);
uint64_t stand_symbol(struct kernel *kernel, const char *name);
bool stand_sees(struct kernel *kernel, int pid, uint64_t va);

#define does(call) assert_string_equal(kernel_outcome_name(call), "ok")
#define comes_to(outcome, call) \
	assert_string_equal(kernel_outcome_name(call), kernel_outcome_name(outcome))

#endif
