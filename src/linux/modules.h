/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files on modules share. */
#ifndef WS_LINUX_MODULES_H
#define WS_LINUX_MODULES_H

#include "linux/linux.h"

/*
 * enum module_state (include/linux/module.h); the last, of a module that is still being
 * put together, since 0d21b0e34773.
 */
#define WS_MODULE_COMING 1
#define WS_MODULE_UNFORMED 3

/* What is read of a struct module: 0.5 to 1.5 KiB in every configuration seen. */
#define WS_STRUCT_MODULE_MAX 4096u

/*
 * The bytes of one or more modules' structs, beside each other: a field is what has the
 * same meaning at the same offset in all of them. Bytes that are not there are 0xff.
 */
struct ws_module_sample {
	const struct ws_system *system;
	size_t n;
	const struct ws_module **module;
	uint8_t *bytes; /* n times WS_STRUCT_MODULE_MAX */
};

/*
 * Takes the modules that are formed, or all if none is. To be released in any case.
 */
enum ws_status ws_module_sample_take(struct ws_system *system,
				     struct ws_module_sample *sample) WS_MUST_CHECK;
void ws_module_sample_release(struct ws_module_sample *sample);

/* A field of the i-th module of the sample; at + the field's size must be inside. */
uint64_t ws_module_sample_word(const struct ws_module_sample *sample, size_t i,
			       uint32_t at);
uint32_t ws_module_sample_32(const struct ws_module_sample *sample, size_t i,
			     uint32_t at);

/* A crash may have overwritten some of them: so many may disagree with the others. */
static inline size_t ws_module_misfits_max(const struct ws_module_sample *sample)
{
	return (sample->n + 1) / 4;
}

/* Finds system->module_fields' regions, and fills the regions of every module. */
enum ws_status ws_module_regions_find(struct ws_system *system) WS_MUST_CHECK;

/* The region of the module that holds [va, va + len), or NULL. */
const struct ws_region *ws_module_region(const struct ws_module *module, uint64_t va,
					 uint64_t len);

#endif
