/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is fuzzed: kinds of input, a row each in kinds.c. A kind takes any bytes; what it
 * refuses it refuses with words, and that nothing else goes wrong is for the sanitizers, for
 * insist() and for the clock to see.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/random.h"
#include "whosees.h"

struct fuzz_kind {
	const char *name;
	void (*run)(const uint8_t *data, size_t size);
	/*
	 * Changes the bytes as one who knows what they mean, in max bytes of room; how many
	 * there are then. NULL: bytes are bytes.
	 */
	size_t (*mutate)(uint8_t *data, size_t size, size_t max, struct random *random);
};
/* NULL past the last. */
const struct fuzz_kind *fuzz_kind_at(unsigned i);

/* As libFuzzer calls them; the kind is the one that WS_FUZZ_KIND names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* No sanitizer sees what is merely wrong. */
void insist(bool holds, const char *what);
/* An answer that may come of hostile bytes; words are there. */
void insist_refusal(const struct ws_context *ctx, enum ws_status status);
/* Opens a target, looks at it or at the words of a refusal, and closes it. */
void fuzz_open(const char *name, const struct ws_target_options *options,
	       void (*look_at)(struct ws_target *target));
/* A text is read to its end. */
void touch_text(const char *text);

/* The bytes as a file, for as long as this process has it open: its path. */
struct fuzz_file {
	int fd;
	char path[32];
};
struct fuzz_file fuzz_file(const uint8_t *data, size_t size);
void fuzz_file_close(struct fuzz_file *file);
#define autofile __attribute__((cleanup(fuzz_file_close))) struct fuzz_file

/* ---- the kinds ---- */

void fuzz_container(const uint8_t *data, size_t size);

void fuzz_discovery(const uint8_t *data, size_t size);
void fuzz_btf(const uint8_t *data, size_t size);
void fuzz_symbols(const uint8_t *data, size_t size);
void fuzz_stacks(const uint8_t *data, size_t size);
void fuzz_frames(const uint8_t *data, size_t size);
void fuzz_audit(const uint8_t *data, size_t size);
void fuzz_what_if(const uint8_t *data, size_t size);
void fuzz_autopsy(const uint8_t *data, size_t size);
void fuzz_tool(const uint8_t *data, size_t size);
size_t mutate_tool(uint8_t *data, size_t size, size_t max, struct random *random);
size_t mutate_memory(uint8_t *data, size_t size, size_t max, struct random *random);

void fuzz_walk(const uint8_t *data, size_t size);
size_t mutate_walk(uint8_t *data, size_t size, size_t max, struct random *random);

void fuzz_vmcoreinfo(const uint8_t *data, size_t size);
void fuzz_given(const uint8_t *data, size_t size);
void fuzz_system_map(const uint8_t *data, size_t size);
void fuzz_vmlinux(const uint8_t *data, size_t size);
void fuzz_regime(const uint8_t *data, size_t size);
void fuzz_module_file(const uint8_t *data, size_t size);
void fuzz_script(const uint8_t *data, size_t size);
void fuzz_device(const uint8_t *data, size_t size);
void fuzz_log(const uint8_t *data, size_t size);
void fuzz_oops(const uint8_t *data, size_t size);
void fuzz_qmp(const uint8_t *data, size_t size);
void fuzz_gdb(const uint8_t *data, size_t size);
void fuzz_journal(const uint8_t *data, size_t size);
void fuzz_results(const uint8_t *data, size_t size);

#endif
