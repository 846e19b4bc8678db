/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By which regime addresses are translated: what the caller gives, else what a processor's
 * registers say, else what memory shows of how the kernel's code runs. Where nothing does,
 * each space's own root translates all of its addresses, and a note says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "target/target.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/text.h"

/* ---- registers that were given ------------------------------------------------------ */

/* What the target has kept of a processor, or one of which nothing is known. */
static struct ws_cpu first_cpu(const struct ws_system *system, const struct ws_arch *arch)
{
	if (system->target->cpus.n)
		return system->target->cpus.v[0];
	return (struct ws_cpu){ .arch = arch, .word = (uint8_t)system->layout.word };
}

static const struct ws_named_regime *named_at(const struct ws_system *system, unsigned i)
{
	const struct ws_arch *arch = ws_arch_of(system->format);
	const struct ws_named_regime *row =
		arch->regimes ? arch->regimes(system->format) : NULL;

	while (row && row->name && i--)
		row++;
	return row && row->name ? row : NULL;
}

static const struct ws_named_regime *named(const struct ws_system *system,
					   const char *name)
{
	const struct ws_named_regime *row;

	for (unsigned i = 0; (row = named_at(system, i)); i++)
		if (!strcasecmp(row->name, name))
			break;
	return row;
}

static void take_named(struct ws_cpu *cpu, const struct ws_named_regime *row)
{
	for (unsigned i = 0; i < WS_REGIME_REGISTERS && row->registers[i].name; i++)
		(void)!ws_cpu_set_register(cpu, row->registers[i].name,
					   row->registers[i].value);
}

bool ws_regime_of_named(const struct ws_system *system, const struct ws_named_regime *row,
			struct ws_regime *regime)
{
	const struct ws_arch *arch = ws_arch_of(system->format);
	struct ws_cpu cpu = { .arch = arch, .word = (uint8_t)system->layout.word };

	take_named(&cpu, row);
	return arch->regime(&cpu, system->format, regime);
}

/* "cr0, cr4 or efer": the registers that decide; and the names of regimes, if any. */
static char *accepted(const struct ws_system *system)
{
	const char *const *registers = ws_arch_of(system->format)->regime_registers;
	const struct ws_named_regime *row;
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to)
		return NULL;
	fputs("with ", to);
	for (unsigned i = 0; registers[i]; i++)
		fprintf(to, "%s%s",
			!i                 ? ""
			: registers[i + 1] ? ", "
					   : " or ",
			registers[i]);
	fputs(" as NAME", to);
	for (unsigned i = 0; (row = named_at(system, i)); i++)
		fprintf(to, "%s%s",
			!i                        ? "; or by name: "
			: named_at(system, i + 1) ? ", "
						  : " or ",
			row->name);
	return ws_text_close(&text, NULL);
}

/* Names are the manual's, in any case; those that decide nothing are refused. */
static bool decides(const struct ws_arch *arch, const char *name)
{
	const char *const *row = arch->regime_registers;

	while (*row && strcmp(*row, name) != 0)
		row++;
	return *row;
}

static enum ws_status refuse(const struct ws_system *system, const char *format,
			     const char *what)
{
	ws_autofree char *words = accepted(system);
	ws_autofree char *wrong = ws_text_of(format, what);

	if (!words || !wrong)
		return ws_fail_memory(system->ctx);
	return ws_fail(system->ctx, WS_ERR_USAGE,
		       "regime: %s; what is taken: NAME=VALUE,... %s", wrong, words);
}

static enum ws_status take_pair(struct ws_system *system, struct ws_cpu *cpu, char *pair)
{
	char *value = strchr(pair, '=');
	uint64_t number, most = ~UINT64_C(0) >> (64 - 8 * system->layout.word);

	if (!value)
		return refuse(system,
			      "\"%s\" is no regime's name, and not NAME=VALUE of a "
			      "control register",
			      pair);
	*value++ = '\0';
	for (char *c = pair; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
	if (!ws_number(value, WS_DECIMAL_OR_HEX, most, &number))
		return ws_fail(system->ctx, WS_ERR_USAGE,
			       "regime: \"%s\" is no value of %u bits for %s", value,
			       8 * system->layout.word, pair);
	if (!decides(cpu->arch, pair) || !ws_cpu_set_register(cpu, pair, number))
		return refuse(system,
			      "no register \"%s\" decides which root translates what",
			      pair);
	return WS_OK;
}

static enum ws_status take_pairs(struct ws_system *system, struct ws_cpu *cpu)
{
	ws_autofree char *text = strdup(system->options.regime);
	enum ws_status status = WS_OK;
	char *rest = text, *pair;

	if (!text)
		return ws_fail_memory(system->ctx);
	while (status == WS_OK && (pair = strsep(&rest, ",")))
		status = take_pair(system, cpu, pair);
	return status;
}

static enum ws_status given(struct ws_system *system, const struct ws_arch *arch)
{
	const struct ws_named_regime *row = named(system, system->options.regime);
	struct ws_cpu cpu = first_cpu(system, arch);
	enum ws_status status = WS_OK;

	if (!arch->regime)
		return ws_fail(system->ctx, WS_ERR_USAGE,
			       "regime: with %s page tables no control register decides "
			       "what a root maps",
			       system->format->name);
	if (row)
		take_named(&cpu, row);
	else
		status = take_pairs(system, &cpu);
	if (status != WS_OK)
		return status;
	if (arch->regime(&cpu, system->format, &system->regime))
		return WS_OK;
	return ws_fail(system->ctx, WS_ERR_USAGE,
		       "regime: \"%s\" does not say how %s page tables are used",
		       system->options.regime, system->format->name);
}

/* ---- or found ----------------------------------------------------------------------- */

static bool of_registers(struct ws_system *system, const struct ws_arch *arch)
{
	ws_vec_each(&system->target->cpus, cpu)
		if (arch->regime(cpu, system->format, &system->regime))
			return true;
	return false;
}

static bool of_memory(struct ws_system *system, const struct ws_arch *arch,
		      char why[static WS_REGIME_WHY])
{
	const struct ws_named_regime *row =
		arch->regime_by_memory ? arch->regime_by_memory(system, why) : NULL;

	if (!row || !ws_regime_of_named(system, row, &system->regime))
		return false;
	ws_note(system,
		"the target has no control registers: by what is in memory, %s (%s); another "
		"regime can be given with --regime",
		system->regime.text, row->what);
	return true;
}

enum ws_status ws_find_regime(struct ws_system *system)
{
	const struct ws_arch *arch = ws_arch_of(system->format);
	char why[WS_REGIME_WHY] = "";
	enum ws_status status = WS_OK;

	if (system->options.regime)
		status = given(system, arch);
	if (system->regime.no_execute_off)
		system->paging.no_execute = false;
	if (status != WS_OK || system->options.regime)
		return status;
	if (!arch->regime || of_registers(system, arch) || of_memory(system, arch, why))
		return WS_OK;
	if (named_at(system, 0))
		ws_note(system,
			"the target has no control registers, and nothing in memory shows "
			"which root translates which addresses%s%s: each space's own is "
			"used for all; --regime gives what is so",
			*why ? ", for " : "", why);
	return WS_OK;
}

/* ---- what it comes to --------------------------------------------------------------- */

const char *ws_system_regime(const struct ws_system *system)
{
	return system->regime.text[0] ? system->regime.text : NULL;
}

const char *ws_system_regime_at(const struct ws_system *system, unsigned i,
				const char **what)
{
	const struct ws_named_regime *row = named_at(system, i);

	*what = row ? row->what : NULL;
	return row ? row->name : NULL;
}

static struct ws_window window_of(const struct ws_system *system,
				  const struct ws_regime_window *row, uint64_t root)
{
	return (struct ws_window){
		.first = row->first,
		.last = row->last,
		.root = row->offset + (row->root_of == WS_ROOT_OF_KERNEL
					       ? system->layout.reference
					       : root),
		.format = row->format,
	};
}

void ws_regime_eye(const struct ws_system *system, const struct ws_regime *regime,
		   uint64_t root, bool init, struct ws_eye *eye)
{
	eye->nwindows = 0;
	for (unsigned i = 0; i < regime->nwindows; i++)
		if (!init || regime->window[i].root_of != WS_ROOT_OF_PROCESS)
			eye->window[eye->nwindows++] =
				window_of(system, &regime->window[i], root);
	if (regime->has_windows)
		return;
	eye->nwindows = 1;
	eye->window[0] = (struct ws_window){ 0, UINT64_MAX, root, system->paging.format };
}

bool ws_is_of_space(const struct ws_system *system, uint64_t first, uint64_t last)
{
	const struct ws_regime *regime = &system->regime;

	for (unsigned i = 0; i < regime->nwindows; i++)
		if (regime->window[i].root_of != WS_ROOT_OF_KERNEL &&
		    first <= regime->window[i].last && last >= regime->window[i].first)
			return true;
	return !regime->has_windows;
}

void ws_root_eye(const struct ws_system *system, uint64_t root, bool init,
		 struct ws_eye *eye)
{
	ws_regime_eye(system, &system->regime, root, init, eye);
}

void ws_space_eye(const struct ws_system *system, const struct ws_space *space,
		  struct ws_eye *eye)
{
	ws_root_eye(system, space->root, space->kind == WS_SPACE_INIT, eye);
}

void ws_space_walk(const struct ws_system *system, const struct ws_space *space,
		   uint64_t va, struct ws_trail *trail)
{
	struct ws_eye eye;

	ws_space_eye(system, space, &eye);
	ws_eye_walk(&system->paging, &eye, va, trail);
}

static bool has_own_window(const struct ws_space *space, const struct ws_eye *eye,
			   uint64_t va)
{
	const struct ws_window *window = ws_eye_window(eye, va);

	return window && window->root == space->root;
}

const char *ws_space_regime(const struct ws_system *system, const struct ws_space *space,
			    uint64_t va)
{
	bool init = space->kind == WS_SPACE_INIT;
	const struct ws_named_regime *row;
	struct ws_regime regime;
	struct ws_eye eye;

	ws_space_eye(system, space, &eye);
	if (has_own_window(space, &eye, va))
		return NULL;
	for (unsigned i = 0; (row = named_at(system, i)); i++) {
		if (!ws_regime_of_named(system, row, &regime))
			continue;
		ws_regime_eye(system, &regime, space->root, init, &eye);
		if (has_own_window(space, &eye, va))
			return row->name;
	}
	return NULL;
}
