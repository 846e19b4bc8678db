/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the lab module know of each other. */
#ifndef WHOSEES_LAB_H
#define WHOSEES_LAB_H

#include <linux/dcache.h>
#include <linux/mm_types.h>
#include <linux/types.h>
#ifdef CONFIG_X86
#include <asm/desc_defs.h>
#endif

#define MAX_WHERE 32

/* main.c */
__printf(1, 2) void say(const char *format, ...);
struct mm_struct *mm_of_pid(pid_t pid);
unsigned long swapper_pg_dir_address(void);
int where_is(const char *word, unsigned long *address);
void note_this_cpu(void); /* as it is when it stops */

/* port.c: the two ports on which the host hears and speaks */
int open_ports(void);
void close_ports(void);
void say_bytes(const char *bytes, size_t size);
void say_text(const char *text, size_t size); /* of kmalloc() */
void wait_for_host(void);

/* conceal.c: -ENOTTY where the command is not one of its own */
int conceal(const char *command);
void reveal(void);

/*
 * What each architecture answers for itself. -ENOTTY: the command is none of its own;
 * -ENOENT: it has no such word.
 */
int machine_command(const char *command);
int machine_where(const char *word, unsigned long *address);
void note_registers(void); /* of this CPU */
void say_cpu(int cpu, pid_t pid);
void say_kernel(void);
void say_tables(struct task_struct *task);
void machine_files(struct dentry *dir);
void machine_exit(void);

#ifdef CONFIG_X86
/* x86.c */
struct page *page_behind(unsigned long address);
gate_desc *own_gates(void);
void set_gate14(gate_desc *gates, unsigned long handler);
extern const char lab_page_fault[];
pgdval_t *private_entry(struct mm_struct *mm, unsigned long address, unsigned long *size);

/* plant.c: -ENOTTY where the command is not one of its own */
int plant(const char *command);
int where_is_ours(const char *word, unsigned long *address);
void say_planted(void);
void plant_files(struct dentry *dir);

/* act.c: the same */
int act(const char *command);
extern char lab_answer[];

/* ruin.c: the same */
int ruin(const char *command);

/* lag.c */
int behind(pid_t pid);
int held_cpus(void);
void say_behind(void);
#else
static inline int held_cpus(void)
{
	return 0;
}
#endif

#endif
