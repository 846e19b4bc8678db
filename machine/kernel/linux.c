/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What crash tools find: tasks with their mm_structs, init_mm, and where the image lies.
 * All of it is in the simulated memory; what is in C are the addresses of list heads and
 * of free objects.
 *
 *	init_task ── tasks ── init ────── kthreadd ── ... ── the newest
 *	swapper/0             mm │        no mm
 *	                         └──> mm_struct.pgd ──> its root
 */
#include "machine/kernel/code.h"
#include "machine/kernel/linux.h"

#include <stdlib.h>
#include <string.h>

/* include/linux/sched.h */
#define PF_IDLE 0x00000002
#define PF_FORKNOEXEC 0x00000040
#define PF_KTHREAD 0x00200000
#define DEFAULT_PRIO 120
/*
 * At the end of every stack: set_task_stack_end_magic(), and STACK_END_MAGIC,
 * include/uapi/linux/magic.h. One page is lent to them all, since most stacks never come
 * down to theirs.
 */
static const uint8_t stack_end[PAGE] = { 0x9D, 0x6E, 0xAC, 0x57 };

/* ---- objects ---------------------------------------------------------------------- */

static bool cache_refill(struct kernel *kernel, struct linux_cache *cache)
{
	uint64_t size = linux_size(kernel, cache->kind);
	uint64_t pa = pages_take(kernel, 1, PAGE_SLAB), va = direct(kernel, pa);

	if (!pa)
		return false;
	for (uint64_t at = PAGE / size * size; at; at -= size) {
		linux_put(kernel, va + at - size, LIST_NEXT, cache->free);
		cache->free = va + at - size;
	}
	return true;
}

static uint64_t cache_take(struct kernel *kernel, struct linux_cache *cache)
{
	uint64_t va;

	if (!cache->free && !cache_refill(kernel, cache))
		return 0;
	va = cache->free;
	cache->free = linux_list_next(kernel, va);
	return va;
}

static void cache_give(struct kernel *kernel, struct linux_cache *cache, uint64_t va)
{
	linux_put(kernel, va, LIST_NEXT, cache->free);
	cache->free = va;
}

uint64_t linux_variable(struct kernel *kernel, const char *name, uint64_t size)
{
	uint64_t va = image_take(kernel, size, 64);

	return va && symbol_add(kernel, NULL, name, va, (uint32_t)size, 'D') ? va : 0;
}

/* ---- mm_struct -------------------------------------------------------------------- */

static void mm_fill(struct kernel *kernel, uint64_t mm, uint64_t pgd)
{
	linux_put(kernel, mm, MM_TASK_SIZE, kernel->layout.user_last + 1);
	linux_put(kernel, mm, MM_PGD, pgd);
	linux_put(kernel, mm, MM_USERS, 1);
	linux_put(kernel, mm, MM_COUNT, 1);
	linux_list_init(kernel, mm + linux_offset(kernel, MM_MMLIST));
}

/* pgd_ctor(), arch/x86/mm/pgtable.c: whoever has kernel entries of his own is listed. */
static uint64_t lru_of(struct kernel *kernel, uint64_t root)
{
	return linux_page_of(kernel, root) + linux_offset(kernel, PAGE_LRU);
}

static uint64_t mm_create(struct kernel *kernel, uint64_t root)
{
	uint64_t mm = cache_take(kernel, &kernel->books->mms);

	if (!mm)
		return 0;
	mm_fill(kernel, mm, direct(kernel, root));
	linux_list_add(kernel, lru_of(kernel, root), kernel->books->pgd_list);
	return mm;
}

static void mm_destroy(struct kernel *kernel, uint64_t mm, uint64_t root)
{
	linux_list_del(kernel, lru_of(kernel, root));
	cache_give(kernel, &kernel->books->mms, mm);
}

/* ---- task_struct ------------------------------------------------------------------ */

static void task_name(struct kernel *kernel, uint64_t task, const char *comm)
{
	char bytes[COMM] = "";

	memcpy(bytes, comm, strnlen(comm, sizeof(bytes) - 1));
	va_write(kernel, task + linux_offset(kernel, TASK_COMM), bytes, sizeof(bytes));
}

static void task_adopt(struct kernel *kernel, uint64_t task, uint64_t parent)
{
	linux_put(kernel, task, TASK_REAL_PARENT, parent);
	linux_put(kernel, task, TASK_PARENT, parent);
	linux_list_add_tail(kernel, task + linux_offset(kernel, TASK_SIBLING),
			    parent + linux_offset(kernel, TASK_CHILDREN));
}

/* All that stays as it is as long as the task lives. */
static void task_fill(struct kernel *kernel, uint64_t task, int pid, uint64_t stack,
		      uint32_t flags)
{
	linux_put(kernel, task, TASK_STACK, stack);
	linux_put(kernel, task, TASK_USAGE, 1);
	linux_put(kernel, task, TASK_FLAGS, flags);
	linux_put(kernel, task, TASK_PRIO, DEFAULT_PRIO);
	linux_put(kernel, task, TASK_PID, (uint32_t)pid);
	linux_put(kernel, task, TASK_TGID, (uint32_t)pid);
	linux_put(kernel, task, TASK_GROUP_LEADER, task);
	linux_put(kernel, task, TASK_MM, 0);
	linux_list_init(kernel, task + linux_offset(kernel, TASK_CHILDREN));
	linux_list_init(kernel, task + linux_offset(kernel, TASK_THREAD_GROUP));
	machine_memory_lend(kernel->memory, va_pa(kernel, stack), stack_end);
}

/* rest_init() makes init before kthreadd; here kthreadd is there first. */
static void task_link(struct kernel *kernel, uint64_t task, bool is_init)
{
	uint64_t node = task + linux_offset(kernel, TASK_TASKS);
	uint64_t head = kernel->books->init_task + linux_offset(kernel, TASK_TASKS);

	(is_init ? linux_list_add : linux_list_add_tail)(kernel, node, head);
}

static uint64_t task_of(const struct kernel *kernel, int pid)
{
	const struct process *process = process_find(kernel, pid);

	return process ? process->task : 0;
}

/* init; before it is there and after it is gone, swapper/0. */
static uint64_t reaper(const struct kernel *kernel)
{
	uint64_t init = task_of(kernel, 1);

	return init ? init : kernel->books->init_task;
}

static uint64_t parent_of(const struct kernel *kernel, const struct process *process)
{
	uint64_t parent = task_of(kernel, process->parent);

	return parent ? parent : reaper(kernel);
}

bool linux_task_add(struct kernel *kernel, struct process *process)
{
	uint64_t task = cache_take(kernel, &kernel->books->tasks);

	if (!task)
		return false;
	process->mm = mm_create(kernel, process->root);
	if (!process->mm) {
		cache_give(kernel, &kernel->books->tasks, task);
		return false;
	}
	process->task = task;
	task_fill(kernel, task, process->pid, process->stack, PF_FORKNOEXEC);
	task_adopt(kernel, task, parent_of(kernel, process));
	task_link(kernel, task, process->pid == 1);
	linux_task_change(kernel, process);
	return true;
}

/* After an exec: Linux would have a new mm_struct as well. */
static void change_mm(struct kernel *kernel, struct process *process)
{
	uint64_t pgd = linux_get(kernel, process->mm, MM_PGD);

	if (va_pa(kernel, pgd) == process->root)
		return;
	linux_list_del(kernel, lru_of(kernel, va_pa(kernel, pgd)));
	linux_put(kernel, process->mm, MM_PGD, direct(kernel, process->root));
	linux_list_add(kernel, lru_of(kernel, process->root), kernel->books->pgd_list);
	linux_put(kernel, process->task, TASK_FLAGS, 0);
}

void linux_task_change(struct kernel *kernel, struct process *process)
{
	uint64_t task = process->task;

	change_mm(kernel, process);
	task_name(kernel, task, process->comm);
	linux_put(kernel, task, TASK_CPU, process->cpu);
	linux_put(kernel, task, TASK_MM, process->mm);
	linux_put(kernel, task, TASK_ACTIVE_MM, process->mm);
}

/*
 * Its children become init's: forget_original_parent(), kernel/exit.c. Of a list that was
 * overwritten no more is followed than there can be.
 */
static void give_children_away(struct kernel *kernel, uint64_t task)
{
	uint64_t head = task + linux_offset(kernel, TASK_CHILDREN);

	for (size_t left = kernel->nprocesses; left; left--) {
		uint64_t node = linux_list_next(kernel, head);

		if (node == head)
			return;
		linux_list_del(kernel, node);
		task_adopt(kernel, node - linux_offset(kernel, TASK_SIBLING),
			   reaper(kernel));
	}
}

void linux_task_remove(struct kernel *kernel, struct process *process)
{
	uint64_t task = process->task;

	give_children_away(kernel, task);
	linux_list_del(kernel, task + linux_offset(kernel, TASK_SIBLING));
	linux_list_del(kernel, task + linux_offset(kernel, TASK_TASKS));
	mm_destroy(kernel, process->mm, process->root);
	cache_give(kernel, &kernel->books->tasks, task);
	process->task = process->mm = 0;
}

/* ---- the first tasks -------------------------------------------------------------- */

static bool create_init_task(struct kernel *kernel)
{
	struct linux_books *books = kernel->books;
	uint64_t task = linux_variable(kernel, "init_task", linux_size(kernel, TASK));

	books->init_task = task;
	books->init_mm = linux_variable(kernel, "init_mm", linux_size(kernel, MM));
	if (!task || !books->init_mm)
		return false;
	mm_fill(kernel, books->init_mm,
		kernel->layout.image + (kernel->swapper - kernel->layout.image_pa));
	task_fill(kernel, task, 0, kernel->processor[0].idle_stack, PF_KTHREAD | PF_IDLE);
	linux_put(kernel, task, TASK_ACTIVE_MM, books->init_mm);
	linux_list_init(kernel, task + linux_offset(kernel, TASK_TASKS));
	linux_list_init(kernel, task + linux_offset(kernel, TASK_SIBLING));
	linux_put(kernel, task, TASK_REAL_PARENT, task);
	linux_put(kernel, task, TASK_PARENT, task);
	task_name(kernel, task, "swapper/0");
	return true;
}

static bool create_kthreadd(struct kernel *kernel)
{
	struct linux_books *books = kernel->books;
	unsigned pages = (unsigned)(kernel->layout.stack_size / PAGE);
	uint64_t stack = pages_take(kernel, pages, PAGE_STACK);

	books->kthreadd = cache_take(kernel, &books->tasks);
	if (!stack || !books->kthreadd)
		return false;
	task_fill(kernel, books->kthreadd, 2, direct(kernel, stack),
		  PF_KTHREAD | PF_FORKNOEXEC);
	linux_put(kernel, books->kthreadd, TASK_ACTIVE_MM, 0);
	task_name(kernel, books->kthreadd, "kthreadd");
	task_adopt(kernel, books->kthreadd, books->init_task);
	task_link(kernel, books->kthreadd, false);
	return true;
}

/* ---- resources -------------------------------------------------------------------- */

/* One of those that setup_arch() fills in, arch/x86/kernel/setup.c. */
static bool create_resource(struct kernel *kernel, const char *symbol, const char *text,
			    uint64_t first, uint64_t end)
{
	uint64_t name = image_take(kernel, strlen(text) + 1, 1);
	uint64_t va = linux_variable(kernel, symbol, linux_size(kernel, RESOURCE));

	if (!name || !va)
		return false;
	va_write(kernel, name, text, strlen(text) + 1);
	linux_put(kernel, va, RESOURCE_START, va_pa(kernel, first));
	linux_put(kernel, va, RESOURCE_END, va_pa(kernel, end - 1));
	linux_put(kernel, va, RESOURCE_NAME, name);
	return true;
}

static bool create_resources(struct kernel *kernel)
{
	const struct symbol *text = symbol_find(kernel, "_text");
	const struct symbol *bss = symbol_find(kernel, "__bss_start");
	const struct symbol *end = symbol_find(kernel, "_end");

	return create_resource(kernel, "code_resource", "Kernel code", text->va,
			       bss->va) &&
	       create_resource(kernel, "bss_resource", "Kernel bss", bss->va, end->va);
}

/*
 * Whether the kernel heals lazily shows in its having this function, which Linux never
 * inlines. Here it is a part of the page-fault handler.
 */
static bool name_lazy_fault(struct kernel *kernel)
{
	return !kernel->sync->fault ||
	       symbol_add(kernel, NULL, "vmalloc_fault",
			  code_va(kernel, CODE_DO_PAGE_FAULT), CODE_SIZE, 't');
}

/* ---- all -------------------------------------------------------------------------- */

bool linux_create(struct kernel *kernel)
{
	struct linux_books *books = host_allocate(kernel, sizeof(*books));
	uint64_t word = kernel->layout.word;

	if (!books)
		return false;
	kernel->books = books;
	books->tasks.kind = TASK;
	books->mms.kind = MM;
	books->pgd_list = linux_variable(kernel, "pgd_list", 2 * word);
	if (!books->pgd_list || !linux_pages_create(kernel) ||
	    !linux_modules_create(kernel) || !create_init_task(kernel) ||
	    !create_kthreadd(kernel))
		return false;
	linux_list_init(kernel, books->pgd_list);
	books->anon_vma = cache_take(kernel, &books->mms);
	return books->anon_vma && create_resources(kernel) && name_lazy_fault(kernel);
}

void linux_release(struct kernel *kernel)
{
	free(kernel->books);
	kernel->books = NULL;
}
