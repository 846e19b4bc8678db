/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AArch64 formats. */
#ifndef WS_ARM64_ENTRY_H
#define WS_ARM64_ENTRY_H

#include "paging/format.h"

extern const struct ws_format ws_format_arm64_4k_39, ws_format_arm64_4k_48,
	ws_format_arm64_4k_52, ws_format_arm64_16k_47, ws_format_arm64_16k_48,
	ws_format_arm64_16k_52, ws_format_arm64_64k_42, ws_format_arm64_64k_48,
	ws_format_arm64_64k_52;

#endif
