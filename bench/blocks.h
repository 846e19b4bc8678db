/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packed blocks of a kdump or AVML file, read beforehand, to be unpacked in a loop. */
#ifndef BENCH_BLOCKS_H
#define BENCH_BLOCKS_H

#include "target/target.h"

struct bench_block {
	uint64_t at;        /* in bytes */
	uint32_t size, len; /* packed, and not */
	uint32_t flags;     /* a kdump's; AVML's: whether it is packed */
};

struct bench_blocks {
	WS_VEC(uint8_t) bytes;
	WS_VEC(struct bench_block) all;
	bool avml;
};

bool bench_blocks_take(struct bench_blocks *blocks, struct ws_target *target);
/* Unpacks each once; false: one is damaged, or memory is short. */
bool bench_blocks_unpack(const struct bench_blocks *blocks);
void bench_blocks_release(struct bench_blocks *blocks);

#endif
