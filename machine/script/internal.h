/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scenarios inside. machine/script.h says what they do; a file a subject:
 *
 *	script.c      one run: text, limits, what came of it
 *	complaint.c   how a word gives up, and where in the script
 *	sandbox.c     a Lua state that has only our words, and ends
 *	argument.c    what a script hands to a word, checked
 *	machine.c     words of a machine
 *	process.c     words of a process, and of the files it opened
 *	look.c        words of both: page tables looked at, and damaged
 *	globals.c     all of them, and those of no object
 *
 * Lua's errors are long jumps: nothing that a word holds may need cleaning up. What needs
 * it belongs to struct script.
 *
 * How to add a word: a function, a row in the words[] of its file, a row in
 * docs/scenarios.md (a test compares the two).
 */
#ifndef MACHINE_SCRIPT_INTERNAL_H
#define MACHINE_SCRIPT_INTERNAL_H

#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "machine/script.h"

#define SCRIPT_TEXT (1 << 20)         /* bytes of a script */
#define SCRIPT_MEMORY (64 << 20)      /* bytes of Lua's, at once */
#define SCRIPT_ALLOCATED (4ull << 30) /* bytes of Lua's, ever: copying takes time */
#define SCRIPT_STEPS 200000000        /* Lua's instructions, ever */
#define SCRIPT_OPERATION 100 /* instructions that one of the kernel's counts as, */
#define SCRIPT_LISTENED 1000 /* and where somebody listens, who keeps the lines */
#define SCRIPT_LINE 1000     /* bytes of a line of the story */
#define SCRIPT_SECONDS 100   /* of processor time, for what steps do not measure */
#define SCRIPT_MACHINES 8
#define SCRIPT_RAM 4096 /* MiB, of all machines */

struct script {
	const struct script_options *options;
	const char *chunk; /* "@naughty-bug.lua" */
	const char *text;
	size_t size;
	lua_State *L;
	struct kernel *kernel[SCRIPT_MACHINES];
	unsigned nkernels;
	uint64_t ram;          /* MiB of them */
	struct kernel *dumped; /* by m:dump() */
	size_t bytes;          /* Lua's */
	uint64_t allocated, steps;
	uint64_t clock_read; /* at that many steps */
	time_t begun;        /* by that clock */
	char starved[128];   /* where Lua was denied memory, "" where it was not */
	bool out_of_memory;  /* it was the host's */
	bool failed;         /* an assertion, or an operation, rather than the script */
	bool stopped;        /* at m:dump() */
	bool trying;         /* the next outcome is a value, not an error */
};

/* ---- complaint.c ----------------------------------------------------------------- */

static inline struct script *script_of(lua_State *L)
{
	return *(struct script **)lua_getextraspace(L);
}

/* The innermost line of the script that is running; false: none is. */
bool script_line(lua_State *L, lua_Debug *frame);
/* "my.lua:3: ..." and out. failed: it is the story that went wrong, not the script. */
_Noreturn void script_error(lua_State *L, bool failed, const char *fmt, ...);
/* The host's memory is short, wherever that was noticed: out, with SCRIPT_NO_MEMORY. */
_Noreturn void script_short(lua_State *L);
/* The message handler of a protected call. */
int script_add_place(lua_State *L);

/* ---- sandbox.c ------------------------------------------------------------------- */

/* False when memory is short. */
bool sandbox_open(struct script *script);
void sandbox_close(struct script *script);

/* Takes n instructions off what the script may do. */
void script_charge(lua_State *L, unsigned n);

/* What the table at the top does not have, missing() is to complain about. */
void script_be_strict(lua_State *L, lua_CFunction missing, const char *noun);
/* Pushes a metatable for objects called noun: their words, and nothing else. */
void script_class(lua_State *L, const char *noun, const luaL_Reg *own,
		  const luaL_Reg *shared);

/* x:try("word", ...): calls the word and returns its outcome's name, then its values. */
int script_try(lua_State *L);
/*
 * Ends an operation whose n results are on the stack: returns them, or raises what it
 * came to, or hands it to script_try().
 */
int script_outcome(lua_State *L, enum kernel_outcome outcome, const struct kernel *kernel,
		   int n);

/* ---- argument.c ------------------------------------------------------------------ */

/* The word's own object is at index 1, what stands in its brackets from 2 on. */
void *script_object(lua_State *L, int index, const char *noun);

enum script_kind {
	SCRIPT_FIELD_TEXT,
	SCRIPT_FIELD_CHOICE,
	SCRIPT_FIELD_NUMBER,
	SCRIPT_FIELD_YES
};

/* An option in a table; rows end with a NULL name. */
struct script_field {
	const char *name;
	enum script_kind kind;
	uint64_t min, max;                 /* of a number */
	const char *(*choice)(unsigned i); /* NULL after the last */
};

union script_value {
	uint64_t number; /* of a choice: its index */
	const char *text;
};

/* Reads the table at index into values, one a field, which hold the defaults. */
void script_fields(lua_State *L, int index, const struct script_field *fields,
		   union script_value *values);
uint64_t script_number(lua_State *L, int index, uint64_t min, uint64_t max);
/* A name of at most max printable characters without '/' or blanks. */
const char *script_name(lua_State *L, int index, size_t max);
/* A path in the simulated machine. */
const char *script_path(lua_State *L, int index);
/* An address, or the name of a function. */
uint64_t script_address(lua_State *L, int index, const struct kernel *kernel);
#define SCRIPT_FORMAT "format" /* in the registry: what string.format() was */
/* format(fmt, ...) of what is on the stack from index on: pushes and returns it. */
const char *script_format(lua_State *L, int index);

/* ---- machine.c, process.c, look.c ---------------------------------------------- */

#define SCRIPT_MACHINE "machine"
#define SCRIPT_PROCESS "process"
#define SCRIPT_FILE "file"

struct script_process {
	struct kernel *kernel;
	int pid;
};

int script_machine_create(lua_State *L);
struct kernel *script_machine(lua_State *L, int index);
struct script_process *script_process(lua_State *L, int index);
/* A process of that machine, or an error. */
int script_process_pid(lua_State *L, int index, const struct kernel *kernel);
void script_process_push(lua_State *L, struct kernel *kernel, int pid);

int script_process_equals(lua_State *L); /* of Lua's == */

/* Their words, and those of machines and of processes alike. */
extern const luaL_Reg script_machine_words[], script_process_words[], script_file_words[],
	script_look_words[];

/* ---- globals.c --------------------------------------------------------------------- */

/* In a protected call: pushes what becomes the script's only global table. */
void script_words(lua_State *L);

#endif
