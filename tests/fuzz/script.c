/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scenario of anybody's: run to its end, and to where it says dump. */
#include "fuzz.h"

#include <stdlib.h>

#include "machine/script.h"

static void run(const char *path, bool until_dump)
{
	const struct script_options options = { .scenario = path,
						.until_dump = until_dump };
	struct kernel *kernel = NULL;
	char *why = NULL;
	enum script_status status = script_run(&options, &kernel, &why);

	insist(status == SCRIPT_HOLDS || (!kernel && why), "it fails without words");
	touch_text(why);
	free(why);
	if (kernel)
		kernel_destroy(kernel);
}

void fuzz_script(const uint8_t *data, size_t size)
{
	autofile file = fuzz_file(data, size);

	run(file.path, true);
	run(file.path, false);
}
