// SPDX-License-Identifier: GPL-2.0
/*
 * What kills a machine: done after the dump, in the space of whoever writes the command.
 * Each is a row of ruins[]; a cause that is planted before the dump is in plant.c.
 */
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/page.h>
#include <asm/pgtable.h>
#include <asm/set_memory.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "lab.h"

#define TEXT "memory of the lab "
#define UD2 0x0b0f
#define FREE_PAGES_TRIED 65536

/* mov $1, %eax; ret */
static const char answer_code[] = { 0xb8, 1, 0, 0, 0, 0xc3 };

static void write_text(void *to, size_t size)
{
	char *at = to;
	size_t i;

	for (i = 0; i < size; i++)
		at[i] = TEXT[i % (sizeof(TEXT) - 1)];
}

/* Global pages too; the kernel's own way to is not for modules. */
static void flush_all(void)
{
	unsigned long cr4 = native_read_cr4();

	asm volatile("mov %0, %%cr4" : : "r"(cr4 ^ X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

static void take_root(unsigned long root)
{
	say("after root %lx\n", root);
	local_irq_disable();
	asm volatile("mov %0, %%cr3" : : "r"(root) : "memory");
	flush_all();
}

/* ---- memory that is read-only where the kernel has it -------------------------------- */

/* Fill [address, address + size) of one page with a byte, by a mapping of our own. */
static int fill(unsigned long address, char byte, size_t size)
{
	struct page *page = page_behind(address);
	char *alias = page ? vmap(&page, 1, VM_MAP, PAGE_KERNEL) : NULL;
	size_t offset = offset_in_page(address);

	if (!alias)
		return -ENOMEM;
	memset(alias + offset, byte, min_t(size_t, size, PAGE_SIZE - offset));
	vunmap(alias);
	return 0;
}

/* All of a table of the processor's: idt, gdt, tss. An interrupt needs the rest. */
static int zero(unsigned long address, pid_t pid)
{
	return fill(address, 0, PAGE_SIZE);
}

/* A kernel function's first bytes: ff ff is no instruction. */
static int overwrite(unsigned long address, pid_t pid)
{
	return fill(address, (char)0xff, 2);
}

/* ---- page tables ------------------------------------------------------------------- */

/* For everyone: the page of WHERE is not mapped any more. */
static int unmap(unsigned long address, pid_t pid)
{
	unsigned int level;
	pte_t *pte = lookup_address(address, &level);

	if (!pte)
		return -ENOENT;
	WRITE_ONCE(*(pgdval_t *)pte, 0);
	flush_all();
	return 0;
}

static int scribble(void *table)
{
	say("after overwritten %llx\n", (u64)__pa(table));
	write_text(table, PAGE_SIZE);
	flush_all();
	return 0;
}

/* A stray write over a process's own root. It is met when the processor looks there. */
static int scribble_root(unsigned long address, pid_t pid)
{
	return scribble(current->mm->pgd);
}

/* Where the direct map of this process's own kernel memory is led to by a last table. */
static pte_t *table_of_own(void)
{
	unsigned long own[] = { (unsigned long)current_stack_pointer,
				(unsigned long)current, (unsigned long)current->mm };
	unsigned int i, level;
	pte_t *pte;

	for (i = 0; i < ARRAY_SIZE(own); i++) {
		if (!virt_addr_valid((void *)own[i]))
			continue;
		/* splits what is mapped by a large page; it is not mended */
		set_memory_uc(own[i] & PAGE_MASK, 1);
		set_memory_wb(own[i] & PAGE_MASK, 1);
		pte = lookup_address(own[i], &level);
		if (pte && level == PG_LEVEL_4K)
			return pte;
	}
	return NULL;
}

static int scribble_table(unsigned long address, pid_t pid)
{
	pte_t *pte = table_of_own();

	return pte ? scribble((void *)((unsigned long)pte & PAGE_MASK)) : -EOPNOTSUPP;
}

/* ---- CR3 --------------------------------------------------------------------------- */

/* A frame that holds the lab's text and never was a root. */
static int foreign_root(unsigned long address, pid_t pid)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	write_text(page, PAGE_SIZE);
	take_root(__pa(page));
	return 0;
}

/* Take free pages until the one of that address is among them. */
static void *take_page(unsigned long address)
{
	unsigned int i;
	void *page;

	for (i = 0; i < FREE_PAGES_TRIED; i++) {
		page = (void *)__get_free_page(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
		if (!page || __pa(page) == address)
			return page;
	}
	return NULL;
}

/* The root of a process that is ended first; its page has had another use since. */
static int freed_root(unsigned long address, pid_t pid)
{
	struct mm_struct *mm = mm_of_pid(pid);
	unsigned long root;
	void *page;

	if (!mm)
		return -ESRCH;
	root = __pa(mm->pgd);
	mmput(mm);
	kill_pid(find_vpid(pid), SIGKILL, 1);
	msleep(500);
	page = take_page(root);
	if (!page)
		return -ENOENT;
	write_text(page, PAGE_SIZE);
	free_page((unsigned long)page);
	take_root(root);
	return 0;
}

/* ---- the gate of page faults ------------------------------------------------------- */

static unsigned long fresh_page(unsigned long rights)
{
	return vm_mmap(NULL, 0, PAGE_SIZE, rights, MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

/*
 * On a page of the process's own that it has not got yet. Nobody else has a fault in
 * between.
 */
static int fault_by(unsigned long handler)
{
	unsigned long page = fresh_page(PROT_READ | PROT_WRITE);
	gate_desc *gates = own_gates();

	if (IS_ERR_VALUE(page) || !gates)
		return -ENOMEM;
	say("after handler %lx\n", handler);
	local_irq_disable();
	set_gate14(gates, handler);
	return put_user(1, (int __user *)page);
}

static int fault_taken(unsigned long address, pid_t pid)
{
	return fault_by((unsigned long)lab_page_fault);
}

/* A handler that was written into memory for data. */
static int fault_nx(unsigned long address, pid_t pid)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	memcpy(page, (void *)lab_page_fault, 16);
	return fault_by((unsigned long)page);
}

/* And one that is user mode's. */
static int fault_smep(unsigned long address, pid_t pid)
{
	unsigned long page = fresh_page(PROT_READ | PROT_WRITE | PROT_EXEC);

	if (IS_ERR_VALUE(page) ||
	    copy_to_user((void __user *)page, (void *)lab_page_fault, 16))
		return -ENOMEM;
	return fault_by(page);
}

/* ---- calls to what is no code -------------------------------------------------------- */

/* As by a function pointer that was overwritten: to memory for data, */
static int jump_data(unsigned long address, pid_t pid)
{
	int (*code)(void) = (void *)__get_free_page(GFP_KERNEL);

	if (!code)
		return -ENOMEM;
	memcpy((void *)code, answer_code, sizeof(answer_code));
	return code();
}

/* or to user mode's. */
static int jump_user(unsigned long address, pid_t pid)
{
	unsigned long page = fresh_page(PROT_READ | PROT_WRITE | PROT_EXEC);

	if (IS_ERR_VALUE(page) ||
	    copy_to_user((void __user *)page, answer_code, sizeof(answer_code)))
		return -ENOMEM;
	return ((int (*)(void))page)();
}

/* ---- what page tables do not show -------------------------------------------------- */

/*
 * Memory is mapped anew and no processor told: the code is there for whoever walks the
 * tables, and the processor takes what the old frame has got since.
 */
static int stale(unsigned long address, pid_t pid)
{
	struct page *old = alloc_page(GFP_KERNEL), *new = alloc_page(GFP_KERNEL);
	int (*code)(void) = old && new ? vmap(&old, 1, VM_MAP, PAGE_KERNEL_EXEC) : NULL;
	unsigned int level;
	pte_t *pte;

	if (!code)
		return -ENOMEM;
	memcpy(page_address(old), answer_code, sizeof(answer_code));
	memcpy(page_address(new), answer_code, sizeof(answer_code));
	pte = lookup_address((unsigned long)code, &level);
	local_irq_disable();
	set_pte(pte,
		mk_pte(old, PAGE_KERNEL_EXEC)); /* vmap() leaves nothing executable */
	flush_all();
	say("after answer %d\n", code());
	set_pte(pte, mk_pte(new, PAGE_KERNEL_EXEC));
	memset16(page_address(old), UD2, PAGE_SIZE / 2);
	say("after answer %d\n", code());
	local_irq_enable();
	return 0;
}

static noinline unsigned long deeper(unsigned long n)
{
	volatile unsigned long words[16];

	words[n % 16] = n;
	return deeper(n + 1) + words[n % 16];
}

static int recurse(unsigned long address, pid_t pid)
{
	say("after stack %lx\n", (unsigned long)current_stack_pointer);
	return (int)deeper(0);
}

static int bug(unsigned long address, pid_t pid)
{
	BUG();
	return 0;
}

/* As long as the machine runs. */
static int hang_task(unsigned long address, pid_t pid)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule();
	}
	return 0;
}

static int spin(unsigned long address, pid_t pid)
{
	preempt_disable();
	for (;;)
		cpu_relax();
	return 0;
}

/* NAME, NAME WHERE or NAME PID. */
static const struct {
	const char *name;
	int (*ruin)(unsigned long address, pid_t pid);
	bool where, pid;
} ruins[] = {
	{ "zero", zero, .where = true },
	{ "overwrite", overwrite, .where = true },
	{ "unmap", unmap, .where = true },
	{ "scribble-root", scribble_root },
	{ "scribble-table", scribble_table },
	{ "root-foreign", foreign_root },
	{ "root-freed", freed_root, .pid = true },
	{ "taken-fault", fault_taken },
	{ "nx-fault", fault_nx },
	{ "smep-fault", fault_smep },
	{ "jump-data", jump_data },
	{ "jump-user", jump_user },
	{ "stale", stale },
	{ "recurse", recurse },
	{ "bug", bug },
	{ "hang-task", hang_task },
	{ "spin", spin },
};

int ruin(const char *command)
{
	char name[16], argument[MAX_WHERE] = "";
	unsigned long address = 0;
	int pid = 0, error = 0;
	unsigned int i;

	if (sscanf(command, "%15s %31s", name, argument) < 1)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(ruins); i++)
		if (!strcmp(name, ruins[i].name))
			break;
	if (i == ARRAY_SIZE(ruins))
		return -ENOTTY;
	if (ruins[i].where)
		error = where_is(argument, &address);
	if (ruins[i].pid)
		error = kstrtoint(argument, 10, &pid);
	return error ?: ruins[i].ruin(address, pid);
}
