// SPDX-License-Identifier: GPL-2.0
/*
 * What is x86's of the lab module: the entry that is private to a space, and the gate of
 * page faults.
 *
 *   control  hide PID WHERE  clear the entry for WHERE that is private to PID's space
 *            restore         put it back
 *            open-gates      map the IDT for who takes it when a hole is there
 *            take-gate14     send every page fault through lab_page_fault first
 *            lookups WHERE N how long lookup_address() takes for 512 pages from WHERE: the
 *                    best of N times
 *   block    address of what plant.c allocated
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#if __has_include(<asm/ibt.h>) /* since 5.18 (156ff4a544ae) */
#include <asm/ibt.h>
#else
#define ASM_ENDBR
#endif
#include <asm/nospec-branch.h>
#include <asm/page.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>

#include "lab.h"

unsigned long lab_old_page_fault;

/*
 * The handler of dtrace4linux in 2012: the first instruction of every page fault, in module memory. It
 * decides that the fault is not interesting and goes on to the kernel's own handler. On
 * i386 the data segments are still the interrupted program's, hence %cs. Its page is its
 * own: whoever lacks it has all the rest of this module.
 */
asm(".pushsection .text\n"
    ".balign 4096\n"
    ".globl lab_page_fault\n"
    ".type lab_page_fault, @function\n"
    "lab_page_fault:\n"
    "\t" ASM_ENDBR "\n"
    "\t" ANNOTATE_RETPOLINE_SAFE "\n"
#ifdef CONFIG_X86_64
    "\tjmp *lab_old_page_fault(%rip)\n"
#else
    "\tjmp *%cs:lab_old_page_fault\n"
#endif
    ".size lab_page_fault, . - lab_page_fault\n"
    ".balign 4096\n"
    ".popsection");

/* The one entry taken away, and the space it was taken from (pinned). */
static struct {
	struct mm_struct *mm;
	pid_t pid;
	unsigned long address;
	unsigned long size; /* bytes the entry maps */
	pgdval_t *entry;    /* NULL: nothing is hidden */
	pgdval_t value;
} hidden;

/*
 * The kernel-half entries that belong to one space alone: on i386 without PAE the page
 * directory's; with PAE the kernel PMD's, when PTI gives each space its own
 * (SHARED_KERNEL_PMD, arch/x86/include/asm/pgtable-3level_types.h); on x86-64 the top
 * level's only. All are of one width with the level they are in.
 */
pgdval_t *private_entry(struct mm_struct *mm, unsigned long address, unsigned long *size)
{
	pgd_t *pgd = pgd_offset(mm, address);
#ifdef CONFIG_X86_PAE
	pud_t *pud = pud_offset(p4d_offset(pgd, address), address);

	if (!boot_cpu_has(X86_FEATURE_PTI) || pud_none(*pud))
		return NULL;
	*size = PMD_SIZE;
	return (pgdval_t *)pmd_offset(pud, address);
#else
	*size = PGDIR_SIZE;
	return (pgdval_t *)pgd;
#endif
}

/* The waiter may never run again: what is hidden may hold the kernel itself (x86-64). */
static int hide(pid_t pid, unsigned long address)
{
	struct mm_struct *mm;
	pgdval_t *entry;
	unsigned long size;
	int error;

	if (hidden.entry)
		return -EBUSY;
	if (address < TASK_SIZE_MAX)
		return -EINVAL;
	mm = mm_of_pid(pid);
	if (!mm)
		return -ESRCH;
	error = -EOPNOTSUPP;
	entry = private_entry(mm, address, &size);
	if (!entry)
		goto out;
	error = -ENOENT;
	if (!(*entry & _PAGE_PRESENT))
		goto out;
	mmgrab(mm);
	hidden.mm = mm;
	hidden.pid = pid;
	hidden.address = address;
	hidden.size = size;
	hidden.value = *entry;
	hidden.entry = entry;
	/* Not set_pgd(): in x86-64 it would call a PTI function modules cannot reach. */
	WRITE_ONCE(*entry, 0);
	error = 0;
out:
	mmput(mm);
	return error;
}

static int restore(void)
{
	if (!hidden.entry)
		return -ENOENT;
	WRITE_ONCE(*hidden.entry, hidden.value);
	hidden.entry = NULL;
	mmdrop(hidden.mm);
	return 0;
}

static unsigned long idt_address(void)
{
	struct desc_ptr idt;

	store_idt(&idt);
	return idt.address;
}

static unsigned long gdt_address(void)
{
	struct desc_ptr gdt;

	native_store_gdt(&gdt);
	return gdt.address;
}

static unsigned long tss_address(void)
{
	const struct ldttss_desc *tss;
	unsigned long address;

	tss = (const struct ldttss_desc *)(gdt_address() + GDT_ENTRY_TSS * 8);
	address = tss->base0 | tss->base1 << 16 | (unsigned long)tss->base2 << 24;
#ifdef CONFIG_X86_64
	address |= (unsigned long)tss->base3 << 32;
#endif
	return address;
}

/* Its last word: where the processor pushes first when it comes from user mode. */
static unsigned long entry_stack_address(void)
{
	const struct x86_hw_tss *tss = (const struct x86_hw_tss *)tss_address();

	return tss->sp0 - sizeof(long);
}

static unsigned long handler_address(void)
{
	return (unsigned long)lab_page_fault;
}

/* Physical address behind a kernel address of any kind, 0 if it is not mapped. */
static u64 physical(unsigned long address)
{
	unsigned int level;
	pte_t *pte = lookup_address(address, &level);
	u64 size;

	if (!pte || !pte_present(*pte))
		return 0;
	/* pmd_pfn() drops the PAT bit of a large page, which is no part of its address */
	size = page_level_size(level);
	return (((u64)pmd_pfn(*(pmd_t *)pte) << PAGE_SHIFT) & ~(size - 1)) +
	       (address & (size - 1));
}

#define LOOKUPS 512

static int time_lookups(unsigned long first, unsigned int rounds)
{
	unsigned int level, found = 0, i;
	u64 best = U64_MAX, began;

	while (rounds--) {
		began = ktime_get_ns();
		for (i = 0; i < LOOKUPS; i++)
			found += !!lookup_address(first + i * PAGE_SIZE, &level);
		best = min(best, ktime_get_ns() - began);
	}
	say("lookups %llx %d %u\n", best, LOOKUPS, found);
	return 0;
}

/* Of memory that is mapped by tables; NULL if it is not. */
struct page *page_behind(unsigned long address)
{
	u64 pa = physical(address);

	return pa ? pfn_to_page(pa >> PAGE_SHIFT) : NULL;
}

/*
 * The IDT is read-only wherever it is mapped: its page by a mapping of our own. To make that
 * brings all spaces up to date, so it comes before a hole.
 */
gate_desc *own_gates(void)
{
	static gate_desc *gates;
	struct page *page = gates ? NULL : page_behind(idt_address());

	if (page)
		gates = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	return gates;
}

void set_gate14(gate_desc *gates, unsigned long handler)
{
	gate_desc gate = gates[X86_TRAP_PF];

	lab_old_page_fault = gate_offset(&gate);
	gate.offset_low = (u16)handler;
	gate.offset_middle = (u16)(handler >> 16);
#ifdef CONFIG_X86_64
	gate.offset_high = (u32)(handler >> 32);
#endif
	gates[X86_TRAP_PF] = gate;
}

static int take_gate14(void)
{
	gate_desc *gates;

	if (lab_old_page_fault)
		return -EBUSY;
	gates = own_gates();
	if (!gates)
		return -ENOMEM;
	set_gate14(gates, handler_address());
	return 0;
}

/* The words for what this kernel has. */
static const struct {
	const char *word;
	unsigned long (*address)(void);
} places[] = {
	{ "handler", handler_address }, { "idt", idt_address },
	{ "gdt", gdt_address },         { "entry-stack", entry_stack_address },
	{ "tss", tss_address },
};

int machine_where(const char *word, unsigned long *address)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (!sysfs_streq(word, places[i].word))
			continue;
		*address = places[i].address();
		return 0;
	}
	return where_is_ours(word, address);
}

static DEFINE_PER_CPU(unsigned long, cr3);

void note_registers(void)
{
	this_cpu_write(cr3, __native_read_cr3());
}

void say_cpu(int cpu, pid_t pid)
{
	say("cpu %d %d %lx\n", cpu, pid, per_cpu(cr3, cpu));
}

void say_kernel(void)
{
	unsigned long handler = (unsigned long)lab_page_fault;
	const gate_desc *gates = (const gate_desc *)idt_address();

	say("gate14 %lx\n", gate_offset(&gates[X86_TRAP_PF]));
	say("pti %d\n", !!boot_cpu_has(X86_FEATURE_PTI));
	say("lab_page_fault %lx %llx\n", handler, physical(handler));
	say("gate14_taken %d\n", !!lab_old_page_fault);
	if (hidden.entry)
		say("hidden %d %lx %lx %llx %llx %llx\n", hidden.pid, hidden.address,
		    hidden.size, (u64)__pa(hidden.entry), (u64)hidden.value,
		    (u64)*hidden.entry);
	say_planted();
	say_behind();
}

/* What is private is said of the one entry that was hidden. */
void say_tables(struct task_struct *task)
{
}

int machine_command(const char *command)
{
	char where[MAX_WHERE];
	unsigned long address;
	unsigned int rounds;
	pid_t pid;
	int error;

	if (sscanf(command, "lookups %31s %u", where, &rounds) == 2)
		return where_is(where, &address) ?: time_lookups(address, rounds);
	if (sscanf(command, "hide %d %31s", &pid, where) == 2)
		return where_is(where, &address) ?: hide(pid, address);
	if (sscanf(command, "behind %d", &pid) == 1)
		return behind(pid);
	if (sysfs_streq(command, "restore"))
		return restore();
	if (sysfs_streq(command, "open-gates"))
		return own_gates() ? 0 : -ENOMEM;
	if (sysfs_streq(command, "take-gate14"))
		return take_gate14();
	error = plant(command);
	if (error == -ENOTTY)
		error = ruin(command);
	return error == -ENOTTY ? act(command) : error;
}

void machine_files(struct dentry *dir)
{
	plant_files(dir);
}

void machine_exit(void)
{
	restore();
}
