/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of the two roots translates what: TCR_EL1 (Arm ARM D24.2.189). TTBR0's is for the
 * lowest 2^(64-T0SZ) addresses and TTBR1's for the highest 2^(64-T1SZ); what is between has
 * no translation. Each has a granule of its own, and one whose walks are disabled (EPD)
 * translates nothing.
 *
 * Linux has a process's root in TTBR0 and swapper_pg_dir in TTBR1, with the same size and
 * granule (arch/arm64/mm/proc.S). With KPTI user mode runs on tramp_pg_dir in TTBR1.
 */
#include "arm64/regime.h"

#include <stdio.h>
#include <string.h>

#include "arm64/entry.h"
#include "arm64/registers.h"

#define T0SZ(tcr) ((unsigned)((tcr)&0x3f))
#define T1SZ(tcr) ((unsigned)((tcr) >> 16 & 0x3f))
#define EPD0 WS_BIT(7)
#define EPD1 WS_BIT(23)
#define DS WS_BIT(59) /* LPA2's entries */

static void add(struct ws_regime *regime, const struct ws_regime_window *window)
{
	if (window->format)
		regime->window[regime->nwindows++] = *window;
}

bool arm64_regime(const struct ws_cpu *cpu, const struct ws_format *format,
		  struct ws_regime *regime)
{
	uint64_t tcr = cpu->reg[ARM64_TCR];
	struct ws_regime_window low = { .format = arm64_low_format(tcr),
					.root_of = WS_ROOT_OF_PROCESS };
	struct ws_regime_window high = { .format = arm64_high_format(tcr),
					 .last = UINT64_MAX,
					 .root_of = WS_ROOT_OF_KERNEL };

	if (!ws_cpu_knows(cpu, ARM64_TCR) || !low.format || !high.format ||
	    strcmp(high.format->name, format->name))
		return false;
	low.last = UINT64_MAX >> T0SZ(tcr);
	high.first = ~(UINT64_MAX >> T1SZ(tcr));
	*regime = (struct ws_regime){ .has_windows = true };
	if (!(tcr & EPD0))
		add(regime, &low);
	if (!(tcr & EPD1))
		add(regime, &high);
	snprintf(regime->text, sizeof(regime->text),
		 "TCR_EL1 %#jx: TTBR0 %s 0 to %#jx, TTBR1 %s what is from %#jx on", tcr,
		 tcr & EPD0 ? "is disabled for" : "translates", low.last,
		 tcr & EPD1 ? "is disabled for" : "translates", high.first);
	return true;
}

/* ---- those that Linux runs in ------------------------------------------------------- */

/* TG0 is 0, 2, 1 and TG1 2, 1, 3 for granules of 4, 16 and 64 KiB. */
#define TCR(bits, tg0, tg1, ds)                            \
	((64 - (uint64_t)(bits)) | (uint64_t)(tg0) << 14 | \
	 (64 - (uint64_t)(bits)) << 16 | (uint64_t)(tg1) << 30 | (ds))
#define ROWS(bits, tg0, tg1, ds)                                  \
	{                                                         \
		{ "kernel",                                       \
		  "kernel and user mode alike, as Linux sets it", \
		  { { "tcr_el1", TCR(bits, tg0, tg1, ds) } } },   \
		{                                                 \
			0                                         \
		}                                                 \
	}

static const struct {
	const struct ws_format *format;
	struct ws_named_regime rows[2];
} regimes[] = {
	{ &ws_format_arm64_4k_39, ROWS(39, 0, 2, 0) },
	{ &ws_format_arm64_4k_48, ROWS(48, 0, 2, 0) },
	{ &ws_format_arm64_4k_52, ROWS(52, 0, 2, DS) },
	{ &ws_format_arm64_16k_47, ROWS(47, 2, 1, 0) },
	{ &ws_format_arm64_16k_48, ROWS(48, 2, 1, 0) },
	{ &ws_format_arm64_16k_52, ROWS(52, 2, 1, DS) },
	{ &ws_format_arm64_64k_42, ROWS(42, 1, 3, 0) },
	{ &ws_format_arm64_64k_48, ROWS(48, 1, 3, 0) },
	{ &ws_format_arm64_64k_52, ROWS(52, 1, 3, 0) },
};

const struct ws_named_regime *arm64_regimes(const struct ws_format *format)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(regimes); i++)
		if (!strcmp(regimes[i].format->name, format->name))
			return regimes[i].rows;
	return NULL;
}

/*
 * No more is asked of memory than what its tables are: that the kernel's addresses are the
 * upper half and go by TTBR1 is the architecture's own rule (D8.2), and Linux has had one
 * size and granule for both.
 */
const struct ws_named_regime *arm64_regime_by_memory(struct ws_system *system,
						     char why[static WS_REGIME_WHY])
{
	(void)why;
	return arm64_regimes(ws_system_paging(system)->format);
}
