/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks for whoever asks, and what goes wrong because somebody wants it to. */
#include "machine/kernel/pgtable.h"
#include "machine/kernel/say.h"

static bool root_of(const struct kernel *kernel, int pid, uint64_t *root)
{
	const struct process *p = pid ? process_find(kernel, pid) : NULL;

	*root = pid ? (p ? p->root : 0) : kernel->swapper;
	return *root;
}

static bool canonical(const struct kernel *kernel, uint64_t va)
{
	if (kernel->layout.word == 4)
		return va <= UINT32_MAX;
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

/*
 * Linux's lookup_address(), arch/x86/mm/pageattr.c: it has a level in hand already when
 * it finds the entry below empty.
 */
enum kernel_outcome kernel_walk(struct kernel *kernel, int pid, uint64_t va,
				struct kernel_walk *walk)
{
	struct pgtable_walk w;
	uint64_t root;
	bool nothing;

	if (!root_of(kernel, pid, &root) || !canonical(kernel, va))
		return KERNEL_INVALID;
	w = pgtable_walk(kernel, root, va);
	nothing = w.level > 1 && !(w.entry & ENTRY_P);
	*walk = (struct kernel_walk){
		.entry_va = nothing ? 0 : direct(kernel, w.entry_pa),
		.entry = nothing ? 0 : w.entry,
		.level = nothing ? w.level + 1 : w.level,
		.present = w.pa != NO_PA,
	};
	return KERNEL_OK;
}

/* The top-level entry; with PAE, where that is one of four, the one below. */
static enum kernel_outcome private_entry(struct kernel *kernel, int pid, uint64_t va,
					 uint64_t *entry_pa)
{
	enum kernel_outcome outcome =
		kernel->ending.end == KERNEL_RUNS ? KERNEL_OK : KERNEL_STOPPED;
	uint64_t root;

	if (outcome != KERNEL_OK)
		return outcome;
	if (!root_of(kernel, pid, &root) || !canonical(kernel, va))
		return KERNEL_INVALID;
	*entry_pa = pgtable_top(kernel, root, va);
	return *entry_pa ? KERNEL_OK : KERNEL_INVALID;
}

enum kernel_outcome kernel_hide(struct kernel *kernel, int pid, uint64_t va)
{
	uint64_t at;
	enum kernel_outcome outcome = private_entry(kernel, pid, va, &at);

	if (outcome == KERNEL_OK)
		pgtable_write(kernel, at, 0);
	return outcome;
}

enum kernel_outcome kernel_flip(struct kernel *kernel, int pid, uint64_t va,
				uint64_t bits)
{
	uint64_t at;
	enum kernel_outcome outcome = private_entry(kernel, pid, va, &at);

	if (outcome == KERNEL_OK)
		pgtable_write(kernel, at, pgtable_read(kernel, at) ^ bits);
	return outcome;
}

const struct kernel_options *kernel_options(const struct kernel *kernel)
{
	return &kernel->options;
}

struct machine_memory *kernel_memory(const struct kernel *kernel)
{
	return kernel->memory;
}
