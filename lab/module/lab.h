/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the lab module know of each other. */
#ifndef WHOSEES_LAB_H
#define WHOSEES_LAB_H

#include <linux/dcache.h>
#include <linux/mm_types.h>
#include <linux/types.h>

#define MAX_WHERE 32

/* main.c */
__printf(1, 2) void tell(const char *format, ...);
struct mm_struct *mm_of_pid(pid_t pid);
pgdval_t *private_entry(struct mm_struct *mm, unsigned long address, unsigned long *size);
unsigned long swapper_pg_dir_address(void);
int where_is(const char *word, unsigned long *address);

/* plant.c: -ENOTTY where the command is not one of its own */
int plant(const char *command);
int where_is_ours(const char *word, unsigned long *address);
void tell_planted(void);
void plant_files(struct dentry *dir);

/* act.c: the same */
int act(const char *command);
extern char lab_answer[];

#endif
