/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions of the kernel and of drivers. Each is CODE_SIZE bytes in the simulated memory
 * that say which function of this program does its work, and with what argument. A
 * processor in kernel mode fetches those bytes where its instruction pointer stands, so
 * code can be missing, moved, overwritten, or another's by now.
 *
 * A function that raises an event must have changed nothing that matters, as an
 * instruction: it is run again from its beginning once the event was handled. Progress is
 * kept in registers, which handlers save.
 */
#ifndef MACHINE_KERNEL_CODE_H
#define MACHINE_KERNEL_CODE_H

#include "machine/kernel/pgtable.h"

#define CODE_SIZE 16

typedef bool code_function(struct kernel *kernel, struct processor *processor,
			   uint64_t argument, struct machine_event *event);

/* The image's, in the order of their addresses; then those of each module. */
enum code {
	CODE_DEFAULT_IDLE,
	CODE_PAGE_FAULT,
	CODE_DO_PAGE_FAULT,
	CODE_HANDLE_MM_FAULT,
	CODE_FINISH_TASK_SWITCH,
	CODE_RET_FROM_EXCEPTION,
	CODE_EXCEPTION,
	CODE_EXCEPTION_WITH_ERROR,
	CODE_DOUBLE_FAULT,
	CODE_FIXUP,
	CODE_SYSTEM_CALL,
	CODE_SYSCALL_EXIT,
	CODE_SYS_READ,
	CODE_SYS_WRITE,
	CODE_SYS_OPEN,
	CODE_SYS_CLOSE,
	CODE_SYS_INIT_MODULE,
	CODE_SYS_DELETE_MODULE,
	CODE_FOLLOW_POINTER,
	CODE_MODULES_READ,
	CODE_INTERRUPT,
	CODE_RET_FROM_INTR,
	CODE_OF_IMAGE,

	CODE_MODULE_INIT = CODE_OF_IMAGE,
	CODE_MODULE_EXIT,
	CODE_MODULE_INTERRUPT,
	CODE_MODULE_OPEN,
	CODE_MODULE_READ,
	CODE_MODULE_WRITE,
	CODE_MODULE_RELEASE,
	CODE_MODULE_PROC_READ,
	CODE_MODULE_PAGE_FAULT, /* the stub: not with the others, see MODULE_STUB */
	CODES
};

struct code_row {
	const char *name; /* of a module's: what comes after "NAME_" */
	code_function *run;
	bool copies; /* to or from user memory, with an entry in the exception table */
};

extern const struct code_row code_rows[CODES];

/* Where a function of the image is; interrupts: that of the first vector. */
uint64_t code_va(const struct kernel *kernel, enum code code);
/* A function's bytes, written without the processor. */
void code_write(struct kernel *kernel, uint64_t va, enum code code, uint64_t argument);
/* What function's bytes are at va, in init_mm's view; NULL: rubbish. */
const struct code_row *code_at(struct kernel *kernel, uint64_t va);
/* Writes the image's functions, and adds their symbols; false: no memory. */
bool code_create(struct kernel *kernel);

/* Runs the function the processor stands at; false: *event is what came of it. */
bool code_step(struct kernel *kernel, struct processor *processor,
	       struct machine_event *event);

/* ---- what functions are made of ---- */

/* Words of the stack that the processor stands on; [0] is the top. */
bool stack_push(struct kernel *kernel, struct processor *processor, uint64_t value,
		struct machine_event *event);
bool stack_pop(struct kernel *kernel, struct processor *processor, uint64_t *value,
	       struct machine_event *event);
bool stack_peek(struct kernel *kernel, struct processor *processor, unsigned word,
		uint64_t *value, struct machine_event *event);
bool stack_poke(struct kernel *kernel, struct processor *processor, unsigned word,
		uint64_t value, struct machine_event *event);

/* struct pt_regs as an entry pushes it, without what the processor pushed. */
unsigned registers_words(const struct kernel *kernel);
bool registers_push(struct kernel *kernel, struct processor *processor,
		    struct machine_event *event);
bool registers_pop(struct kernel *kernel, struct processor *processor,
		   struct machine_event *event);
/* Where AX lies among them. */
unsigned registers_ax(const struct kernel *kernel);

/* IRET of a frame whose error code was dropped. */
bool interrupt_return(struct kernel *kernel, struct processor *processor,
		      struct machine_event *event);

/* A word of kernel data, through the processor. */
bool data_load(struct kernel *kernel, struct processor *processor, uint64_t va,
	       uint64_t *value, struct machine_event *event);
bool data_store(struct kernel *kernel, struct processor *processor, uint64_t va,
		uint64_t value, struct machine_event *event);

/* The segments that a level of privilege runs with. */
void enter_kernel_mode(struct kernel *kernel, struct processor *processor, uint64_t ip,
		       uint64_t sp);
void enter_user_mode(struct kernel *kernel, struct processor *processor);

code_function run_default_idle, run_page_fault, run_do_page_fault, run_handle_mm_fault,
	run_finish_task_switch, run_ret_from_exception, run_exception,
	run_exception_with_error, run_double_fault, run_fixup, run_system_call,
	run_syscall_exit, run_sys_read, run_sys_write, run_sys_open, run_sys_close,
	run_sys_init_module, run_sys_delete_module, run_follow_pointer, run_modules_read,
	run_interrupt, run_ret_from_intr, run_module_init, run_module_exit,
	run_module_interrupt, run_module_open, run_module_read, run_module_write,
	run_module_release, run_module_proc_read, run_module_page_fault;

#endif
