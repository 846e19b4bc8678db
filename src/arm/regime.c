/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of the two translation tables translates what: TTBCR (DDI 0406C, B4.1.153).
 *
 *	short descriptors (B3.5.4)            long descriptors (B3.6.4)
 *
 *	0          .. 2^(32-N)-1  TTBR0       0           .. 2^(32-T0SZ)-1     TTBR0
 *	2^(32-N)   .. ffffffff    TTBR1       2^32-2^(32-T1SZ) .. ffffffff     TTBR1
 *	N = 0: all of it by TTBR0             between: no translation
 *
 * With long descriptors and T0SZ = T1SZ = 0 all goes by TTBR0; where one of them is 0, that
 * table has whatever the other does not. A table whose walks are disabled (EPD, PD)
 * translates nothing: an access there faults.
 *
 * Linux has swapper_pg_dir in TTBR1, or the part of it that TTBR1 is for, and a process's
 * pgd in TTBR0 (arch/arm/mm/proc-v7-2level.S, proc-v7-3level.S).
 */
#include "arm/regime.h"

#include <stdio.h>
#include <string.h>

#include "arm/entry.h"
#include "arm/registers.h"
#include "linux/linux.h"

#define LAST UINT64_C(0xffffffff)

#define EAE WS_BIT(31)
/* short descriptors */
#define N(ttbcr) ((unsigned)((ttbcr)&7))
#define PD0 WS_BIT(4)
#define PD1 WS_BIT(5)
/* long descriptors */
#define T0SZ(ttbcr) ((unsigned)((ttbcr)&7))
#define T1SZ(ttbcr) ((unsigned)((ttbcr) >> 16 & 7))
#define EPD0 WS_BIT(7)
#define EPD1 WS_BIT(23)

static void add(struct ws_regime *regime, const struct ws_regime_window *window)
{
	if (window->first <= window->last)
		regime->window[regime->nwindows++] = *window;
}

static const char *verb(bool disabled)
{
	return disabled ? "is disabled for" : "translates";
}

/* ---- short descriptors -------------------------------------------------------------- */

/*
 * With N > 0 TTBR0's table is shorter, and its index begins lower: the same entries of the
 * same table as far as addresses below 2^(32-N) go.
 */
static void set_short(struct ws_regime *regime, uint64_t ttbcr)
{
	uint64_t split = UINT64_C(1) << (32 - N(ttbcr));
	const struct ws_regime_window low = { 0, split - 1, &ws_format_arm,
					      WS_ROOT_OF_SPACE, 0 };
	const struct ws_regime_window high = { split, LAST, &ws_format_arm,
					       WS_ROOT_OF_KERNEL, 0 };

	if (!(ttbcr & PD0))
		add(regime, &low);
	if (!(ttbcr & PD1))
		add(regime, &high);
	if (!N(ttbcr))
		snprintf(regime->text, sizeof(regime->text), "TTBCR %#jx: TTBR0 %s all",
			 ttbcr, verb(ttbcr & PD0));
	else
		snprintf(regime->text, sizeof(regime->text),
			 "TTBCR %#jx: TTBR0 %s what is below %#jx, TTBR1 %s%sthe rest",
			 ttbcr, verb(ttbcr & PD0), split,
			 (ttbcr & (PD0 | PD1)) ? verb(ttbcr & PD1) : "",
			 (ttbcr & (PD0 | PD1)) ? " " : "");
}

/* ---- long descriptors --------------------------------------------------------------- */

/*
 * A table for 1 GiB or less begins at the second level (B3.6.6). Linux's second-level
 * tables follow its first-level one, which has a page (L1_ORDER and TTBR1_OFFSET in
 * arch/arm/mm/proc-v7-3level.S): with T1SZ = 2 TTBR1 is the fourth of them.
 */
#define SECOND_LEVEL_FROM 2
#define TTBR1_OFFSET UINT64_C(0x4000)

static struct ws_regime_window long_window(uint64_t first, uint64_t last, unsigned size,
					   uint8_t root_of)
{
	bool second = size >= SECOND_LEVEL_FROM;

	return (struct ws_regime_window){
		first, last, second ? &ws_format_arm_lpae_second : &ws_format_arm_lpae,
		root_of, second && root_of == WS_ROOT_OF_KERNEL ? TTBR1_OFFSET : 0
	};
}

/* "TTBR0 translates 0 to 0x1ffffff", or what does not. */
static int describe(char *text, size_t size, const char *table, bool disabled,
		    uint64_t first, uint64_t last)
{
	if (first > last)
		return snprintf(text, size, "%s translates nothing", table);
	return snprintf(text, size, "%s %s %#jx to %#jx", table, verb(disabled), first,
			last);
}

static void set_long(struct ws_regime *regime, uint64_t ttbcr)
{
	unsigned t0sz = T0SZ(ttbcr), t1sz = T1SZ(ttbcr);
	uint64_t high_size = t1sz ? UINT64_C(1) << (32 - t1sz) : 0;
	uint64_t low_end = t0sz   ? UINT64_C(1) << (32 - t0sz)
			   : t1sz ? LAST + 1 - high_size
				  : LAST + 1;
	uint64_t high = t1sz ? LAST + 1 - high_size : low_end;
	struct ws_regime_window by0 = long_window(0, low_end - 1, t0sz, WS_ROOT_OF_SPACE);
	struct ws_regime_window by1 = long_window(high, LAST, t1sz, WS_ROOT_OF_KERNEL);
	size_t size = sizeof(regime->text), at;

	if (!(ttbcr & EPD0))
		add(regime, &by0);
	if (!(ttbcr & EPD1))
		add(regime, &by1);
	at = (size_t)snprintf(regime->text, size, "TTBCR %#jx: ", ttbcr);
	at += (size_t)describe(regime->text + at, size - at, "TTBR0", ttbcr & EPD0, 0,
			       low_end - 1);
	at += (size_t)snprintf(regime->text + at, size - at, ", ");
	describe(regime->text + at, size - at, "TTBR1", ttbcr & EPD1, high, LAST);
}

bool arm_regime(const struct ws_cpu *cpu, const struct ws_format *format,
		struct ws_regime *regime)
{
	uint64_t ttbcr = cpu->reg[ARM_TTBCR];
	bool is_long = format != &ws_format_arm;

	if (!ws_cpu_knows(cpu, ARM_TTBCR) || is_long != !!(ttbcr & EAE))
		return false;
	*regime = (struct ws_regime){ .has_windows = true };
	if (is_long)
		set_long(regime, ttbcr);
	else
		set_short(regime, ttbcr);
	return true;
}

/* ---- those that Linux runs in ------------------------------------------------------- */

static const struct ws_named_regime of_short[] = {
	{ "kernel", "TTBR0 alone, as Linux has it", { { "ttbcr", 0 } } },
	{ 0 },
};

/*
 * Since 7af5b901e847 (6.10) and with CONFIG_CPU_TTBR0_PAN, TTBR0 is disabled but for when
 * the kernel touches user memory. Without, TTBR1 is for the last GiB, where PAGE_OFFSET
 * is 3 GiB; or for nothing, where RAM begins above PAGE_OFFSET.
 */
static const struct ws_named_regime of_long[] = {
	{ "kernel",
	  "code of the kernel, with CONFIG_CPU_TTBR0_PAN",
	  { { "ttbcr", UINT64_C(0xb5403587) } } },
	{ "user-access",
	  "the kernel while it touches user memory, and user mode, with "
	  "CONFIG_CPU_TTBR0_PAN",
	  { { "ttbcr", UINT64_C(0xb5003500) } } },
	{ "split",
	  "kernel and user mode alike, without CONFIG_CPU_TTBR0_PAN",
	  { { "ttbcr", UINT64_C(0xb5023500) } } },
	{ 0 },
};

const struct ws_named_regime *arm_regime_named(const struct ws_format *format,
					       const char *name)
{
	const struct ws_named_regime *row = arm_regimes(format);

	while (row->name && strcmp(row->name, name) != 0)
		row++;
	return row->name ? row : NULL;
}

const struct ws_named_regime *arm_regimes(const struct ws_format *format)
{
	return format == &ws_format_arm ? of_short : of_long;
}
