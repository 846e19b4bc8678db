/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds, and the two functions by which a fuzzer gets at them. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/bits.h"

static const struct fuzz_kind kinds[] = {
	{ "avml", fuzz_container, NULL },
	{ "cloud-hypervisor", fuzz_container, NULL },
	{ "elf", fuzz_container, NULL },
	{ "kdump", fuzz_container, NULL },
	{ "lime", fuzz_container, NULL },
	{ "migration", fuzz_container, NULL },
	{ "packed", fuzz_container, NULL },
	{ "raw", fuzz_container, NULL },
	{ "vmware", fuzz_container, NULL },
	{ "xen", fuzz_container, NULL },
	{ "walk", fuzz_walk, mutate_walk },
	{ "discovery", fuzz_discovery, mutate_memory },
	{ "symbols", fuzz_symbols, mutate_memory },
	{ "btf", fuzz_btf, NULL },
	{ "stacks", fuzz_stacks, mutate_memory },
	{ "frames", fuzz_frames, mutate_memory },
	{ "audit", fuzz_audit, mutate_memory },
	{ "what-if", fuzz_what_if, mutate_memory },
	{ "autopsy", fuzz_autopsy, mutate_memory },
	{ "tool", fuzz_tool, mutate_tool },
	{ "vmcoreinfo", fuzz_vmcoreinfo, NULL },
	{ "given", fuzz_given, NULL },
	{ "system-map", fuzz_system_map, NULL },
	{ "vmlinux", fuzz_vmlinux, NULL },
	{ "regime", fuzz_regime, NULL },
	{ "module-file", fuzz_module_file, NULL },
	{ "script", fuzz_script, NULL },
	{ "device", fuzz_device, NULL },
	{ "qmp", fuzz_qmp, NULL },
	{ "gdb", fuzz_gdb, NULL },
	{ "log", fuzz_log, NULL },
	{ "oops", fuzz_oops, NULL },
	{ "journal", fuzz_journal, NULL },
	{ "results", fuzz_results, NULL },
};

const struct fuzz_kind *fuzz_kind_at(unsigned i)
{
	return i < WS_ARRAY_SIZE(kinds) ? &kinds[i] : NULL;
}

static const struct fuzz_kind *kind(void)
{
	static const struct fuzz_kind *asked;
	const char *name = getenv("WS_FUZZ_KIND");

	for (unsigned i = 0; name && !asked && i < WS_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			asked = &kinds[i];
	insist(asked, "WS_FUZZ_KIND names no kind");
	return asked;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	kind()->run(data, size);
	return 0;
}

/* libFuzzer's; where there is none, a byte. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	static struct random random = { 2012 };
	uint64_t what = random_next(&random);

	if (size < max && (!size || what % 8 == 0))
		size++;
	else if (size > 1 && what % 8 == 1)
		size--;
	for (unsigned n = what >> 8 & 3; size && n < 4; n++)
		data[random_below(&random, size)] = (uint8_t)random_next(&random);
	return size;
}

/* Every fourth change knows nothing of structure, so that it too may be wrong. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct random random = { seed };

	if (!kind()->mutate || getenv("WS_FUZZ_BYTES") || random_percent(&random, 25))
		return LLVMFuzzerMutate(data, size, max);
	return kind()->mutate(data, size, max, &random);
}

/* ---- what they share -------------------------------------------------------------- */

void insist(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* Memory has to suffice for what is looked at here. */
void insist_refusal(const struct ws_context *ctx, enum ws_status status)
{
	insist(status != WS_OK && ws_error(ctx, 0), "no refusal, or no words");
	touch_text(ws_error(ctx, 0));
}

void fuzz_open(const char *name, const struct ws_target_options *options,
	       void (*look_at)(struct ws_target *target))
{
	struct ws_context *ctx = ws_context_create();
	struct ws_target *target = NULL;
	enum ws_status status = ws_target_open(ctx, name, options, &target);

	if (status == WS_OK)
		look_at(target);
	else
		insist_refusal(ctx, status);
	ws_target_close(target);
	ws_context_destroy(ctx);
}

void touch_text(const char *text)
{
	/* Nothing to hold it against, but it has to be read. */
	__asm__ volatile("" : : "r"(text ? strlen(text) : 0));
}

struct fuzz_file fuzz_file(const uint8_t *data, size_t size)
{
	struct fuzz_file file = { .fd = memfd_create("fuzz", MFD_CLOEXEC) };

	insist(file.fd >= 0 && write(file.fd, data, size) == (ssize_t)size,
	       "no file can be written in memory");
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

void fuzz_file_close(struct fuzz_file *file)
{
	close(file->fd);
}
