/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VMAs of a process: mmap and munmap. */
#include "machine/kernel/run.h"

#include <stdlib.h>

void vmas_release(struct process *p)
{
	while (p->vmas) {
		struct vma *vma = p->vmas;

		p->vmas = vma->next;
		free(vma);
	}
}

bool vmas_copy(struct kernel *kernel, const struct process *from, struct process *to)
{
	struct vma **end = &to->vmas;

	for (const struct vma *vma = from->vmas; vma; vma = vma->next) {
		*end = host_allocate(kernel, sizeof(**end));
		if (!*end)
			return false;
		**end = *vma;
		(*end)->next = NULL;
		end = &(*end)->next;
	}
	return true;
}

const struct vma *vma_find(const struct process *process, uint64_t va)
{
	const struct vma *vma = process->vmas;

	while (vma && vma->last < va)
		vma = vma->next;
	return vma && vma->first <= va ? vma : NULL;
}

/* The lowest hole that holds len bytes: where the new VMA goes in the list. */
static struct vma **find_hole(const struct kernel *kernel, struct process *p,
			      uint64_t len, uint64_t *va)
{
	struct vma **at = &p->vmas;

	*va = kernel->layout.user_first;
	while (*at && (*at)->first - *va < len) {
		*va = (*at)->last + 1;
		at = &(*at)->next;
	}
	/* The highest page is left alone, for the stack pointer that is never used. */
	return kernel->layout.user_last - PAGE - *va >= len ? at : NULL;
}

enum kernel_outcome kernel_mmap(struct kernel *kernel, int pid, uint64_t len,
				unsigned protection, uint64_t *va)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct vma **at, *vma;
	struct process *p;

	if (outcome != KERNEL_OK)
		return outcome;
	p = process_find(kernel, pid);
	if (!p || !len || !va || protection & ~(KERNEL_PROT_WRITE | KERNEL_PROT_EXEC))
		return KERNEL_INVALID;
	if (len > kernel->layout.user_last)
		return KERNEL_NO_MEMORY;
	len = (len + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	at = find_hole(kernel, p, len, va);
	vma = at ? host_allocate(kernel, sizeof(*vma)) : NULL;
	if (!vma)
		return KERNEL_NO_MEMORY;
	*vma = (struct vma){ *va, *va + len - 1, protection, *at };
	*at = vma;
	return KERNEL_OK;
}

enum kernel_outcome kernel_munmap(struct kernel *kernel, int pid, uint64_t va)
{
	enum kernel_outcome outcome = operation_begin(kernel);
	struct vma **at, *vma;
	struct process *p;

	if (outcome != KERNEL_OK)
		return outcome;
	p = process_find(kernel, pid);
	if (!p)
		return KERNEL_INVALID;
	for (at = &p->vmas; *at && (*at)->first != va;)
		at = &(*at)->next;
	vma = *at;
	if (!vma)
		return KERNEL_INVALID;
	user_unmap(kernel, p, vma->first, vma->last);
	*at = vma->next;
	free(vma);
	return KERNEL_OK;
}
